internal import FluxGraph
internal import Glibc
internal import Synchronization

/// One run of a stage under check: a world and a directory of its own, and a way to wait for what the stage waits for.
final class ContractRun: Sendable {
  private struct State {
    var isWoken = false
    /// With room enough: what a stage asks for is no allocation of the stage's.
    var descriptors: [pollfd] = {
      var room: [pollfd] = []
      room.reserveCapacity(64)
      return room
    }()
  }

  let world: TestWorld
  private let directory: String
  private let state = Mutex(State())

  init(_ world: TestWorld, _ files: [String: [UInt8]]) throws {
    self.world = world
    var template = Array("/tmp/stage-contract-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else {
      throw StageError(.inputOutput, "no directory can be made in /tmp: \(String(cString: strerror(errno)))")
    }
    directory = template.withUnsafeBufferPointer { String(cString: $0.baseAddress!) }
    for (name, bytes) in files { try Self.write(bytes, to: directory + "/" + name) }
  }

  deinit {
    Self.remove(directory)
  }

  var context: StageContext { context(disk: nil) }

  /// - Parameter disk: the thread for files; what it is handed runs at once when nil.
  func context(disk: (any BlockingThread)?) -> StageContext {
    world.context(
      name: "stage", directory: directory, disk: disk,
      waker: .init(
        wake: { self.state.withLock { $0.isWoken = true } },
        wakeWhenReadable: { descriptor in self.watch(descriptor, POLLIN) },
        wakeWhenWritable: { descriptor in self.watch(descriptor, POLLOUT) }))
  }

  /// What a run left behind, with its files and notices.
  func collecting(_ outcome: ContractBench.Outcome) throws -> ContractBench.Outcome {
    var outcome = outcome
    outcome.files = try Self.contents(of: directory)
    // Where something was put differs from run to run.
    outcome.notices = world.notices.map { "\($0.notice): \($0.message.replacing(directory, with: "…"))" }
    return outcome
  }

  private func watch(_ descriptor: Int32, _ events: Int32) {
    state.withLock { state in
      // Asked for again and again, until it has come. A loop, which costs no memory of which the stage would be accused.
      for index in state.descriptors.indices
      where state.descriptors[index].fd == descriptor && state.descriptors[index].events == Int16(events) {
        return
      }
      state.descriptors.append(pollfd(fd: descriptor, events: Int16(events), revents: 0))
    }
  }

  /// Waits until the stage has what it waits for.
  /// - Throws: `Violation` when that does not come for half a minute.
  func wait() throws {
    var last = Instant.now()
    let end = last.advanced(by: .seconds(30))
    while Instant.now() < end {
      // No faster than the clock: another program has the time the stage allows it.
      let now = Instant.now()
      world.loop.advance(by: now.duration(since: last))
      last = now
      var (isWoken, descriptors) = state.withLock { state in
        defer { state.isWoken = false }
        return (state.isWoken, state.descriptors)
      }
      if isWoken { return }
      if poll(&descriptors, nfds_t(descriptors.count), 2) > 0 {
        state.withLock { $0.descriptors.removeAll(keepingCapacity: true) }
        return
      }
    }
    throw StageContract.Violation(
      rule: .progress, message: "the stage waits, and nothing has woken it for half a minute")
  }

  // MARK: - Files

  private static func write(_ bytes: [UInt8], to path: String) throws {
    guard let file = fopen(path, "w") else {
      throw StageError(.inputOutput, "\(path) cannot be written: \(String(cString: strerror(errno)))")
    }
    fwrite(bytes, 1, bytes.count, file)
    fclose(file)
  }

  private static func contents(of directory: String) throws -> [String: [UInt8]] {
    var files: [String: [UInt8]] = [:]
    for name in names(in: directory) {
      let path = directory + "/" + name
      if isDirectory(path) {
        for (inner, bytes) in try contents(of: path) { files[name + "/" + inner] = bytes }
        continue
      }
      guard let file = fopen(path, "r") else { continue }
      var bytes: [UInt8] = []
      var piece = [UInt8](repeating: 0, count: 65_536)
      while true {
        let count = fread(&piece, 1, piece.count, file)
        if count == 0 { break }
        bytes += piece[..<count]
      }
      fclose(file)
      files[name] = bytes
    }
    return files
  }

  private static func remove(_ directory: String) {
    for name in names(in: directory) {
      let path = directory + "/" + name
      if isDirectory(path) { remove(path) } else { unlink(path) }
    }
    rmdir(directory)
  }

  private static func isDirectory(_ path: String) -> Bool {
    var information = stat()
    return lstat(path, &information) == 0 && information.st_mode & S_IFMT == S_IFDIR
  }

  private static func names(in directory: String) -> [String] {
    guard let stream = opendir(directory) else { return [] }
    defer { closedir(stream) }
    var names: [String] = []
    while let entry = readdir(stream) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if name != "." && name != ".." { names.append(name) }
    }
    return names.sorted()
  }
}
