import HTTPCore
import TestSupport
import Testing

@Suite("WebSocket frame decoder")
struct WebSocketFrameDecoderTests {
  @Test("the examples of RFC 6455 §5.7 decode")
  func examplesOfTheStandard() {
    #expect(decode([0x81, 0x05, 0x48, 0x65, 0x6c, 0x6c, 0x6f]).events == [.text("Hello")])
    let masked: [UInt8] = [0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58]
    #expect(decode(masked, role: .server).events == [.text("Hello")])
    let fragments: [UInt8] = [0x01, 0x03, 0x48, 0x65, 0x6c, 0x80, 0x02, 0x6c, 0x6f]
    #expect(decode(fragments).events == [.text("Hello")])
    #expect(decode([0x89, 0x05, 0x48, 0x65, 0x6c, 0x6c, 0x6f]).events == [.ping(Array("Hello".utf8))])
    let pong: [UInt8] = [0x8a, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58]
    #expect(decode(pong, role: .server).events == [.pong(Array("Hello".utf8))])
    let data = (0..<256).map { UInt8($0) }
    #expect(decode([0x82, 0x7E, 0x01, 0x00] + data).events == [.binary(data)])
    let long = [UInt8](repeating: 7, count: 65536)
    #expect(decode([0x82, 0x7F, 0, 0, 0, 0, 0, 1, 0, 0] + long).events == [.binary(long)])
  }

  static let session: [UInt8] =
    frame(.text, "wörter ", isFinal: false) + frame(.ping, "p")
    + frame(.continuation, "und 🎧", isFinal: false)
    + frame(.pong, "") + frame(.continuation, "") + frame(.binary, [UInt8](repeating: 5, count: 130))
    + frame(.text, "") + frame(.close, [0x03, 0xE8] + Array("bye".utf8)) + frame(.text, "after the close")

  @Test("a stream cut at any one or two places gives the same events")
  func anyCut() {
    let whole = decode(Self.session)
    #expect(
      whole.events == [
        .ping([0x70]), .pong([]), .text("wörter und 🎧"), .binary([UInt8](repeating: 5, count: 130)),
        .text(""), .close(code: .normal, reason: "bye"),
      ])
    #expect(whole.error == nil)
    for cut in 0...Self.session.count {
      #expect(decode(Self.session, cutAt: [cut]) == whole, "cut at \(cut)")
      let second = min(cut + 3, Self.session.count)
      #expect(decode(Self.session, cutAt: [cut, second]) == whole, "cut at \(cut) and \(second)")
    }
    #expect(decode(Self.session, cutAt: Array(0...Self.session.count)) == whole)
  }

  @Test("a masked stream cut anywhere is unmasked with the right phase")
  func maskedCuts() {
    let text = "0123456789äöü0123456789"
    let stream =
      frame(.text, text, isFinal: false, maskKey: 0x1122_33F4)
      + frame(.continuation, text, maskKey: 0xA1B2_C3D4)
    for cut in 0...stream.count {
      let result = decode(stream, role: .server, cutAt: [cut, min(cut + 1, stream.count)])
      #expect(result.events == [.text(WebSocketText(text + text))], "cut at \(cut)")
    }
  }

  struct Violation: Sendable, CustomTestStringConvertible {
    let bytes: [UInt8]
    let error: WebSocketError
    let code: WebSocketCloseCode
    var role = WebSocketRole.client
    var testDescription: String { error.description }
  }

  static let violations = [
    Violation(bytes: [0xC1], error: .reservedBits, code: .protocolError),
    Violation(bytes: [0xA1], error: .reservedBits, code: .protocolError),
    Violation(bytes: [0x91], error: .reservedBits, code: .protocolError),
    Violation(bytes: [0x83], error: .reservedOpcode(3), code: .protocolError),
    Violation(bytes: [0x8F], error: .reservedOpcode(15), code: .protocolError),
    Violation(bytes: [0x09], error: .fragmentedControlFrame, code: .protocolError),
    Violation(bytes: [0x89, 126], error: .controlFrameTooLong(126), code: .protocolError),
    Violation(bytes: [0x81, 0x80], error: .maskedFrameFromServer, code: .protocolError),
    Violation(bytes: [0x81, 0x01], error: .unmaskedFrameFromClient, code: .protocolError, role: .server),
    Violation(bytes: [0x82, 126, 0, 125], error: .lengthNotMinimal, code: .protocolError),
    Violation(
      bytes: [0x82, 127, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF], error: .lengthNotMinimal, code: .protocolError),
    Violation(bytes: [0x82, 127, 0x80, 0, 0, 0, 0, 0, 0, 0], error: .lengthOutOfRange, code: .protocolError),
    Violation(
      bytes: [0x82, 127, 0x7F, 255, 255, 255, 255, 255, 255, 255],
      error: .frameTooLarge(announced: .max, limit: 1000), code: .messageTooBig),
    Violation(
      bytes: [0x82, 126, 3, 0xE9], error: .frameTooLarge(announced: 1001, limit: 1000), code: .messageTooBig),
    Violation(bytes: [0x80], error: .continuationWithoutStart, code: .protocolError),
    Violation(bytes: [0x01, 0, 0x81], error: .dataFrameInsideFragmentedMessage, code: .protocolError),
    Violation(bytes: [0x88, 1, 3], error: .closePayloadTooShort, code: .protocolError),
    Violation(bytes: [0x88, 3, 3, 0xE8, 0xFF], error: .invalidUTF8, code: .invalidPayload),
    Violation(bytes: [0x81, 1, 0xFF], error: .invalidUTF8, code: .invalidPayload),
    // The text ends inside a character.
    Violation(bytes: [0x81, 2, 0xE2, 0x82], error: .invalidUTF8, code: .invalidPayload),
    // Fails at the surrogate's second byte, long before the message is complete.
    Violation(bytes: [0x01, 100, 0xED, 0xA0], error: .invalidUTF8, code: .invalidPayload),
  ]

  @Test("a violation is found with the last byte it needs", arguments: violations)
  func violation(_ violation: Violation) {
    let limits = WebSocketLimits(maximumFrameSize: 1000, maximumMessageSize: 1500)
    let whole = decode(violation.bytes, role: violation.role, limits: limits)
    #expect(whole.error == violation.error)
    #expect(whole.error?.closeCode == violation.code)
    let byBytes = decode(
      violation.bytes, role: violation.role, limits: limits, cutAt: Array(0..<violation.bytes.count))
    #expect(byBytes.error == violation.error)
    let withoutLast = decode(Array(violation.bytes.dropLast()), role: violation.role, limits: limits)
    #expect(withoutLast.error == nil)
  }

  @Test("fragments may not add up to more than the message limit")
  func messageLimit() {
    let limits = WebSocketLimits(maximumFrameSize: 1000, maximumMessageSize: 1500)
    let part = [UInt8](repeating: 1, count: 800)
    let stream = frame(.binary, part, isFinal: false) + frame(.continuation, part)
    let result = decode(stream, limits: limits)
    #expect(result.error == .messageTooLarge(limit: 1500))
    #expect(result.error?.closeCode == .messageTooBig)
  }

  @Test("every close code is accepted or refused as RFC 6455 §7.4 and the registry say")
  func closeCodes() {
    for code in 0...5100 {
      let payload = [UInt8(code >> 8), UInt8(code & 255)]
      let isAllowed =
        (1000...1003).contains(code) || (1007...1014).contains(code) || (3000...4999).contains(code)
      let result = decode(frame(.close, payload))
      let known = WebSocketCloseCode(rawValue: UInt16(code))
      if isAllowed {
        #expect(result.events == [.close(code: known, reason: "")])
      } else {
        #expect(result.error == .closeCodeNotAllowed(known))
      }
    }
    #expect(decode(frame(.close, [UInt8]())).events == [.close(code: nil, reason: "")])
  }

  @Test("nothing is decoded after an error")
  func silentAfterError() throws {
    var decoder = WebSocketFrameDecoder(role: .client)
    #expect(throws: WebSocketError.reservedBits) { try decoder.decode([0xF1]) }
    #expect(try decoder.decode(frame(.text, "hello")) == [])
    #expect(decoder.isFinished)
  }

  @Test("ten thousand mutated streams neither trap nor depend on how they are cut")
  func mutations() {
    var generator = SeededGenerator(seed: 0x6455)
    let limits = WebSocketLimits(maximumFrameSize: 200, maximumMessageSize: 300)
    let client =
      frame(.text, "wört", isFinal: false, maskKey: 9) + frame(.ping, "p", maskKey: 7)
      + frame(.continuation, "er", maskKey: 5) + frame(.binary, [1, 2, 3], maskKey: 3)
      + frame(.close, [0x03, 0xE9], maskKey: 1)
    let server = Array(Self.session.prefix(60))
    var failures = 0
    for round in 0..<10_000 {
      let role: WebSocketRole = round % 2 == 0 ? .client : .server
      var stream = role == .client ? server : client
      for _ in 0..<Int.random(in: 1...4, using: &generator) {
        let place = Int.random(in: 0..<stream.count, using: &generator)
        switch Int.random(in: 0..<4, using: &generator) {
        case 0: stream[place] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
        case 1: stream[place] = UInt8.random(in: 0...255, using: &generator)
        case 2 where stream.count > 1: stream.remove(at: place)
        default: stream.insert(UInt8.random(in: 0...255, using: &generator), at: place)
        }
      }
      let whole = decode(stream, role: role, limits: limits)
      let cuts = (0..<3).map { _ in Int.random(in: 0...stream.count, using: &generator) }.sorted()
      let pieces = decode(stream, role: role, limits: limits, cutAt: cuts)
      #expect(whole == pieces, "round \(round)")
      if whole.error != nil { failures += 1 }
      for case .binary(let data) in whole.events { #expect(data.count <= 300) }
    }
    // The mutations are neither harmless nor all fatal.
    #expect((2000..<9900).contains(failures))
  }
}
