package import FluxGraph

/// An answer to the upgrade request that is not 101, whatever shape its body has.
package struct RefusedUpgrade: Error, Equatable, Sendable {
  package enum Retry: Equatable, Sendable {
    /// The same request would be refused again.
    case never
    case backOff
    /// Too many streams: they end in minutes, not seconds.
    case backOffLonger
  }

  package let status: Int
  /// Such as `INVALID_QUERY_PARAMETER`.
  package let code: String?
  /// The server's own words, without control characters, cut at 500 characters. Empty when it gave none.
  package let message: String
  package let requestID: String?
  package let retry: Retry
  /// What the server asks to wait.
  package let retryAfter: Duration?
  /// Where the server sends the request, without what may be secret in it.
  package let redirect: WebURL?
  /// What is said of that, also when there is nothing to be read in it; nil when the answer is no redirect.
  private let redirectText: String?

  /// - Parameters:
  ///   - url: what was asked.
  ///   - header: the first value of a header, whatever the case of its name.
  package init(status: Int, url: WebURL? = nil, header: (String) -> String?, body: [UInt8]) {
    let text = String(decoding: body, as: UTF8.self)
    let json = try? JSONValue.parse(body)
    func first(_ names: String...) -> String? {
      names.lazy.compactMap { json?[$0]?.stringValue }.first { !$0.isEmpty }
    }
    self.status = status
    code = first("err_code", "error_code", "code", "category").map(Self.readable)
    var words = first("err_msg", "description", "message", "reason", "error") ?? header("dg-error")
    if words != nil, let details = first("details") { words?.append(" (\(details))") }
    message = Self.readable(words ?? Self.title(ofPage: text) ?? text)
    let isRedirect = [301, 302, 303, 307, 308].contains(status)
    let location = header("Location")
    redirect = isRedirect ? location.flatMap { url?.redirect(to: $0) } : nil
    redirectText = isRedirect ? url?.redirectText(to: location) : nil
    requestID = (header("dg-request-id") ?? first("request_id")).map(Self.readable)
    retry =
      switch status {
      case 429: .backOffLonger
      case 408, 499, 500...599: .backOff
      default: .never
      }
    retryAfter = header("Retry-After").flatMap { Double($0) }.flatMap {
      $0 >= 0 ? .seconds(Int(min($0, 86_400))) : nil
    }
  }

  /// What a browser would show above a page: whoever stands before a service answers in HTML.
  private static func title(ofPage text: String) -> String? {
    guard text.drop(while: \.isWhitespace).first == "<" else { return nil }
    let lower = text.lowercased()
    guard lower.utf8.count == text.utf8.count, let start = lower.firstRange(of: "<title>"),
      let end = lower[start.upperBound...].firstRange(of: "</title>")
    else { return nil }
    let bytes = text.utf8.dropFirst(lower.utf8.distance(from: lower.startIndex, to: start.upperBound))
    let title = bytes.prefix(lower.utf8.distance(from: start.upperBound, to: end.lowerBound))
    return String(decoding: title, as: UTF8.self)
  }

  /// Words of a stranger for a terminal: control characters and runs of blanks become one blank.
  private static func readable(_ text: String) -> String {
    let scalars = text.unicodeScalars.lazy.map { $0.properties.generalCategory == .control ? " " : $0 }
    var line = String.UnicodeScalarView()
    for scalar in scalars {
      if scalar == " ", line.last == " " || line.isEmpty { continue }
      line.append(scalar)
      if line.count == 500 { break }
    }
    while line.last == " " { line.removeLast() }
    return String(line)
  }
}

extension RefusedUpgrade: CustomStringConvertible {
  package var description: String {
    if let redirectText { return "the service \(redirectText) (status \(status))" }
    var text =
      (200..<300).contains(status)
      ? "instead of a WebSocket there was an answer with status \(status)"
      : "the service refused the connection with status \(status)"
    if let code { text += " \(code)" }
    if !message.isEmpty { text += ": \(message)" }
    if let requestID { text += " (request \(requestID))" }
    return text
  }
}
