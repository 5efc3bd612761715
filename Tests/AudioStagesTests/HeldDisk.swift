import FluxGraph
import StageTesting
import Synchronization
import TestSupport

/// A disk that does nothing until it is told to.
final class HeldDisk: BlockingThread, Sendable {
  let world = TestWorld()
  private let jobs = Mutex<[@Sendable () -> Void]>([])
  private let directory: String

  init(_ directory: TemporaryFolder) throws {
    self.directory = directory.path
  }

  var context: StageContext { world.context(directory: directory, disk: self) }

  func run<Result: Sendable>(_ body: @escaping @Sendable () throws -> Result) async throws -> Result {
    try body()
  }

  func submit(_ body: @escaping @Sendable () -> Void) { jobs.withLock { $0.append(body) } }

  func release() {
    for job in jobs.withLock({ jobs in
      defer { jobs = [] }
      return jobs
    }) { job() }
  }
}
