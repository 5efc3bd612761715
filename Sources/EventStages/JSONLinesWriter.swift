internal import FluxGraph

/// Writes the lines of `jsonl`, and keeps trying where that fails. Used on the disk thread only.
final class JSONLinesWriter: @unchecked Sendable {
  // Unchecked: its stage hands everything it does to the disk thread.

  /// What waits for a disk that takes nothing.
  private static let pendingLimit = 8_000_000
  /// Files that are open at a time, where events choose them.
  private static let openLimit = 16
  /// How soon what could not be written is tried again, and what was written made to survive a power failure.
  private static let interval = Duration.seconds(1)

  private let rotation: FileRotation
  private let keep: Int?
  private let sync: FileSync
  private let context: StageContext
  /// The one used last is the last.
  private var files: [(path: String, file: LineFile)] = []
  /// Lines that could not be written yet, and where they belong.
  private var pending: [(line: [UInt8], path: String)] = []
  private var pendingBytes = 0
  private var lost = 0
  private var isFailing = false
  private var timer: (any GraphTimer)?

  init(rotation: FileRotation, keep: Int?, sync: FileSync, _ context: StageContext) {
    self.rotation = rotation
    self.keep = keep
    self.sync = sync
    self.context = context
  }

  /// Opens a file before there is a line for it.
  /// - Throws: `StageError` when lines can never be written to it.
  func prepare(_ path: String) throws(StageError) {
    do {
      try file(path).prepare(path)
    } catch {
      // A pipe's reader may come.
      guard LineFile.isPipe(path), error.code == .inputOutput else { throw error }
      report(error)
    }
  }

  /// Writes a line, or keeps it until it can be written.
  /// - Throws: `StageError` when that will never be.
  func append(_ line: [UInt8], to path: String, isEndOfTurn: Bool) throws(StageError) {
    if pendingBytes + line.count > Self.pendingLimit {
      lost += 1
    } else {
      pendingBytes += line.count
      pending.append((line, path))
    }
    try writePending()
    if sync == .turn && isEndOfTurn { synchronise() }
    setTimer()
  }

  /// Opens anew what was moved away.
  func reopen() {
    context.log.info("opens \(files.count) file\(files.count == 1 ? "" : "s") anew")
    for (_, file) in files {
      do throws(StageError) { try file.reopen() } catch { report(error) }
    }
    setTimer()
  }

  /// Tries once more to write what waits. Returns whether nothing does.
  func flush() throws(StageError) -> Bool {
    try writePending()
    return pending.isEmpty
  }

  /// Ends it.
  /// - Throws: `StageError` when there are lines that could not be written.
  func close() throws(StageError) {
    timer?.cancel()
    if sync != .never { synchronise() }
    for (_, file) in files { file.close() }
    let unwritten = pending.count + lost
    guard unwritten > 0 else { return }
    let place = pending.first?.path ?? files.last?.path ?? "the file"
    throw StageError(
      .inputOutput, "\(unwritten) event\(unwritten == 1 ? "" : "s") could not be written to \(place)")
  }

  /// Writes what waits, in order, as far as it goes.
  private func writePending() throws(StageError) {
    let now = context.clock.wallTime()
    var written = 0
    var problem: StageError?
    while written < pending.count, problem == nil {
      let (line, path) = pending[written]
      do throws(StageError) {
        try file(path).append(line, to: path, now: now)
        pendingBytes -= line.count
        written += 1
      } catch {
        problem = error
      }
    }
    pending.removeFirst(written)
    if let problem, problem.code != .inputOutput { throw problem }
    report(problem)
  }

  private func synchronise() {
    for (_, file) in files {
      do throws(StageError) { try file.synchronise() } catch { report(error) }
    }
  }

  private func file(_ path: String) -> LineFile {
    if let index = files.lastIndex(where: { $0.path == path }) {
      if index < files.count - 1 { files.append(files.remove(at: index)) }
      return files[files.count - 1].file
    }
    if files.count >= Self.openLimit {
      let (_, oldest) = files.removeFirst()
      if sync != .never { do throws(StageError) { try oldest.synchronise() } catch { report(error) } }
      oldest.close()
    }
    context.log.info("writes to \(path)")
    files.append((path, LineFile(rotation: rotation, keep: keep)))
    return files[files.count - 1].file
  }

  /// Sees to it that what waits is tried again, and what was written is made safe, whether or not more events come.
  private func setTimer() {
    let isNeeded = !pending.isEmpty || sync == .interval && files.contains { $0.file.hasUnsynced }
    guard isNeeded, timer == nil else { return }
    timer = context.loop.schedule(at: context.clock.now().advanced(by: Self.interval)) {
      [weak self, context] in
      guard let self else { return }
      context.disk.submit { self.timeHasCome() }
    }
  }

  private func timeHasCome() {
    timer = nil
    // What cannot be helped is told with the next event.
    if !pending.isEmpty { try? writePending() }
    if sync == .interval { synchronise() }
    setTimer()
  }

  /// One notice when writing begins to fail, and one when it works again.
  private func report(_ problem: StageError?) {
    if let problem {
      if !isFailing {
        context.notice(
          Notice("not-written", "\(problem.message); it is tried again every second", severity: .warning))
      }
      isFailing = true
    } else if isFailing {
      let text = lost > 0 ? "writing again; \(lost) events were lost" : "writing again; nothing was lost"
      context.notice(Notice("written-again", text, details: [("lost", JSONValue(lost))]))
      lost = 0
      isFailing = false
    }
  }
}
