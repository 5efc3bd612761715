/// The server's half of the opening handshake (RFC 6455 §4.2): a decision about a request.
package enum WebSocketServerHandshake: Equatable, Sendable {
  /// Answer with `acceptance`; `subprotocols` are what the client offers, in its order.
  case upgrade(key: String, subprotocols: [String])
  /// Answer with this status and text. `headers` are part of the answer.
  case refuse(status: Int, headers: HTTPHeaders, reason: String)

  package init(_ request: HTTPRequestHead) {
    let headers = request.headers
    let keys = headers.values("Sec-WebSocket-Key")
    if request.method != "GET" {
      self = .refusal(405, "A WebSocket handshake is a GET request.", ("Allow", "GET"))
    } else if request.minorVersion == 0 {
      self = .refusal(400, "A WebSocket handshake needs HTTP/1.1.")
    } else if headers.values("Host").count != 1 {
      self = .refusal(400, "Exactly one Host header is required.")
    } else if !headers.list("Upgrade", contains: "websocket")
      || !headers.list("Connection", contains: "upgrade")
    {
      self = .refusal(426, "This is a WebSocket endpoint.", ("Upgrade", "websocket"))
    } else if headers.values("Sec-WebSocket-Version") != ["13"] {
      self = .refusal(426, "Only WebSocket version 13 is spoken here.", ("Sec-WebSocket-Version", "13"))
    } else if keys.count == 1, Base64.isEncoding(keys[0], ofByteCount: 16) {
      self = .upgrade(key: keys[0], subprotocols: headers.list("Sec-WebSocket-Protocol"))
    } else {
      self = .refusal(400, "Sec-WebSocket-Key must be the base64 form of 16 bytes.")
    }
  }

  private static func refusal(
    _ status: Int, _ reason: String, _ header: (name: String, value: String)? = nil
  ) -> Self {
    var headers = HTTPHeaders()
    if let header { headers.add(header.name, header.value) }
    return .refuse(status: status, headers: headers, reason: reason)
  }

  /// The 101 answer to `key`.
  package static func acceptance(
    key: String, subprotocol: String? = nil, headers: HTTPHeaders = HTTPHeaders()
  ) -> [UInt8] {
    var all = HTTPHeaders()
    all.add("Upgrade", "websocket")
    all.add("Connection", "Upgrade")
    all.add("Sec-WebSocket-Accept", WebSocketKey.accept(key))
    if let subprotocol { all.add("Sec-WebSocket-Protocol", subprotocol) }
    for field in headers { all.add(field.name, field.value) }
    return HTTPResponse.head(status: 101, headers: all)
  }
}
