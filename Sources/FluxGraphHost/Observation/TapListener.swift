internal import FluxGraph
internal import Glibc
internal import GraphRuntime
internal import NetLoop
internal import Synchronization

/// Sends what flows past taps to one `fluxgraph tap`. One that reads too slowly loses lines, and is told how many; the graph
/// never waits for it.
final class TapListener: @unchecked Sendable {
  // Unchecked: `numbers`, `lost` and `open` are touched on the loop only; the rest is atomic or constant.

  /// Lines on their way to the loop, bytes of them, and bytes the reader has not taken.
  private static let mostPending = 1_000
  private static let mostPendingBytes = 4 << 20
  private static let mostBytes = 1 << 20

  private let taps: [StreamTap]
  private let connection: ByteConnection
  private let pending = Atomic<Int>(0)
  private let pendingBytes = Atomic<Int>(0)
  private let dropped = Atomic<Int>(0)
  private var numbers: [(tap: StreamTap, number: Int)] = []
  private var open = 0

  init(_ taps: [StreamTap], _ connection: ByteConnection) {
    self.taps = taps
    self.connection = connection
  }

  /// Begins. On the loop.
  func start() {
    connection.send(Array((ControlProtocol.encodeTapping() + "\n").utf8))
    for tap in taps {
      guard let number = tap.listen({ [weak self] item in self?.hear(item, tap.name) }) else { continue }
      numbers.append((tap, number))
      open += 1
    }
    if open == 0 { connection.closeWhenDrained() }
  }

  /// Listens no longer. On the loop.
  func stop() {
    for (tap, number) in numbers { tap.remove(number) }
    numbers = []
  }

  /// On the stream's own thread.
  private func hear(_ item: TapItem, _ name: String) {
    let isEnd = if case .ended = item { true } else { false }
    let size = if case .event(let event) = item { event.footprint } else { 64 }
    let count = pending.add(1, ordering: .relaxed).newValue
    let bytes = pendingBytes.add(size, ordering: .relaxed).newValue
    guard count <= Self.mostPending && bytes <= Self.mostPendingBytes || count == 1 || isEnd else {
      pending.subtract(1, ordering: .relaxed)
      pendingBytes.subtract(size, ordering: .relaxed)
      dropped.add(1, ordering: .relaxed)
      return
    }
    connection.loop.execute { [self] in
      pending.subtract(1, ordering: .relaxed)
      pendingBytes.subtract(size, ordering: .relaxed)
      deliver(item, name)
    }
  }

  private func deliver(_ item: TapItem, _ name: String) {
    let line: JSONValue
    switch item {
    case .event(let event): line = event.json
    case .level(let level): line = level.json(name)
    case .ended:
      tellDropped(name)
      open -= 1
      if open == 0 { connection.closeWhenDrained() }
      return
    }
    guard connection.bufferedBytes < Self.mostBytes else {
      dropped.add(1, ordering: .relaxed)
      return
    }
    tellDropped(name)
    connection.send(Array((line.serialized + "\n").utf8))
  }

  private func tellDropped(_ name: String) {
    let count = dropped.exchange(0, ordering: .relaxed)
    guard count > 0 else { return }
    let notice = Notice(
      "dropped", "\(count) lines were dropped because this tap did not keep up", severity: .warning,
      stream: name,
      details: [("count", JSONValue(count))])
    connection.send(Array((Event.notice(notice).json.serialized + "\n").utf8))
  }
}

extension AudioLevel {
  /// One line: the format, how far the stream has come, and how loud the last second was, in decibels of full scale.
  fileprivate func json(_ name: String) -> JSONValue {
    func decibels(_ value: Double) -> JSONValue {
      JSONValue((max(-120, 20 * log10(max(value, 1e-6))) * 10).rounded() / 10)
    }
    return .object([
      ("v", JSONValue(1)), ("event", "Level"), ("stream", .string(name)), ("format", .string("\(format)")),
      ("position", JSONValue((position * 1000).rounded() / 1000)), ("peak", decibels(peak)),
      ("rms", decibels(rootMeanSquare)),
    ])
  }
}
