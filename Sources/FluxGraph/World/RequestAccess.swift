internal import Platform

/// Who may ask a server that runs on this machine: the one rule of `sse`, `--metrics` and `serve`. A value: it decides and sends
/// nothing.
///
/// Programs may, from anywhere the address can be reached from. Pages of other sites may not: a browser that shows one is on this
/// machine too, and would ask in its name.
public struct RequestAccess: Sendable {
  /// An answer that is to be given instead.
  public struct Refusal: Sendable, Hashable {
    /// The status of the answer.
    public var status: Int
    /// One plain sentence.
    public var reason: String
  }

  /// Whether other computers may ask.
  private let isPublic: Bool
  /// What lets them, as the user writes it.
  private let option: String

  public init(isPublic: Bool, option: String) {
    self.isPublic = isPublic
    self.option = option
  }

  /// Decides about a request; nil when it may be answered. To be asked before anything is done for the request.
  /// - Parameter values: all values of a header, whatever the case of its name.
  public func refusal(_ values: (String) -> [String]) -> Refusal? {
    let hosts = values("Host")
    // Browsers send one; programs that speak HTTP/1.0 need not send any.
    guard hosts.count <= 1 else { return Refusal(status: 400, reason: "A request has one Host header.") }
    // A page of another site can have its own name lead to 127.0.0.1 and then count as this server's own: it is told apart by
    // the name it asks for (DNS rebinding). A public server cannot know all of its names.
    if let host = hosts.first, !isPublic, HostAndPort(host)?.isLoopback != true {
      return Refusal(
        status: 421,
        reason:
          "This server answers to localhost, 127.0.0.1 and [::1] only; `\(option)` lets it answer to all.")
    }
    guard !isFromOtherSite(values, host: hosts.first) else {
      return Refusal(status: 403, reason: "Pages of other sites may not ask this server.")
    }
    return nil
  }

  /// No site gets `Access-Control-Allow-Origin` either, so that browsers give other pages nothing; but WebSockets need none, and
  /// what an answer costs, is spent by then.
  private func isFromOtherSite(_ values: (String) -> [String], host: String?) -> Bool {
    for origin in values("Origin") {
      guard let scheme = origin.firstRange(of: "://"),
        origin[scheme.upperBound...].lowercased() == host?.lowercased()
      else { return true }
    }
    guard values("Sec-Fetch-Site").contains(where: { ["cross-site", "same-site"].contains($0.lowercased()) })
    else { return false }
    // Somebody has followed a link; the page it was on sees nothing of the answer.
    return values("Sec-Fetch-Mode") != ["navigate"] || values("Sec-Fetch-Dest") != ["document"]
  }
}
