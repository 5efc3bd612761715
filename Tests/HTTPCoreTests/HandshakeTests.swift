import HTTPCore
import TestSupport
import Testing

@Suite("WebSocket handshake")
struct HandshakeTests {
  static let nonce: (UInt64, UInt64) = (0x7468_6520_7361_6D70, 0x6C65_206E_6F6E_6365)

  static func client(subprotocols: [String] = []) throws -> WebSocketClientHandshake {
    try WebSocketClientHandshake(
      host: "server.example.com", target: "/v2/listen?model=flux-general-en", nonce: nonce,
      headers: [HTTPHeader("User-Agent", "fluxgraph/1")], subprotocols: subprotocols)
  }

  static let acceptance =
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: WebSocket\r\nconnection: keep-alive, upgrade\r\n"
    + "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\ndg-request-id: r\r\n"

  enum Result: Equatable {
    case outcome(WebSocketClientHandshake.Outcome, rest: Int)
    case error(WebSocketHandshakeError)
    case pending
  }

  static func run(_ text: String, subprotocols: [String] = [], cutAt cuts: [Int] = []) throws -> Result {
    var handshake = try client(subprotocols: subprotocols)
    let bytes = Array(text.utf8)
    var start = 0
    for end in cuts + [bytes.count] {
      var position = start
      do throws(WebSocketHandshakeError) {
        let span = bytes.span.extracting(0..<end)
        if let outcome = try handshake.receive(span, from: &position) {
          return .outcome(outcome, rest: bytes.count - position)
        }
      } catch {
        return .error(error)
      }
      start = end
    }
    return .pending
  }

  @Test("the request holds what the standard asks for and what was given")
  func request() throws {
    let text = String(decoding: try Self.client(subprotocols: ["token", "abc"]).request, as: UTF8.self)
    #expect(
      text
        == "GET /v2/listen?model=flux-general-en HTTP/1.1\r\nHost: server.example.com\r\nUpgrade: websocket\r\n"
        + "Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
        + "Sec-WebSocket-Protocol: token, abc\r\nUser-Agent: fluxgraph/1\r\n\r\n")
  }

  @Test("nothing that would break the request apart is written")
  func injection() {
    func make(_ host: String = "h", _ target: String = "/", _ name: String = "A", _ value: String = "b")
      throws
    {
      _ = try WebSocketClientHandshake(
        host: host, target: target, nonce: (0, 0), headers: [HTTPHeader(name, value)])
    }
    #expect(throws: Never.self) { try make() }
    #expect(throws: WebSocketHandshakeError.self) { try make("h\r\nX: y") }
    #expect(throws: WebSocketHandshakeError.self) { try make("") }
    #expect(throws: WebSocketHandshakeError.self) { try make("h", "/a b") }
    #expect(throws: WebSocketHandshakeError.self) { try make("h", "a") }
    #expect(throws: WebSocketHandshakeError.self) { try make("h", "/", "A:") }
    #expect(throws: WebSocketHandshakeError.self) { try make("h", "/", "A", "b\r\nC: d") }
    #expect(throws: WebSocketHandshakeError.self) { try make("h", "/", "A", "b\nC: d") }
  }

  @Test("an acceptance cut anywhere is accepted, and the frames behind it are left")
  func acceptance() throws {
    let text = Self.acceptance + "\r\n\u{1}\u{2}\u{3}"
    for cut in 0...(text.utf8.count - 3) {
      let result = try Self.run(text, cutAt: [cut])
      guard case .outcome(.accepted(let headers, nil), rest: 3) = result else {
        Issue.record("cut at \(cut): \(result)")
        continue
      }
      #expect(headers["DG-Request-ID"] == "r")
    }
  }

  @Test("announcements before the answer are skipped")
  func informational() throws {
    let result = try Self.run("HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + Self.acceptance + "\r\n")
    guard case .outcome(.accepted, rest: 0) = result else {
      Issue.record("\(result)")
      return
    }
  }

  @Test("a chosen subprotocol must be one that was offered")
  func subprotocols() throws {
    func run(_ chosen: String, _ offered: [String]) throws -> Result {
      try Self.run(Self.acceptance + "Sec-WebSocket-Protocol: \(chosen)\r\n\r\n", subprotocols: offered)
    }
    guard case .outcome(.accepted(_, subprotocol: "token"), _) = try run("token", ["token", "key"]) else {
      Issue.record("token was offered")
      return
    }
    #expect(try run("token", []) == .error(.unexpectedSubprotocol("token")))
    #expect(try run("a, b", ["a", "b"]) == .error(.unexpectedSubprotocol("a")))
  }

  @Test("an acceptance that is not one is refused")
  func wrongAcceptance() throws {
    func run(_ old: String, _ new: String) throws -> Result {
      let parts = Self.acceptance.split(separator: old, omittingEmptySubsequences: false)
      return try Self.run(parts.joined(separator: new) + "\r\n")
    }
    #expect(try run("Upgrade: WebSocket", "Upgrade: h2c") == .error(.missingUpgrade))
    #expect(try run("keep-alive, upgrade", "keep-alive") == .error(.missingConnectionUpgrade))
    #expect(try run("xOo=", "xOO=") == .error(.wrongAccept))
    #expect(
      try run("dg-request-id: r", "Sec-WebSocket-Extensions: x; y") == .error(.unexpectedExtension("x; y")))
    #expect(
      try run("HTTP/1.1 101", "HTTP/2 101")
        == .error(.malformedResponse(.malformedStatusLine("HTTP/2 101 Switching Protocols"))))
    #expect(
      try run("dg-request-id: r", "dg request: r")
        == .error(.malformedResponse(.malformedHeader("dg request: r"))))
    let endless = "HTTP/1.1 101 OK\r\nA: " + String(repeating: "x", count: 70_000)
    #expect(try Self.run(endless) == .error(.malformedResponse(.headTooLarge(limit: 65536))))
  }

  static let refusals: [(String, String)] = [
    ("HTTP/1.1 400 Bad Request\r\nContent-Length: 4\r\ndg-error: e\r\n\r\nbody", "body"),
    (
      "HTTP/1.1 401 \r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nbod\r\n1\r\ny\r\n0\r\nTrailer: t\r\n\r\n",
      "body"
    ),
    ("HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n", ""),
  ]

  @Test("a refusal is complete with its body, cut anywhere", arguments: refusals)
  func refusal(_ text: String, _ expected: String) throws {
    for cut in 0...text.utf8.count {
      guard case .outcome(.refused(let status, _, _, let body), rest: 0) = try Self.run(text, cutAt: [cut])
      else {
        Issue.record("cut at \(cut)")
        continue
      }
      #expect([400, 401, 503].contains(status))
      #expect(String(decoding: body, as: UTF8.self) == expected)
    }
  }

  @Test("a refusal without a length ends with the connection, and no body is kept beyond its bound")
  func untilClose() throws {
    var handshake = try Self.client()
    var position = 0
    let head = Array("HTTP/1.1 502 Bad Gateway\r\n\r\n<html>".utf8)
    #expect(try handshake.receive(head.span, from: &position) == nil)
    guard case .refused(502, "Bad Gateway", _, let body) = try handshake.receiveEnd() else {
      Issue.record("not refused")
      return
    }
    #expect(String(decoding: body, as: UTF8.self) == "<html>")
    let flood = [UInt8](repeating: 0x78, count: 100_000)
    position = 0
    guard case .refused(502, _, _, let kept) = try handshake.receive(flood.span, from: &position) else {
      Issue.record("not complete")
      return
    }
    #expect(kept.count == WebSocketClientHandshake.bodyLimit)
    var silent = try Self.client()
    #expect(throws: WebSocketHandshakeError.closedBeforeResponse) { try silent.receiveEnd() }
  }

  @Test("a refusal with a nonsensical body is a refusal")
  func malformedBody() throws {
    let text = "HTTP/1.1 429 Too Many\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"
    guard case .outcome(.refused(429, "Too Many", _, []), _) = try Self.run(text) else {
      Issue.record("not refused")
      return
    }
    var handshake = try Self.client()
    var position = 0
    let bytes = Array("HTTP/1.1 429 X\r\nContent-Length: -5\r\n\r\nabc".utf8)
    #expect(try handshake.receive(bytes.span, from: &position) == nil)
    guard case .refused(429, _, _, [0x61, 0x62, 0x63]) = try handshake.receiveEnd() else {
      Issue.record("not refused")
      return
    }
  }

  static func request(_ text: String) throws -> HTTPRequestHead {
    var parser = HTTPHeadParser()
    var position = 0
    let bytes = Array(text.utf8)
    guard let head = try parser.next(bytes.span, from: &position) else { throw HTTPError.endedInside }
    return try HTTPRequestHead(head)
  }

  @Test("the client's request is what the server accepts, and its answer what the client accepts")
  func bothRoles() throws {
    var client = try Self.client(subprotocols: ["token", "key"])
    let request = try Self.request(String(decoding: client.request, as: UTF8.self))
    #expect(request.path == "/v2/listen")
    #expect(request.query == "model=flux-general-en")
    #expect(request.headers["user-agent"] == "fluxgraph/1")
    guard case .upgrade(let key, let subprotocols) = WebSocketServerHandshake(request) else {
      Issue.record("refused")
      return
    }
    #expect(subprotocols == ["token", "key"])
    let answer = WebSocketServerHandshake.acceptance(
      key: key, subprotocol: "token",
      headers: HTTPHeaders([HTTPHeader("dg-request-id", "r")]))
    var position = 0
    guard case .accepted(let headers, "token") = try client.receive(answer.span, from: &position) else {
      Issue.record("not accepted")
      return
    }
    #expect(headers["dg-request-id"] == "r")
    #expect(position == answer.count)
  }

  static let good =
    "GET /chat HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"

  @Test(
    "a request that is no handshake is refused with the right status",
    arguments: [
      ("GET /chat", "POST /chat", 405), ("HTTP/1.1", "HTTP/1.0", 400), ("Host: h\r\n", "", 400),
      ("Host: h", "Host: h\r\nHost: i", 400), ("Upgrade: websocket\r\n", "", 426),
      ("Connection: Upgrade", "Connection: close", 426), ("Version: 13", "Version: 8", 426),
      ("Sec-WebSocket-Version: 13\r\n", "", 426), ("Key: dGhl", "Key: dGh", 400),
      ("dGhlIHNhbXBsZSBub25jZQ==", "dGhlIHNhbXBsZSBub25j", 400),
    ])
  func refusedRequest(_ old: String, _ new: String, _ status: Int) throws {
    let parts = Self.good.split(separator: old, maxSplits: 1, omittingEmptySubsequences: false)
    try #require(parts.count == 2)
    guard
      case .refuse(let found, let headers, _) = WebSocketServerHandshake(
        try Self.request(parts.joined(separator: new)))
    else {
      Issue.record("accepted")
      return
    }
    #expect(found == status)
    if new == "Version: 8" { #expect(headers["Sec-WebSocket-Version"] == "13") }
  }

  @Test(
    "a malformed request head is an error with a status",
    arguments: [
      ("GET / HTTP/1.1\r\nA: b\r\n c\r\n\r\n", HTTPError.foldedHeader, 400),
      ("GET / HTTP/1.1\nA: b\r\n\r\n", .lineWithoutCarriageReturn, 400),
      ("GET / HTTP/1.1\r\nA : b\r\n\r\n", .malformedHeader("A : b"), 400),
      ("GET / HTTP/1.1\r\n: b\r\n\r\n", .malformedHeader(": b"), 400),
      ("GET / HTTP/1.1\r\nA: b\u{0}\r\n\r\n", .malformedHeader("A: b?"), 400),
      ("GET /  HTTP/1.1\r\n\r\n", .malformedRequestLine("GET /  HTTP/1.1"), 400),
      ("GET / HTTP/3.0\r\n\r\n", .malformedRequestLine("GET / HTTP/3.0"), 400),
      ("GET /" + String(repeating: "a", count: 70_000), .headTooLarge(limit: 65536), 431),
    ])
  func malformedRequest(_ text: String, _ error: HTTPError, _ status: Int) {
    #expect(throws: error) { try Self.request(text) }
    #expect(error.status == status)
  }

  @Test("a request body is read to its length and not beyond its limit")
  func requestBody() throws {
    let headers = HTTPHeaders([HTTPHeader("Content-Length", "3")])
    var reader = try HTTPBodyReader(request: headers, limit: 3)
    var position = 0
    #expect(try reader.push([1, 2, 3, 4].span, from: &position))
    #expect(reader.body == [1, 2, 3])
    #expect(position == 3)
    #expect(throws: HTTPError.bodyTooLarge(limit: 2)) { try HTTPBodyReader(request: headers, limit: 2) }
    var both = headers
    both.add("Transfer-Encoding", "chunked")
    #expect(throws: HTTPError.malformedLength("3")) { try HTTPBodyReader(request: both, limit: 3) }
    let chunked = HTTPHeaders([HTTPHeader("Transfer-Encoding", "chunked")])
    var endless = try HTTPBodyReader(request: chunked, limit: 10)
    position = 0
    let bytes = Array("FFFFFFFFFFFFFF\r\n01234567890".utf8)
    #expect(throws: HTTPError.bodyTooLarge(limit: 10)) { try endless.push(bytes.span, from: &position) }
    #expect(try HTTPBodyReader(request: HTTPHeaders(), limit: 0).isComplete)
    let gzip = HTTPHeaders([HTTPHeader("Transfer-Encoding", "gzip, chunked")])
    #expect(throws: HTTPError.unsupportedTransferCoding("gzip, chunked")) {
      try HTTPBodyReader(request: gzip, limit: 9)
    }
  }

  @Test("responses carry their length, and headers that would break them apart are left out")
  func responses() {
    let headers = HTTPHeaders([
      HTTPHeader("dg-error", "a\r\nb: c"),
      HTTPHeader("dg-request-id", "r"),
    ])
    let text = String(
      decoding: HTTPResponse.json(status: 403, headers: headers, body: "{}", closes: true), as: UTF8.self)
    #expect(
      text == "HTTP/1.1 403 Forbidden\r\ndg-request-id: r\r\nContent-Type: application/json\r\n"
        + "Content-Length: 2\r\nConnection: close\r\n\r\n{}")
  }

  @Test("five thousand mutated answers and requests neither trap nor depend on how they are cut")
  func mutations() throws {
    var generator = SeededGenerator(seed: 0x9112)
    let answers = [Self.acceptance + "\r\n"] + Self.refusals.map(\.0)
    var outcomes = 0
    for round in 0..<5000 {
      var bytes = Array((answers + [Self.good])[round % 5].utf8)
      for _ in 0..<Int.random(in: 1...3, using: &generator) {
        let place = Int.random(in: 0..<bytes.count, using: &generator)
        switch Int.random(in: 0..<3, using: &generator) {
        case 0: bytes[place] = UInt8.random(in: 0...127, using: &generator)
        case 1: bytes.remove(at: place)
        default: bytes.insert(Array("\r\n :,0".utf8).randomElement(using: &generator) ?? 0, at: place)
        }
      }
      let text = String(decoding: bytes, as: UTF8.self)
      if round % 5 == 4 {
        if let request = try? Self.request(text) { _ = WebSocketServerHandshake(request) }
        continue
      }
      let whole = try Self.run(text)
      let cut = Int.random(in: 0...text.utf8.count, using: &generator)
      #expect(try Self.run(text, cutAt: [cut]) == whole, "round \(round)")
      if case .outcome = whole { outcomes += 1 }
    }
    #expect((500..<4000).contains(outcomes))
  }
}
