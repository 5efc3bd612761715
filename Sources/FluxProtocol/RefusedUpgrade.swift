internal import FluxGraph

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

  /// - Parameter header: the first value of a header, whatever the case of its name.
  package init(status: Int, header: (String) -> String?, body: [UInt8]) {
    let text = String(decoding: body, as: UTF8.self)
    let json = try? JSONValue.parse(body)
    func first(_ names: String...) -> String? {
      names.lazy.compactMap { json?[$0]?.stringValue }.first { !$0.isEmpty }
    }
    self.status = status
    code = first("err_code", "error_code", "code", "category").map(Self.readable)
    var words = first("err_msg", "description", "message", "reason", "error") ?? header("dg-error")
    if words != nil, let details = first("details") { words?.append(" (\(details))") }
    message = Self.readable(words ?? text)
    requestID = (header("dg-request-id") ?? first("request_id")).map(Self.readable)
    retry =
      switch status {
      case 429: .backOffLonger
      case 408, 499, 500...599: .backOff
      default: .never
      }
    retryAfter = header("Retry-After").flatMap(Int.init).flatMap {
      (0...86400).contains($0) ? .seconds($0) : nil
    }
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
    var text = "the service refused the connection with status \(status)"
    if let code { text += " \(code)" }
    if !message.isEmpty { text += ": \(message)" }
    if let requestID { text += " (request \(requestID))" }
    return text
  }
}
