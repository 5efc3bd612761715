import Synchronization

/// One connection's queue of speech for PocketSphinx.
final class PocketSphinxStream: WordStream {
  private enum Job: Sendable {
    /// Loads the decoder before there is anything to hear.
    case prepare
    case hear(SpeechBlock)
    /// A block whose words nobody wants any more.
    case skip(Int)
    case abandon
    case close
  }

  private struct Queue {
    var jobs: [Job] = []
    /// Set while the stream waits in the pool's line or is worked on: one thread at a time.
    var isScheduled = false
    var isClosed = false
  }

  private let queue = Mutex(Queue())
  private let recogniser: Recogniser
  private let pool: RecogniserPool
  private let answer: @Sendable (WordAnswer) -> Void

  init(pool: RecogniserPool, answer: @escaping @Sendable (WordAnswer) -> Void) {
    self.pool = pool
    self.answer = answer
    recogniser = Recogniser(pool: pool)
    schedule { $0.append(.prepare) }
  }

  func hear(_ block: SpeechBlock) {
    schedule { $0.append(.hear(block)) }
  }

  func abandonSegment() {
    schedule { jobs in
      for index in jobs.indices {
        if case .hear(let block) = jobs[index] { jobs[index] = .skip(block.number) }
      }
      jobs.append(.abandon)
    }
  }

  func close() {
    schedule { $0 = [.close] }
    queue.withLock { $0.isClosed = true }
  }

  private func schedule(_ change: (inout [Job]) -> Void) {
    let isIdle = queue.withLock { queue in
      guard !queue.isClosed else { return false }
      change(&queue.jobs)
      defer { queue.isScheduled = true }
      return !queue.isScheduled
    }
    if isIdle { pool.enqueue(self) }
  }

  /// Does the next job; true if another waits. Called by one of the pool's threads at a time.
  func work() -> Bool {
    let job = queue.withLock { $0.jobs.isEmpty ? nil : $0.jobs.removeFirst() }
    switch job {
    case .prepare:
      recogniser.prepare()
    case .hear(let block):
      answer(WordAnswer(number: block.number, words: recogniser.hear(block)))
    case .skip(let number):
      answer(WordAnswer(number: number, words: .heard([])))
    case .abandon:
      recogniser.abandon()
    case .close:
      recogniser.close()
    case nil:
      break
    }
    return queue.withLock { queue in
      queue.isScheduled = !queue.jobs.isEmpty
      return queue.isScheduled
    }
  }
}

/// A stream's decoder, if it could get one.
///
/// Unchecked: only the thread that does the stream's current job touches it.
private final class Recogniser: @unchecked Sendable {
  private let pool: RecogniserPool
  private var decoder: PocketSphinxDecoder?
  /// Why the segment in hand gets no words.
  private var failure: String?

  init(pool: RecogniserPool) {
    self.pool = pool
  }

  deinit {
    close()
  }

  /// Takes a decoder, if there is one to be had; if not, the next segment asks again.
  func prepare() {
    failure = nil
    do throws(RecogniserPool.Refusal) {
      decoder = try pool.takeDecoder()
    } catch {
      failure = error.reason
    }
  }

  func hear(_ block: SpeechBlock) -> WordAnswer.Words {
    if block.begins, decoder == nil { prepare() }
    if let failure { return .unavailable(failure) }
    return .heard(decoder?.hear(block) ?? [])
  }

  func abandon() {
    decoder?.abandon()
  }

  func close() {
    guard decoder != nil else { return }
    decoder = nil
    pool.returnDecoder()
  }
}
