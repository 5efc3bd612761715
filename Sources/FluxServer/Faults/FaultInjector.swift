import FluxGraph
import FluxProtocol
import HTTPCore

/// Spoils one connection as it was asked for, as a value: the session's messages go in, what is to be done with the
/// socket comes out when it is due.
package struct FaultInjector: Sendable {
  package enum Step: Equatable, Sendable {
    /// Write these bytes: frames, or what should have been one.
    case write([UInt8])
    /// Begin the close handshake; the reason is for the report.
    case close(code: Int?, reason: String, cause: String?)
    /// Write these bytes and end the TCP stream.
    case drop([UInt8], cause: String)
  }

  /// What becomes of the request.
  package enum Upgrade: Equatable, Sendable {
    case proceed
    case refuse(status: Int, retryAfter: Int?)
    case neverAnswer
  }

  private var faults: [Fault]
  private var random: SplitMix64
  /// What is due when, in order.
  private var line: [(due: Duration, step: Step)] = []
  /// The message `wrong-order` holds back.
  private var held: String?
  private var position = 0.0
  private var isInTurn = false
  private var isSilent: Bool
  private var isOver = false
  private var written = 0

  init(_ faults: [Fault], random: SplitMix64) {
    self.faults = faults
    self.random = random
    isSilent = faults.contains { $0.kind == .noConnected }
  }

  package var upgrade: Upgrade {
    for fault in faults {
      switch fault.kind {
      case .refuse(let status, _, let retryAfter): return .refuse(status: status, retryAfter: retryAfter)
      case .neverAnswer: return .neverAnswer
      default: continue
      }
    }
    return .proceed
  }

  /// How long to read nothing after this many bytes from the client.
  package func pause(after bytes: Int) -> Duration? {
    for fault in faults {
      if case .slowReader(let rate) = fault.kind { return .seconds(Double(bytes) / Double(rate)) }
    }
    return nil
  }

  /// When to ask ``next(now:)`` again.
  package var deadline: Duration? { line.first?.due }

  /// The next thing that is due.
  package mutating func next(now: Duration) -> Step? {
    guard let first = line.first, first.due <= now else { return nil }
    return line.removeFirst().step
  }

  /// The session sends a message.
  package mutating func send(_ text: String, now: Duration) {
    guard !isOver, !isSilent else { return }
    let message = try? ServerMessage(decoding: text)
    var kind: TurnEvent.Kind?
    if case .turnInfo(let info) = message {
      kind = info.event
      position = max(position, info.audioWindowEnd ?? 0)
    }
    let isConnected = if case .connected = message { true } else { false }
    for fault in faults {
      guard !isOver, !isSilent else { return }
      apply(fault, to: text, isConnected, now)
    }
    let time = position
    faults.removeAll { !isConnected && Self.isSpent($0, at: time) }
    guard !isOver, !isSilent else { return }
    pass(text, now)
    switch kind {
    case .startOfTurn: isInTurn = true
    case .endOfTurn: isInTurn = false
    case .eagerEndOfTurn: end(now) { $0 == .afterEager }
    default: break
    }
  }

  /// The session ends in order.
  package mutating func finish(code: UInt16? = nil, now: Duration) {
    guard !isOver, !isSilent else { return }
    if let held { write(held, now) }
    isOver = true
    add(.close(code: code.map { Int($0) }, reason: "", cause: nil), now)
  }

  // MARK: - Faults

  /// What happens before a message, or in its place.
  private mutating func apply(_ fault: Fault, to text: String, _ isConnected: Bool, _ now: Duration) {
    switch fault.kind {
    case .stall, .drop, .close:
      let (position, isInTurn) = (position, isInTurn)
      end(now) { moment in
        switch moment {
        case .after(let time): position >= time
        case .midTurn: isInTurn
        case .afterEager: false
        }
      }
    case .dropMidFrame(let time) where !isConnected && position >= time:
      let frame = Self.frame(.text, Array(text.utf8))
      isOver = true
      add(.drop(Array(frame.prefix(frame.count / 2)), cause: fault.text), now)
    case .insert(let intruder, let time) where !isConnected && position >= time:
      add(.write(bytes(of: intruder)), now)
    case .duplicateSequence(let time) where !isConnected && position >= time:
      write(text, now)
    default: break
    }
  }

  /// Whether the fault has had its one effect with a message of this time.
  private static func isSpent(_ fault: Fault, at position: Double) -> Bool {
    switch fault.kind {
    case .insert(_, let time), .duplicateSequence(let time): position >= time
    default: false
    }
  }

  /// Ends or silences the connection if one of the faults wants it at this moment.
  private mutating func end(_ now: Duration, _ isNow: (Fault.Moment) -> Bool) {
    for fault in faults {
      switch fault.kind {
      case .stall(let moment) where isNow(moment): isSilent = true
      case .drop(let moment) where isNow(moment):
        isOver = true
        add(.drop([], cause: fault.text), now)
      case .close(let code, let reason, let moment) where isNow(moment):
        isOver = true
        add(.close(code: code, reason: reason, cause: fault.text), now)
      default: continue
      }
      return
    }
  }

  /// The message itself, unless its place is another.
  private mutating func pass(_ text: String, _ now: Duration) {
    if let first = held {
      held = nil
      write(text, now)
      return write(first, now)
    }
    let order = faults.firstIndex { fault in
      if case .wrongOrder(let time) = fault.kind { written > 0 && position >= time } else { false }
    }
    guard let order else { return write(text, now) }
    faults.remove(at: order)
    held = text
  }

  private mutating func write(_ text: String, _ now: Duration) {
    guard !isOver else { return }
    let frame = Self.frame(.text, Array(text.utf8))
    for fault in faults {
      guard case .dropAtByte(let byte) = fault.kind, written + frame.count > byte else { continue }
      isOver = true
      return add(.drop(Array(frame.prefix(max(0, byte - written))), cause: fault.text), now)
    }
    written += frame.count
    add(.write(frame), now)
  }

  private mutating func add(_ step: Step, _ now: Duration) {
    var due = now
    for fault in faults {
      if case .latency(let delay, let jitter) = fault.kind { due += delay + jitter * random.fraction() }
    }
    line.append((max(due, line.last?.due ?? due), step))
  }

  private mutating func bytes(of intruder: Fault.Intruder) -> [UInt8] {
    switch intruder {
    case .garbageFrame:
      [0xFB, 0x20] + (0..<32).map { _ in UInt8.random(in: 0...255, using: &random) }
    case .oversizeFrame(let bytes):
      [0x81, 127] + (0..<8).map { UInt8(truncatingIfNeeded: bytes >> (56 - 8 * $0)) }
        + Array("{\"type\":\"".utf8)
    case .badUTF8: Self.frame(.text, Array("{\"type\":\"".utf8) + [0xC3, 0x28, 0xFF] + Array("\"}".utf8))
    case .badJSON: Self.frame(.text, Array("{\"type\":\"TurnInfo\",\"event\":".utf8))
    case .unknownType:
      Self.frame(.text, Array(#"{"type":"SomeFutureFeature","version":2,"payload":{"nested":true}}"#.utf8))
    }
  }

  private static func frame(_ opcode: WebSocketOpcode, _ payload: [UInt8]) -> [UInt8] {
    var bytes: [UInt8] = []
    WebSocketFrameEncoder.append(opcode, payload: payload.span, maskKey: nil, to: &bytes)
    return bytes
  }
}
