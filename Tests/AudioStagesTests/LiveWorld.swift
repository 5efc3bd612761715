import FluxGraph
import Foundation
import StageTesting
import Synchronization

/// A test's world whose timers run with the machine's clock, for graphs with programs in them.
final class LiveWorld: Sendable {
  let world = TestWorld(start: .now())
  private let isRunning = Mutex(true)

  func start() {
    Thread { [self] in
      while isRunning.withLock({ $0 }) {
        let late = Instant.now().duration(since: world.loop.now())
        if late > .zero { world.loop.advance(by: late) }
        Thread.sleep(forTimeInterval: 0.002)
      }
    }.start()
  }

  func stop() { isRunning.withLock { $0 = false } }
}
