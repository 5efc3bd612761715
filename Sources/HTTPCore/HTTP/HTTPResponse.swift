/// A whole answer to an HTTP request.
public struct HTTPResponse: Sendable, Hashable {
  /// The status, such as 200.
  public var status: Int
  /// The headers, in their order.
  public var headers: HTTPHeaders
  /// The body.
  public var body: [UInt8]

  public init(status: Int, headers: HTTPHeaders = [], body: [UInt8] = []) {
    self.status = status
    self.headers = headers
    self.body = body
  }
}

// As it is sent (RFC 9112 §4).
extension HTTPResponse {
  /// A complete response with `Content-Length`. `headers` must be well formed; malformed ones are left out,
  /// so that no text from outside can break the response apart.
  package static func bytes(
    status: Int, headers: HTTPHeaders = [], body: [UInt8] = [], contentType: String? = nil,
    closes: Bool = false
  ) -> [UInt8] {
    var all = headers
    if let contentType { all.add("Content-Type", contentType) }
    all.add("Content-Length", String(body.count))
    if closes { all.add("Connection", "close") }
    return head(status: status, headers: all) + body
  }

  /// A response with a JSON body.
  package static func json(
    status: Int, headers: HTTPHeaders = [], body: String, closes: Bool = false
  ) -> [UInt8] {
    bytes(
      status: status, headers: headers, body: Array(body.utf8), contentType: "application/json",
      closes: closes)
  }

  /// Status line, headers and the empty line.
  package static func head(status: Int, headers: HTTPHeaders) -> [UInt8] {
    var text = "HTTP/1.1 \(status) \(reason(status))\r\n"
    for field in headers where field.isWellFormed { text += "\(field.name): \(field.value)\r\n" }
    text += "\r\n"
    return Array(text.utf8)
  }

  /// The standard phrase of a status (RFC 9110 §15).
  package static func reason(_ status: Int) -> String {
    reasons[status] ?? "Unknown"
  }

  private static let reasons = [
    101: "Switching Protocols", 200: "OK", 201: "Created", 202: "Accepted", 204: "No Content",
    400: "Bad Request", 401: "Unauthorized", 402: "Payment Required", 403: "Forbidden", 404: "Not Found",
    405: "Method Not Allowed", 408: "Request Timeout", 409: "Conflict", 411: "Length Required",
    413: "Content Too Large", 414: "URI Too Long", 415: "Unsupported Media Type",
    421: "Misdirected Request", 426: "Upgrade Required",
    429: "Too Many Requests", 431: "Request Header Fields Too Large", 500: "Internal Server Error",
    501: "Not Implemented", 502: "Bad Gateway", 503: "Service Unavailable", 504: "Gateway Timeout",
  ]
}
