import Foundation

/// Runs a blocking body outside Swift's pool, which has as many threads as there are cores.
func onThread<Result: Sendable>(_ body: @escaping @Sendable () throws -> Result) async throws -> Result {
  try await withCheckedThrowingContinuation { continuation in
    detachThread { continuation.resume(with: Swift.Result(catching: body)) }
  }
}

func detachThread(_ body: @escaping @Sendable () -> Void) {
  Thread.detachNewThread(body)
}

/// A condition variable: threads wait until something is there.
final class Signal: @unchecked Sendable {
  // Unchecked: a condition variable is made for many threads.
  private let condition = NSCondition()

  func notify() {
    condition.lock()
    condition.broadcast()
    condition.unlock()
  }

  /// Returns the value, once there is one; nil when there is none at the deadline.
  func wait<Value>(until deadline: Date, _ value: () -> Value?) -> Value? {
    condition.lock()
    defer { condition.unlock() }
    while true {
      if let value = value() { return value }
      if !condition.wait(until: deadline) { return value() }
    }
  }

  func wait<Value>(_ value: () -> Value?) -> Value {
    condition.lock()
    defer { condition.unlock() }
    while true {
      if let value = value() { return value }
      condition.wait()
    }
  }
}

/// Lets a few through at a time. Swift's pool starts all tests at once, and dozens of programs at once on two cores
/// would make every time measured in a test one of a busy machine.
actor Turnstile {
  static let programs = Turnstile(places: 8)

  private var places: Int
  private var queue: [CheckedContinuation<Void, Never>] = []

  init(places: Int) {
    self.places = places
  }

  func enter() async {
    if places > 0 { places -= 1 } else { await withCheckedContinuation { queue.append($0) } }
  }

  func leave() {
    if queue.isEmpty { places += 1 } else { queue.removeFirst().resume() }
  }
}
