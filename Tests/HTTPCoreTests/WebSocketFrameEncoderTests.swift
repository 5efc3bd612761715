import Testing

@testable import HTTPCore

@Suite("WebSocket frame encoder")
struct WebSocketFrameEncoderTests {
  @Test("the examples of RFC 6455 §5.7 are written byte for byte")
  func examplesOfTheStandard() {
    #expect(frame(.text, "Hello") == [0x81, 0x05, 0x48, 0x65, 0x6c, 0x6c, 0x6f])
    #expect(
      frame(.text, "Hello", maskKey: 0x37fa_213d)
        == [0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58])
    #expect(
      frame(.text, "Hel", isFinal: false) + frame(.continuation, "lo")
        == [0x01, 0x03, 0x48, 0x65, 0x6c, 0x80, 0x02, 0x6c, 0x6f])
    #expect(Array(frame(.binary, [UInt8](repeating: 0, count: 256)).prefix(4)) == [0x82, 0x7E, 1, 0])
    #expect(
      Array(frame(.binary, [UInt8](repeating: 0, count: 65536)).prefix(10))
        == [0x82, 0x7F, 0, 0, 0, 0, 0, 1, 0, 0])
  }

  @Test("masking word by word equals masking byte by byte, at every length and phase")
  func maskEqualsReference() {
    let key: UInt32 = 0x81B2_43D4
    let keyBytes: [UInt8] = [0x81, 0xB2, 0x43, 0xD4]
    for count in 0..<40 {
      for phase in 0..<8 {
        let plain = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 37) }
        var masked = plain
        masked.withUnsafeMutableBytes { WebSocketMask.apply(key, phase: phase, to: $0) }
        let expected = plain.enumerated().map { $1 ^ keyBytes[($0 + phase) % 4] }
        #expect(masked == expected, "\(count) bytes from phase \(phase)")
      }
    }
  }

  @Test("a chunk of audio goes into a reused buffer without growing it")
  func reusedBuffer() {
    let chunk = [UInt8](repeating: 0x55, count: 2560)
    var buffer: [UInt8] = []
    buffer.reserveCapacity(chunk.count + 14)
    let capacity = buffer.capacity
    let address = buffer.withUnsafeBytes { $0.baseAddress }
    for key in 0..<50 as Range<UInt32> {
      buffer.removeAll(keepingCapacity: true)
      WebSocketFrameEncoder.append(.binary, payload: chunk.span, maskKey: key &* 0x0101_0107, to: &buffer)
      #expect(buffer.count == 2568)
    }
    #expect(buffer.capacity == capacity)
    #expect(buffer.withUnsafeBytes { $0.baseAddress } == address)
  }

  @Test("a long close reason is cut between characters")
  func closeReason() {
    var bytes: [UInt8] = []
    let reason = String(repeating: "€", count: 50)
    WebSocketFrameEncoder.appendClose(.goingAway, reason: reason, maskKey: nil, to: &bytes)
    #expect(bytes.count == 2 + 125)
    #expect(decode(bytes).events == [.close(code: .goingAway, reason: String(repeating: "€", count: 41))])
  }
}
