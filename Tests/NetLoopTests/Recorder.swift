import HTTPCore
import Synchronization
import Testing

@testable import NetLoop

/// Records what happens to a connection and lets a test wait for it.
final class Recorder: Sendable {
  enum Entry: Equatable {
    case connected, drained
    case closed(NetworkFailure?)
  }

  private struct State {
    var entries: [Entry] = []
    var received: [UInt8] = []
    var receivedCount = 0
    var waiters: [(condition: @Sendable (Recorder.View) -> Bool, resume: CheckedContinuation<Void, Never>)] =
      []
  }

  struct View {
    var entries: [Entry]
    var receivedCount: Int
    var isClosed: Bool {
      entries.contains { if case .closed = $0 { true } else { false } }
    }
  }

  private let state = Mutex(State())
  private let keepsBytes: Bool

  init(keepsBytes: Bool = true) {
    self.keepsBytes = keepsBytes
  }

  var entries: [Entry] { state.withLock { $0.entries } }
  var received: [UInt8] { state.withLock { $0.received } }
  var receivedCount: Int { state.withLock { $0.receivedCount } }
  var text: String { String(decoding: received, as: UTF8.self) }

  /// Why the connection closed; nil also while it has not.
  var error: NetworkFailure? {
    for case .closed(let error) in entries { return error }
    return nil
  }

  func record(_ event: ConnectionEvent) {
    let ready = state.withLock { state in
      switch event {
      case .connected: state.entries.append(.connected)
      case .drained: state.entries.append(.drained)
      case .closed(let error): state.entries.append(.closed(error))
      case .received(let bytes):
        state.receivedCount += bytes.count
        if keepsBytes { state.received.append(contentsOf: bytes) }
      }
      let view = View(entries: state.entries, receivedCount: state.receivedCount)
      let ready = state.waiters.filter { $0.condition(view) }
      state.waiters.removeAll { $0.condition(view) }
      return ready.map(\.resume)
    }
    for continuation in ready { continuation.resume() }
  }

  /// Waits until the condition holds; every test of this module has a time limit for the case that it never does.
  func wait(until condition: @escaping @Sendable (View) -> Bool) async {
    await withCheckedContinuation { continuation in
      let holds = state.withLock { state in
        if condition(View(entries: state.entries, receivedCount: state.receivedCount)) { return true }
        state.waiters.append((condition, continuation))
        return false
      }
      if holds { continuation.resume() }
    }
  }

  func waitForEnd() async {
    await wait { $0.isClosed }
  }
}

extension EventLoop {
  /// A running loop for the length of `body`.
  static func running<Result>(_ body: (EventLoop) async throws -> Result) async throws -> Result {
    let loop = try EventLoop()
    loop.start()
    defer { loop.stop() }
    return try await body(loop)
  }

  /// Runs `body` on the loop thread and returns its result.
  func call<Result: Sendable>(_ body: @escaping @Sendable () -> Result) async -> Result {
    await withCheckedContinuation { continuation in
      execute { continuation.resume(returning: body()) }
    }
  }

  /// Connects, sends, and records.
  @discardableResult
  func connect(_ request: ConnectRequest, sending bytes: [UInt8] = [], _ recorder: Recorder) -> ByteConnection
  {
    connect(request) { connection, event in
      if case .connected = event, !bytes.isEmpty { connection.send(bytes) }
      recorder.record(event)
    }
  }
}

extension ConnectRequest {
  static func local(_ port: UInt16, host: String = "127.0.0.1", timeout: Duration = .seconds(10)) -> Self {
    ConnectRequest(isSecure: false, host: host, port: port, timeout: timeout, proxy: "")
  }

  static func secure(_ port: UInt16, host: String = "localhost", authorities: String?) -> Self {
    ConnectRequest(isSecure: true, host: host, port: port, authorityFile: authorities, proxy: "")
  }
}
