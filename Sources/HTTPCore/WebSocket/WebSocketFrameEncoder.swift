/// Writes frames (RFC 6455 §5.2) behind what a caller's buffer already holds. With enough capacity in the
/// buffer nothing is allocated.
package enum WebSocketFrameEncoder {
  /// Appends one frame.
  ///
  /// - Parameters:
  ///   - isFinal: false for all but the last fragment of a message.
  ///   - maskKey: four unpredictable bytes, the most significant sent first: required from a client, nil
  ///     from a server (§5.1, §5.3).
  package static func append(
    _ opcode: WebSocketOpcode, isFinal: Bool = true, payload: Span<UInt8>, maskKey: UInt32?,
    to buffer: inout [UInt8]
  ) {
    payload.withUnsafeBufferPointer { source in
      appendHeader(opcode, isFinal, source.count, maskKey, &buffer)
      let start = buffer.count
      buffer.append(contentsOf: source)
      guard let maskKey else { return }
      buffer.withUnsafeMutableBytes {
        WebSocketMask.apply(maskKey, phase: 0, to: UnsafeMutableRawBufferPointer(rebasing: $0[start...]))
      }
    }
  }

  /// Appends a close frame: empty without a code (the peer sees 1005), else code and reason, the reason cut
  /// at a character so that the payload stays within 125 bytes.
  package static func appendClose(
    _ code: WebSocketCloseCode?, reason: String = "", maskKey: UInt32?, to buffer: inout [UInt8]
  ) {
    var payload: [UInt8] = []
    if let code {
      payload.append(UInt8(truncatingIfNeeded: code.rawValue >> 8))
      payload.append(UInt8(truncatingIfNeeded: code.rawValue))
      for scalar in reason.unicodeScalars {
        let bytes = UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter
        guard payload.count + bytes.count <= 125 else { break }
        payload.append(contentsOf: bytes)
      }
    }
    append(.close, payload: payload.span, maskKey: maskKey, to: &buffer)
  }

  private static func appendHeader(
    _ opcode: WebSocketOpcode, _ isFinal: Bool, _ length: Int, _ maskKey: UInt32?, _ buffer: inout [UInt8]
  ) {
    buffer.append((isFinal ? 0x80 : 0) | opcode.rawValue)
    let maskBit: UInt8 = maskKey == nil ? 0 : 0x80
    switch length {
    case ...125:
      buffer.append(maskBit | UInt8(length))
    case ...0xFFFF:
      buffer.append(maskBit | 126)
      appendBigEndian(UInt64(length), bytes: 2, &buffer)
    default:
      buffer.append(maskBit | 127)
      appendBigEndian(UInt64(length), bytes: 8, &buffer)
    }
    if let maskKey { appendBigEndian(UInt64(maskKey), bytes: 4, &buffer) }
  }

  private static func appendBigEndian(_ value: UInt64, bytes: Int, _ buffer: inout [UInt8]) {
    for index in (0..<bytes).reversed() {
      buffer.append(UInt8(truncatingIfNeeded: value >> UInt64(index * 8)))
    }
  }
}
