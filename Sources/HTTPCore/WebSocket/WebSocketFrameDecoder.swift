/// Turns bytes, cut anywhere, into WebSocket events.
///
/// ```
///  0                   1                   2                   3
///  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
/// +-+-+-+-+-------+-+-------------+-------------------------------+
/// |F|R|R|R| opcode|M| Payload len |    Extended payload length    |
/// |I|S|S|S|  (4)  |A|     (7)     |             (16/64)           |
/// |N|V|V|V|       |S|             |   (if payload len==126/127)   |
/// | |1|2|3|       |K|             |                               |
/// +-+-+-+-+-------+-+-------------+-------------------------------+
/// ```
/// (RFC 6455 §5.2.) Every rule is applied as soon as the bytes it needs are there: a frame that is too long
/// is refused by its header, a text by its first bad byte. No extension is ever agreed on, so the reserved
/// bits must be zero. What a fragmented message holds is bounded by the message limit; memory grows with
/// what arrived, never with what was announced.
///
/// After a close frame or an error the decoder swallows all further input (§5.5.1, §7.1.7).
package struct WebSocketFrameDecoder: Sendable {
  private enum State: Sendable {
    /// Collecting up to 14 bytes of header.
    case header
    case payload(FrameHeader, received: Int)
    case finished
  }

  private struct FrameHeader: Sendable {
    var isFinal: Bool
    var opcode: WebSocketOpcode
    var length: Int
    var maskKey: UInt32?
  }

  private let role: WebSocketRole
  private let limits: WebSocketLimits
  private var state = State.header
  /// The header so far, first byte in the lowest bits.
  private var header = InlineArray<14, UInt8>(repeating: 0)
  private var headerCount = 0
  /// The data message under way, `nil` between messages.
  private var messageOpcode: WebSocketOpcode?
  private var message: [UInt8] = []
  private var control: [UInt8] = []
  private var validator = UTF8Validator()

  /// `role` is this end's own role: a client decodes what a server sent.
  package init(role: WebSocketRole, limits: WebSocketLimits = WebSocketLimits()) {
    self.role = role
    self.limits = limits
  }

  /// Whether a close frame or an error ended the stream.
  package var isFinished: Bool {
    if case .finished = state { return true }
    return false
  }

  /// The next event in `bytes` from `position` on, which moves past what was used. Nil when all input is
  /// used up; call again with the next bytes then.
  package mutating func next(
    _ bytes: Span<UInt8>, from position: inout Int
  ) throws(WebSocketError) -> WebSocketMessage? {
    do throws(WebSocketError) {
      return try step(bytes, &position)
    } catch {
      finish()
      position = bytes.count
      throw error
    }
  }

  /// All events in one piece of input.
  package mutating func decode(_ bytes: [UInt8]) throws(WebSocketError) -> [WebSocketMessage] {
    var events: [WebSocketMessage] = []
    var position = 0
    let span = bytes.span
    while let event = try next(span, from: &position) { events.append(event) }
    return events
  }

  private mutating func step(
    _ bytes: Span<UInt8>, _ position: inout Int
  ) throws(WebSocketError) -> WebSocketMessage? {
    while true {
      switch state {
      case .finished:
        position = bytes.count
        return nil
      case .header:
        guard position < bytes.count else { return nil }
        header[headerCount] = bytes[position]
        headerCount += 1
        position += 1
        guard let frame = try completeHeader() else { continue }
        headerCount = 0
        if let event = try begin(frame) { return event }
      case .payload(let frame, let received):
        let count = min(frame.length - received, bytes.count - position)
        guard count > 0 else { return nil }
        try append(bytes, position, count, of: frame, at: received)
        position += count
        if received + count == frame.length {
          state = .header
          if let event = try end(frame) { return event }
        } else {
          state = .payload(frame, received: received + count)
        }
      }
    }
  }

  /// Checks the header bytes read so far; the frame's header once there are enough.
  private func completeHeader() throws(WebSocketError) -> FrameHeader? {
    let first = header[0]
    guard first & 0x70 == 0 else { throw .reservedBits }
    guard let opcode = WebSocketOpcode(rawValue: first & 0x0F) else { throw .reservedOpcode(first & 0x0F) }
    let isFinal = first & 0x80 != 0
    if opcode.isControl {
      guard isFinal else { throw .fragmentedControlFrame }
    } else if opcode == .continuation {
      guard messageOpcode != nil else { throw .continuationWithoutStart }
    } else {
      guard messageOpcode == nil else { throw .dataFrameInsideFragmentedMessage }
    }
    guard headerCount >= 2 else { return nil }

    let isMasked = header[1] & 0x80 != 0
    if role == .server, !isMasked { throw .unmaskedFrameFromClient }
    if role == .client, isMasked { throw .maskedFrameFromServer }
    let short = Int(header[1] & 0x7F)
    if opcode.isControl, short > 125 { throw .controlFrameTooLong(short) }
    let lengthBytes = short == 126 ? 2 : short == 127 ? 8 : 0
    guard headerCount >= 2 + lengthBytes else { return nil }

    let length = try payloadLength(short: short, bytes: lengthBytes)
    try checkSize(length, isControl: opcode.isControl)
    guard isMasked else {
      return FrameHeader(isFinal: isFinal, opcode: opcode, length: length, maskKey: nil)
    }
    guard headerCount == 6 + lengthBytes else { return nil }
    var key: UInt32 = 0
    for index in 0..<4 { key = key << 8 | UInt32(header[2 + lengthBytes + index]) }
    return FrameHeader(isFinal: isFinal, opcode: opcode, length: length, maskKey: key)
  }

  private func payloadLength(short: Int, bytes: Int) throws(WebSocketError) -> Int {
    guard bytes > 0 else { return short }
    var length: UInt64 = 0
    for index in 0..<bytes { length = length << 8 | UInt64(header[2 + index]) }
    guard length <= UInt64(Int64.max) else { throw .lengthOutOfRange }
    guard length > (bytes == 2 ? 125 : 0xFFFF) else { throw .lengthNotMinimal }
    return Int(length)
  }

  private func checkSize(_ length: Int, isControl: Bool) throws(WebSocketError) {
    guard !isControl else { return }
    guard length <= limits.maximumFrameSize else {
      throw .frameTooLarge(announced: length, limit: limits.maximumFrameSize)
    }
    guard length <= limits.maximumMessageSize - message.count else {
      throw .messageTooLarge(limit: limits.maximumMessageSize)
    }
  }

  private mutating func begin(_ frame: FrameHeader) throws(WebSocketError) -> WebSocketMessage? {
    if frame.opcode == .text || frame.opcode == .binary {
      messageOpcode = frame.opcode
      validator = UTF8Validator()
    }
    if frame.length == 0 { return try end(frame) }
    state = .payload(frame, received: 0)
    return nil
  }

  private mutating func append(
    _ bytes: Span<UInt8>, _ position: Int, _ count: Int, of frame: FrameHeader, at received: Int
  ) throws(WebSocketError) {
    let isControl = frame.opcode.isControl
    let isText = !isControl && messageOpcode == .text
    let isValid = bytes.extracting(position..<(position + count)).withUnsafeBufferPointer { piece in
      if isControl {
        Self.append(piece, to: &control, frame, received)
        return true
      }
      Self.append(piece, to: &message, frame, received)
      guard isText else { return true }
      return message.withUnsafeBytes {
        validator.accept(UnsafeRawBufferPointer(rebasing: $0[($0.count - count)...]))
      }
    }
    guard isValid else { throw .invalidUTF8 }
  }

  private static func append(
    _ piece: UnsafeBufferPointer<UInt8>, to buffer: inout [UInt8], _ frame: FrameHeader, _ received: Int
  ) {
    let start = buffer.count
    buffer.append(contentsOf: piece)
    guard let key = frame.maskKey else { return }
    buffer.withUnsafeMutableBytes {
      WebSocketMask.apply(key, phase: received, to: UnsafeMutableRawBufferPointer(rebasing: $0[start...]))
    }
  }

  private mutating func end(_ frame: FrameHeader) throws(WebSocketError) -> WebSocketMessage? {
    guard frame.opcode.isControl else { return try endData(frame) }
    defer { control.removeAll(keepingCapacity: true) }
    switch frame.opcode {
    case .ping: return .ping(control)
    case .pong: return .pong(control)
    default: return try endClose()
    }
  }

  private mutating func endData(_ frame: FrameHeader) throws(WebSocketError) -> WebSocketMessage? {
    guard frame.isFinal else { return nil }
    defer { messageOpcode = nil }
    if messageOpcode == .text {
      guard validator.isComplete else { throw .invalidUTF8 }
      defer { message = [] }
      return .text(WebSocketText(bytes: message))
    }
    let data = message
    message = []
    return .binary(data)
  }

  /// RFC 6455 §5.5.1: nothing, or a two-byte code and a reason in UTF-8.
  private mutating func endClose() throws(WebSocketError) -> WebSocketMessage {
    let payload = control
    if payload.isEmpty {
      finish()
      return .close(code: nil, reason: "")
    }
    guard payload.count >= 2 else { throw .closePayloadTooShort }
    let code = WebSocketCloseCode(rawValue: UInt16(payload[0]) << 8 | UInt16(payload[1]))
    guard code.isAllowedOnWire else { throw .closeCodeNotAllowed(code) }
    guard let reason = String(validating: payload[2...], as: UTF8.self) else { throw .invalidUTF8 }
    finish()
    return .close(code: code, reason: reason)
  }

  private mutating func finish() {
    state = .finished
    message = []
    control = []
    messageOpcode = nil
  }
}
