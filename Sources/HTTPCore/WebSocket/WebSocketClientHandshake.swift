/// Why a client could not open a WebSocket, apart from the server saying no.
package enum WebSocketHandshakeError: Error, Equatable, Sendable {
  case malformedRequest(String)
  case malformedResponse(HTTPError)
  case missingUpgrade
  case missingConnectionUpgrade
  case wrongAccept
  case unexpectedExtension(String)
  case unexpectedSubprotocol(String)
  case closedBeforeResponse
}

extension WebSocketHandshakeError: CustomStringConvertible {
  package var description: String {
    switch self {
    case .malformedRequest(let part): "\(part) contains characters that HTTP does not allow"
    case .malformedResponse(let error): "the server's answer is not HTTP: \(error)"
    case .missingUpgrade: "the server's answer has no \"Upgrade: websocket\""
    case .missingConnectionUpgrade: "the server's answer has no \"Connection: Upgrade\""
    case .wrongAccept: "the server's Sec-WebSocket-Accept does not belong to our key"
    case .unexpectedExtension(let name): "the server chose the extension \"\(name)\", which was not offered"
    case .unexpectedSubprotocol(let name):
      "the server chose the subprotocol \"\(name)\", which was not offered"
    case .closedBeforeResponse: "the server closed the connection before it answered"
    }
  }
}

/// The client's half of the opening handshake (RFC 6455 §4.1): what to send, and what came back.
package struct WebSocketClientHandshake: Sendable {
  package enum Outcome: Equatable, Sendable {
    /// The connection is open; what follows in the input are frames.
    case accepted(headers: HTTPHeaders, subprotocol: String?)
    /// The server answered otherwise. The body is complete or its first `bodyLimit` bytes.
    case refused(status: Int, reason: String, headers: HTTPHeaders, body: [UInt8])
  }

  private enum State: Sendable {
    case head
    case refusal(HTTPResponseHead, HTTPBodyReader)
  }

  /// Enough for any error text; more is not read.
  package static let bodyLimit = 64 << 10

  /// The bytes to send.
  package let request: [UInt8]
  private let key: String
  private let subprotocols: [String]
  private var parser = HTTPHeadParser()
  private var state = State.head

  /// - Parameters:
  ///   - host: host and, when it is not the scheme's own, port, as for the Host header.
  ///   - target: path and query, percent-encoded.
  ///   - nonce: sixteen random bytes.
  ///   - headers: added as they are: Authorization, User-Agent and the like.
  /// - Throws: `malformedRequest` when a part would break the request apart.
  package init(
    host: String, target: String, nonce: (UInt64, UInt64), headers: HTTPHeaders = [],
    subprotocols: [String] = []
  ) throws(WebSocketHandshakeError) {
    guard !host.isEmpty, host.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
      throw .malformedRequest("the host \"\(printable(host.utf8))\"")
    }
    guard target.utf8.first == UInt8(ascii: "/"), target.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
      throw .malformedRequest("the path or query")
    }
    for field in headers where !field.isWellFormed {
      throw .malformedRequest("the header \(printable(field.name.utf8))")
    }
    for name in subprotocols where !isToken(name) {
      throw .malformedRequest("a subprotocol")
    }
    key = WebSocketKey.key(nonce)
    self.subprotocols = subprotocols
    var text = "GET \(target) HTTP/1.1\r\nHost: \(host)\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    text += "Sec-WebSocket-Key: \(key)\r\nSec-WebSocket-Version: 13\r\n"
    if !subprotocols.isEmpty {
      text += "Sec-WebSocket-Protocol: \(subprotocols.joined(separator: ", "))\r\n"
    }
    for field in headers { text += "\(field.name): \(field.value)\r\n" }
    request = Array((text + "\r\n").utf8)
  }

  /// Takes the server's bytes; the outcome once it is known. `position` moves past what was used: after
  /// `accepted`, frames may follow in the same input.
  package mutating func receive(
    _ bytes: Span<UInt8>, from position: inout Int
  ) throws(WebSocketHandshakeError) -> Outcome? {
    if case .refusal = state { return readRefusal(bytes, &position) }
    let response: HTTPResponseHead
    do throws(HTTPError) {
      guard let head = try nextFinalHead(bytes, &position) else { return nil }
      response = head
    } catch {
      throw .malformedResponse(error)
    }
    if response.status == 101 { return try accept(response) }
    state = .refusal(response, HTTPBodyReader(response: response, limit: Self.bodyLimit))
    return readRefusal(bytes, &position)
  }

  /// A body that turns out malformed ends there: the status is what matters.
  private mutating func readRefusal(_ bytes: Span<UInt8>, _ position: inout Int) -> Outcome? {
    guard case .refusal(let response, var body) = state else { return nil }
    state = .head  // Releases the body, so that it grows in place.
    let isComplete = (try? body.push(bytes, from: &position)) ?? true
    state = .refusal(response, body)
    return isComplete ? Self.refused(response, body) : nil
  }

  /// The next head that is not an announcement such as 100 or 103 (RFC 9110 §15.2).
  private mutating func nextFinalHead(
    _ bytes: Span<UInt8>, _ position: inout Int
  ) throws(HTTPError) -> HTTPResponseHead? {
    while let head = try parser.next(bytes, from: &position) {
      let response = try HTTPResponseHead(head)
      if response.status == 101 || response.status >= 200 { return response }
    }
    return nil
  }

  /// RFC 6455 §4.1, the client's checks 2 to 6.
  private func accept(_ response: HTTPResponseHead) throws(WebSocketHandshakeError) -> Outcome {
    let headers = response.headers
    guard headers.list("Upgrade", contains: "websocket") else { throw .missingUpgrade }
    guard headers.list("Connection", contains: "upgrade") else { throw .missingConnectionUpgrade }
    guard headers.values("Sec-WebSocket-Accept") == [WebSocketKey.accept(key)] else { throw .wrongAccept }
    if let name = headers.list("Sec-WebSocket-Extensions").first {
      throw .unexpectedExtension(printable(name.utf8))
    }
    let chosen = headers.list("Sec-WebSocket-Protocol")
    guard let name = chosen.first else { return .accepted(headers: headers, subprotocol: nil) }
    guard chosen.count == 1, subprotocols.contains(name) else {
      throw .unexpectedSubprotocol(printable(name.utf8))
    }
    return .accepted(headers: headers, subprotocol: name)
  }

  /// The server closed the connection, or the caller waited long enough, before the outcome was known. A
  /// refusal whose body was cut short is still a refusal.
  package mutating func receiveEnd() throws(WebSocketHandshakeError) -> Outcome {
    guard case .refusal(let response, let body) = state else { throw .closedBeforeResponse }
    return Self.refused(response, body)
  }

  private static func refused(_ response: HTTPResponseHead, _ body: HTTPBodyReader) -> Outcome {
    .refused(status: response.status, reason: response.reason, headers: response.headers, body: body.body)
  }
}
