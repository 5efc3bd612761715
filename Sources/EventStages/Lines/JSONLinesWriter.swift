internal import FluxGraph

/// Writes the lines of `jsonl`, and keeps trying where that fails. Used on the disk thread only.
final class JSONLinesWriter: @unchecked Sendable {
  // Unchecked: its stage hands everything it does to the disk thread.

  /// A line, and the file it belongs to.
  struct Line: Sendable {
    var bytes: [UInt8]
    var path: String
  }

  /// Files that are open at a time, where events choose them.
  private static let openLimit = 16
  /// How soon what was written is made to survive a power failure.
  private static let interval = Duration.seconds(1)

  private let rotation: FileRotation
  private let keep: Int?
  private let sync: FileSync
  private let context: StageContext
  /// The one used last is the last.
  private var files: [(path: String, file: LineFile)] = []
  private var timer: (any GraphTimer)?
  private(set) lazy var writes = DelayedWrites<Line>(of: "event", context) {
    [unowned self] (line) throws(StageError) in
    context.disk.works(on: line.path)
    try file(line.path).append(line.bytes, to: line.path, now: context.clock.wallTime())
  }

  init(rotation: FileRotation, keep: Int?, sync: FileSync, _ context: StageContext) {
    self.rotation = rotation
    self.keep = keep
    self.sync = sync
    self.context = context
    // Made here: its stage asks for it, too.
    _ = writes
  }

  /// Writes a line, or keeps it until it can be written.
  /// - Throws: `StageError` when that will never be.
  func append(_ line: Line, isEndOfTurn: Bool) throws(StageError) {
    try writes.append(line, size: line.bytes.count)
    if sync == .turn && isEndOfTurn { synchronise() }
    setTimer()
  }

  /// Opens anew what was moved away.
  func reopen() {
    context.log.info("opens \(files.count) file\(files.count == 1 ? "" : "s") anew")
    for (_, file) in files {
      do throws(StageError) { try file.reopen() } catch { writes.note(error) }
    }
    setTimer()
  }

  /// Ends it.
  /// - Parameter path: a file that is to be there even if nothing was written to it.
  /// - Throws: `StageError` when there are lines that could not be written.
  func close(making path: String?) throws(StageError) {
    timer?.cancel()
    if let path, files.isEmpty, writes.first == nil, !isPipe(path) { try file(path).reopen(path) }
    if sync != .never { synchronise() }
    for (_, file) in files { file.close() }
    try writes.close(writes.first?.path ?? files.last?.path ?? "the file")
  }

  private func synchronise() {
    for (_, file) in files {
      do throws(StageError) { try file.synchronise() } catch { writes.note(error) }
    }
  }

  private func file(_ path: String) -> LineFile {
    if let index = files.lastIndex(where: { $0.path == path }) {
      if index < files.count - 1 { files.append(files.remove(at: index)) }
      return files[files.count - 1].file
    }
    if files.count >= Self.openLimit {
      let (_, oldest) = files.removeFirst()
      if sync != .never { do throws(StageError) { try oldest.synchronise() } catch { writes.note(error) } }
      oldest.close()
    }
    context.log.info("writes to \(path)")
    files.append((path, LineFile(rotation: rotation, keep: keep, files: context.files)))
    return files[files.count - 1].file
  }

  /// Sees to it that what was written is made safe, whether or not more events come.
  private func setTimer() {
    guard sync == .interval, timer == nil, files.contains(where: { $0.file.hasUnsynced }) else { return }
    timer = context.loop.schedule(at: context.clock.now().advanced(by: Self.interval)) {
      [weak self, context] in
      guard let self else { return }
      context.disk.submit {
        self.timer = nil
        self.synchronise()
        self.setTimer()
      }
    }
  }
}
