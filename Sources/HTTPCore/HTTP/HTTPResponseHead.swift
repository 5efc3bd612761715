/// A response's status and headers (RFC 9112 §4).
package struct HTTPResponseHead: Equatable, Sendable {
  package var status: Int
  package var reason: String
  package var headers: HTTPHeaders

  package init(status: Int, reason: String = "", headers: HTTPHeaders = []) {
    self.status = status
    self.reason = reason
    self.headers = headers
  }

  package init(_ head: HTTPHead) throws(HTTPError) {
    let parts = head.startLine.split(separator: " ", maxSplits: 2, omittingEmptySubsequences: false)
    guard parts.count >= 2, parts[0] == "HTTP/1.1" || parts[0] == "HTTP/1.0", parts[1].utf8.count == 3,
      parts[1].utf8.allSatisfy({ $0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9") }),
      let status = Int(parts[1]), status >= 100
    else { throw .malformedStatusLine(printable(head.startLine.utf8)) }
    self.status = status
    reason = parts.count == 3 ? printable(parts[2].utf8) : ""
    headers = head.headers
  }
}
