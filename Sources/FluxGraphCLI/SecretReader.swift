internal import FluxGraph
internal import Glibc

/// Looks up the secrets a graph names by file or program, when it runs and never before.
struct SecretReader: Sendable {
  /// Longer than any key.
  private static let sizeLimit = 64 << 10
  /// What a password manager that asks a person may take.
  private static let limit = Duration.seconds(60)

  /// The secret, without the line break at its end.
  /// - Throws: `StageError`; it tells where the secret was looked for, and nothing of what was found.
  func secret(_ reference: SecretReference) async throws(StageError) -> Secret {
    var bytes =
      switch reference {
      case .file(let path): try InputFile.read(Self.atHome(path), limit: Self.sizeLimit)
      case .program(let arguments): try Self.output(of: arguments, reference)
      }
    if bytes.last == UInt8(ascii: "\n") { bytes.removeLast() }
    if bytes.last == UInt8(ascii: "\r") { bytes.removeLast() }
    guard !bytes.isEmpty, let text = String(validating: bytes, as: UTF8.self) else {
      throw StageError(.badGraph, "\(reference) gives no text")
    }
    return Secret(text)
  }

  private static func atHome(_ path: String) -> String {
    guard path.hasPrefix("~/"), let home = getenv("HOME") else { return path }
    return String(cString: home) + path.dropFirst()
  }

  /// What a program prints. It has this program's terminal, to ask on, and its environment but for the service's key.
  private static func output(
    of arguments: [String], _ reference: SecretReference
  ) throws(StageError) -> [UInt8] {
    var ends: [Int32] = [-1, -1]
    guard pipe(&ends) == 0 else { throw failure(reference, errno) }
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    defer { close(ends[0]) }
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO)
    var words = arguments.map { strdup($0) } + [nil]
    var variables = inherited().map { strdup($0) } + [nil]
    defer { for word in words + variables { free(word) } }
    var process = pid_t()
    let code = posix_spawnp(&process, arguments[0], &actions, nil, &words, &variables)
    close(ends[1])
    guard code == 0 else { throw failure(reference, code) }
    let bytes = read(ends[0], until: Instant.now().advanced(by: limit))
    if bytes == nil { kill(process, SIGKILL) }
    var status: Int32 = 0
    while waitpid(process, &status, 0) < 0, errno == EINTR {}
    guard let bytes else {
      throw StageError(.unavailable, "\(reference) took longer than \(limit.unitText), or printed too much")
    }
    guard status == 0 else {
      throw StageError(
        .unavailable, "\(reference) failed: the program ended with status \(status >> 8 & 0xFF)")
    }
    return bytes
  }

  /// What comes until the other end is closed; nil when that takes too long, or too much comes.
  private static func read(_ descriptor: Int32, until deadline: Instant) -> [UInt8]? {
    var bytes: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 4096)
    while true {
      let left = deadline.duration(since: .now()).seconds
      var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
      guard left > 0, bytes.count <= sizeLimit else { return nil }
      guard poll(&entry, 1, Int32(left * 1000) + 1) > 0 else { continue }
      let count = Glibc.read(descriptor, &piece, piece.count)
      if count == 0 { return bytes }
      if count > 0 { bytes += piece[..<count] } else if errno != EINTR { return nil }
    }
  }

  private static func inherited() -> [String] {
    var variables: [String] = []
    var next = environ
    while let entry = next.pointee {
      let text = String(cString: entry)
      if !text.hasPrefix("DEEPGRAM_API_KEY=") { variables.append(text) }
      next += 1
    }
    return variables
  }

  private static func failure(_ reference: SecretReference, _ code: Int32) -> StageError {
    StageError(.unavailable, "\(reference) cannot be run: \(String(cString: strerror(code)))")
  }
}
