import FluxGraph
import FluxProtocol
import FluxServer
import Foundation
import HTTPCore
import TestSupport
import Testing

/// Whatever a client may send, damaged: 5,000 requests with their queries and 10,000 sessions with their frames, messages and
/// containers, a few of them still right.
@Suite("Damaged clients")
struct ClientMutationTests {
  static let request = """
    GET /v2/listen?model=flux-general-en&encoding=linear16&sample_rate=16000&eager_eot_threshold=0.5&keyterm=a%20b \
    HTTP/1.1\r
    Host: 127.0.0.1:8119\r
    Upgrade: websocket\r
    Connection: Upgrade\r
    Sec-WebSocket-Version: 13\r
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r
    Sec-WebSocket-Protocol: token, secret\r
    \r

    """

  static let texts = [
    #"{"type":"Configure","thresholds":{"eot_threshold":0.8,"eager_eot_threshold":0.5,"eot_timeout_ms":600},"keyterms":["a"],"numerals":true}"#,
    #"{"type":"Configure","language_hints":["en","es"]}"#, #"{"type":"ForceEndTurn"}"#,
    #"{"type":"KeepAlive"}"#, #"{"type":"CloseStream"}"#,
  ]

  /// All at 16 kHz: the resampler has its own tests, and its filters take time to make.
  static let queries = [
    "model=flux-general-en&encoding=linear16&sample_rate=16000&eager_eot_threshold=0.4",
    "model=flux-general-multi&encoding=mulaw&sample_rate=16000&language_hint=es",
    "model=flux-general-en&encoding=alaw&sample_rate=16000", "model=flux-general-en",
    "model=flux-general-en&encoding=ogg-opus&sample_rate=16000",
  ]

  static let wave: [UInt8] =
    Array("RIFF".utf8) + [0xFF, 0xFF, 0xFF, 0xFF] + Array("WAVEfmt ".utf8) + [16, 0, 0, 0, 1, 0, 1, 0]
    + [0x80, 0x3E, 0, 0, 0, 0x7D, 0, 0, 2, 0, 16, 0] + Array("data".utf8) + [0xFF, 0xFF, 0xFF, 0xFF]

  /// The first pages of an Ogg Opus file.
  static let ogg: [UInt8] = {
    let file = URL(filePath: #filePath).appending(path: "../../../graphs/audio/dialogue.opus").standardized
    return Array((try? Data(contentsOf: file))?.prefix(6000) ?? Data())
  }()

  static func damaged(_ bytes: [UInt8], _ random: inout SeededGenerator) -> [UInt8] {
    var bytes = bytes
    for _ in 0..<Int.random(in: 0...4, using: &random) where !bytes.isEmpty {
      let index = Int.random(in: 0..<bytes.count, using: &random)
      switch Int.random(in: 0..<4, using: &random) {
      case 0: bytes.remove(at: index)
      case 1: bytes.insert(UInt8.random(in: 0...255, using: &random), at: index)
      case 2: bytes = Array(bytes[..<index])
      default: bytes[index] = UInt8.random(in: 0...255, using: &random)
      }
    }
    return bytes
  }

  @Test("a damaged request is answered, or waited for", arguments: 1...20 as ClosedRange<UInt64>)
  func requests(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    for _ in 0..<250 {
      let bytes = Self.damaged(Array(Self.request.utf8), &random)
      var parser = HTTPHeadParser(limit: 32 << 10)
      var position = 0
      do throws(HTTPError) {
        guard let head = try parser.next(bytes.span, from: &position) else { continue }
        switch ListenRequest(try HTTPRequestHead(head), key: "secret", requestID: "id") {
        case .accept(_, let response): #expect(response.starts(with: "HTTP/1.1 101 ".utf8))
        case .refuse(let status, _, let response):
          #expect(400..<500 ~= status && response.starts(with: "HTTP/1.1 4".utf8))
        }
      } catch {
        guard case .refuse = ListenRequest.malformed(error, requestID: "id") else {
          return #expect(Bool(false))
        }
      }
    }
  }

  /// One connection's bytes: frames of audio and messages, damaged as messages, as frames, or not at all.
  static func stream(_ random: inout SeededGenerator) -> [UInt8] {
    var bytes: [UInt8] = []
    for number in 0..<Int.random(in: 1...6, using: &random) {
      var payload: [UInt8]
      var opcode = WebSocketOpcode.binary
      switch Int.random(in: 0..<8, using: &random) {
      case 0...2:
        opcode = .text
        payload = Array((texts.randomElement(using: &random) ?? "").utf8)
      case 3: payload = number == 0 && Bool.random(using: &random) ? wave : ogg
      case 4:
        opcode = .ping
        payload = [1, 2]
      default: payload = [UInt8](repeating: 0, count: Int.random(in: 0...3000, using: &random))
      }
      if Bool.random(using: &random) { payload = damaged(payload, &random) }
      WebSocketFrameEncoder.append(opcode, payload: payload.span, maskKey: 0x0102_0304, to: &bytes)
    }
    return Int.random(in: 0..<3, using: &random) == 0 ? damaged(bytes, &random) : bytes
  }

  @Test(
    "a damaged session says only what the schema knows, and nothing after its end",
    arguments: 1...40 as ClosedRange<UInt64>)
  func sessions(seed: UInt64) throws {
    try #require(Self.ogg.count > 1000)
    var random = SeededGenerator(seed: seed)
    for _ in 0..<250 {
      let query = Self.queries.randomElement(using: &random) ?? Self.queries[0]
      let words = [RecognisedWord(text: "hello", start: 0.1, end: 0.2, confidence: 0.9)]
      let session = try ServedSessionMachineTests.Session(query, words: words)
      var socket = WebSocketConnectionState(
        role: .server, timing: WebSocketTiming(pingInterval: nil), at: .zero)
      var rest = Self.stream(&random)[...]
      var answered = 0
      while !rest.isEmpty, session.closed == nil {
        let piece = Array(rest.prefix(Int.random(in: 1...4000, using: &random)))
        rest = rest.dropFirst(piece.count)
        for action in socket.receive(piece.span, at: .zero) {
          switch action {
          case .deliver(.text(let text)): session.text(text.string)
          case .deliver(.binary(let bytes)): session.audio(bytes)
          case .send(let bytes): answered += bytes.count
          case .closed, .disconnect: break
          }
          if session.closed != nil { break }
        }
      }
      #expect(session.sent.count < 400 && answered < 10_000, "it grew")
      session.tick(at: .seconds(1000))
      #expect(session.closed != nil, "it hangs")
    }
  }
}
