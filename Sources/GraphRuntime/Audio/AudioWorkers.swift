internal import Platform
internal import Synchronization

/// The threads `audio-0…n`, one for each processor at most. One graph's, or shared by many.
package final class AudioWorkers: Sendable {
  private let workers: [AudioWorker]
  private let next = Atomic<Int>(0)

  /// Threads that wait for chains.
  /// - Parameter most: how many there can be work for.
  /// - Throws: `StageError` when no more files can be opened.
  package init(most: Int = .max) throws {
    workers = try (0..<max(1, min(processorCount, most))).map { try AudioWorker(number: $0) }
    for worker in workers { worker.start() }
  }

  /// Gives a chain to the next thread in turn, which begins with it at once.
  func add(_ chain: AudioChain) {
    let worker = workers[next.add(1, ordering: .relaxed).oldValue % workers.count]
    // In this order: a chain may have something to say as soon as it is stepped.
    chain.connect(worker)
    worker.add(chain)
  }

  /// Ends the threads after the step they are in, and waits for them. Blocks.
  package func stop() {
    for worker in workers { worker.stop() }
  }
}
