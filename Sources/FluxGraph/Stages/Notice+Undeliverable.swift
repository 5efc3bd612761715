extension Notice {
  /// What leaves by a port `dead`: an event a sink has given up, in `original`, and why.
  /// - Parameters:
  ///   - status: the last answer's HTTP status, where there was one.
  ///   - attempts: how often it was tried.
  ///   - identifier: what the receiver knows the delivery by, where it has been sent.
  ///   - body: what was sent in the event's place.
  public static func undeliverable(
    _ event: JSONValue, reason: String, status: Int? = nil, attempts: Int = 0, identifier: String? = nil,
    body: String? = nil, stream: String
  ) -> Notice {
    var details: [(name: String, value: JSONValue)] = [("reason", .string(reason))]
    if let status { details.append(("status", JSONValue(status))) }
    details.append(("attempts", JSONValue(attempts)))
    if let identifier { details.append(("id", .string(identifier))) }
    details.append(("original", event))
    if let body { details.append(("body", .string(body))) }
    return Notice("undeliverable", reason, severity: .error, stream: stream, details: details)
  }
}
