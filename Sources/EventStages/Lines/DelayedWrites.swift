internal import FluxGraph
internal import Synchronization

/// Pieces of a sink's files on their way to the disk. What cannot be written waits in memory, in order, and is tried again every
/// second. Used on the disk thread only.
final class DelayedWrites<Piece: Sendable>: @unchecked Sendable {
  // Unchecked: its stage hands everything it does to the disk thread.

  /// What waits for a disk that takes nothing, in bytes.
  private static var limit: Int { 8_000_000 }
  private static var interval: Duration { .seconds(1) }

  private let context: StageContext
  /// What a piece is called in messages: "event".
  private let noun: String
  private let write: (Piece) throws(StageError) -> Void
  private var pending: [(piece: Piece, size: Int)] = []
  /// Those pending, and those lost that were not told of yet, for others than the disk thread.
  private let unwritten = Atomic<Int>(0)
  private var bytes = 0
  private var lost = 0
  private var trouble = WritingTrouble()
  private var timer: (any GraphTimer)?

  /// - Parameter write: writes a piece, or nothing of it; with the code `inputOutput` another try may go better.
  init(
    of noun: String, _ context: StageContext, write: @escaping (Piece) throws(StageError) -> Void
  ) {
    self.noun = noun
    self.context = context
    self.write = write
  }

  /// Writes a piece behind those that wait, or has it wait.
  /// - Throws: `StageError` when it can never be written.
  func append(_ piece: Piece, size: Int) throws(StageError) {
    unwritten.add(1, ordering: .relaxed)
    if bytes + size > Self.limit {
      lost += 1
    } else {
      bytes += size
      pending.append((piece, size))
    }
    _ = try flush()
  }

  /// Tries once more to write what waits. Returns whether nothing does.
  func flush() throws(StageError) -> Bool {
    var written = 0
    var problem: StageError?
    while written < pending.count, problem == nil {
      do throws(StageError) {
        try write(pending[written].piece)
        bytes -= pending[written].size
        written += 1
        unwritten.subtract(1, ordering: .relaxed)
      } catch {
        problem = error
      }
    }
    pending.removeFirst(written)
    if let problem, problem.code != .inputOutput { throw problem }
    note(problem)
    setTimer()
    return pending.isEmpty
  }

  /// Has the user told how an operation on the files went.
  func note(_ problem: StageError?) {
    let loss = lost > 0 ? (lost, "\(count(lost)) lost") : nil
    guard let notice = trouble.note(problem, lost: loss, now: context.clock.now()) else { return }
    context.notice(notice)
    guard problem == nil else { return }
    unwritten.subtract(lost, ordering: .relaxed)
    lost = 0
  }

  /// Ends it.
  /// - Parameter place: where what is left could not be written to.
  /// - Throws: `StageError` when something is left.
  func close(_ place: String) throws(StageError) {
    timer?.cancel()
    let left = pending.count + lost
    guard left > 0 else { return }
    throw StageError(.inputOutput, "\(left) \(noun)\(left == 1 ? "" : "s") could not be written to \(place)")
  }

  /// The piece that has waited longest.
  var first: Piece? { pending.first?.piece }

  /// Gives a disk that was full, or a reader that was slow, another moment. Not on the disk thread.
  static func wait(for writes: DelayedWrites) async throws {
    for _ in 0..<10 where try await Self.run(writes, { try writes.flush() }) == false {
      do { try await Task.sleep(for: .milliseconds(200)) } catch { break }
    }
  }

  /// Runs `body` on the disk thread. Not on that thread.
  /// - Throws: what `body` throws; what is left when the disk does not answer any more, and is not waited for.
  static func run<Result: Sendable>(
    _ writes: DelayedWrites, _ body: @escaping @Sendable () throws -> Result
  ) async throws -> Result {
    do {
      return try await writes.context.disk.run(body)
    } catch let silence as DiskSilence {
      let left = writes.unwritten.load(ordering: .relaxed)
      guard left > 0 else { throw silence }
      let pieces = "\(left) \(writes.noun)\(left == 1 ? "" : "s")"
      var error = silence.stageError
      error.message = "\(pieces) could not be written: \(silence)"
      throw error
    }
  }

  private func count(_ number: Int) -> String {
    number == 1 ? "1 \(noun) was" : "\(number) \(noun)s were"
  }

  private func setTimer() {
    guard !pending.isEmpty, timer == nil else { return }
    timer = context.loop.schedule(at: context.clock.now().advanced(by: Self.interval)) {
      [weak self, disk = context.disk] in
      guard let self else { return }
      disk.submit {
        self.timer = nil
        // What cannot be helped is told with the next piece.
        _ = try? self.flush()
      }
    }
  }
}
