internal import Glibc
internal import Synchronization

/// The threads `audio-0…n`, one for each processor at most. One graph's, or shared by many.
package final class AudioWorkers: Sendable {
  private let workers: [AudioWorker]
  private let next = Atomic<Int>(0)

  /// Threads that wait for chains.
  /// - Parameter most: how many there can be work for.
  /// - Throws: `StageError` when no more files can be opened.
  package init(most: Int = .max) throws {
    workers = try (0..<max(1, min(Self.processors, most))).map { try AudioWorker(number: $0) }
    for worker in workers { worker.start() }
  }

  /// Gives a chain to the next thread in turn, which begins with it at once.
  func add(_ chain: AudioChain, _ wake: WakeRoute) {
    let worker = workers[next.add(1, ordering: .relaxed).oldValue % workers.count]
    // In this order: a chain may have something to say as soon as it is stepped.
    wake.connect(worker)
    worker.add(chain)
  }

  /// Ends the threads after the step they are in, and waits for them. Blocks.
  package func stop() {
    for worker in workers { worker.stop() }
  }

  /// The processors this process may run on: in a container, or under taskset(1), fewer than the machine has.
  private static var processors: Int {
    let all = max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN)))
    // Glibc's module does not show `sched_getaffinity`; the kernel tells it here, as hexadecimal digits.
    guard let file = fopen("/proc/self/status", "r") else { return all }
    defer { fclose(file) }
    var line = [CChar](repeating: 0, count: 1024)
    while fgets(&line, Int32(line.count), file) != nil {
      let text = line.withUnsafeBufferPointer { String(cString: $0.baseAddress!) }
      guard text.hasPrefix("Cpus_allowed:") else { continue }
      let allowed = text.dropFirst(13).reduce(0) { $0 + ($1.hexDigitValue?.nonzeroBitCount ?? 0) }
      return min(all, max(1, allowed))
    }
    return all
  }
}
