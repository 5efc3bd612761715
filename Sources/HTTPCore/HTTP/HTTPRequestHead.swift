/// A request's method, target and headers (RFC 9112 §3).
package struct HTTPRequestHead: Equatable, Sendable {
  package var method: String
  /// As sent: path and, after `?`, the query.
  package var target: String
  /// 0 for HTTP/1.0, 1 for HTTP/1.1.
  package var minorVersion: Int
  package var headers: HTTPHeaders

  package init(_ head: HTTPHead) throws(HTTPError) {
    let parts = head.startLine.split(separator: " ", omittingEmptySubsequences: false)
    guard parts.count == 3, isToken(parts[0]),
      !parts[1].isEmpty, parts[1].utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }),
      parts[2] == "HTTP/1.1" || parts[2] == "HTTP/1.0"
    else { throw .malformedRequestLine(printable(head.startLine.utf8)) }
    method = String(parts[0])
    target = String(parts[1])
    minorVersion = parts[2] == "HTTP/1.1" ? 1 : 0
    headers = head.headers
  }

  /// The target up to the first `?`.
  package var path: String { String(target.prefix { $0 != "?" }) }

  /// What follows the first `?`, still encoded; empty without one.
  package var query: String { String(target.drop { $0 != "?" }.dropFirst()) }

  /// Whether the client wants the connection kept for another request (RFC 9112 §9.3).
  package var isKeptAlive: Bool {
    minorVersion == 1
      ? !headers.list("Connection", contains: "close") : headers.list("Connection", contains: "keep-alive")
  }
}
