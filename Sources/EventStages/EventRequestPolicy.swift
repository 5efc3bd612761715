internal import FluxGraph

/// What the stage `sse` answers to a request. A value: it decides and sends nothing.
struct EventRequestPolicy: Sendable {
  enum Answer: Sendable, Equatable {
    case page
    /// The events behind the one of this identifier; all there are without one.
    case events(after: String?)
    case refused(status: Int, message: String, headers: [HTTPHeader] = [])
  }

  /// Whether other computers may connect.
  var isPublic: Bool

  func answer(to request: HTTPServerRequest) -> Answer {
    let hosts = request.values(of: "Host")
    guard hosts.count == 1 else {
      return .refused(status: 400, message: "A request needs one Host header.")
    }
    // A page of another site can have its own name lead to 127.0.0.1 and then count as this server's own: it is told apart by
    // the name it asks for (DNS rebinding). A public server cannot know all of its names, and has nothing to hide.
    guard isPublic || Self.isLoopback(hosts[0]) else {
      return .refused(
        status: 421,
        message: "This server answers to localhost, 127.0.0.1 and [::1] only; `public` lets it answer to all."
      )
    }
    guard request.path == "/" || request.path == "/events" else {
      return .refused(status: 404, message: "There are / and /events.")
    }
    guard request.method == "GET" || request.method == "HEAD" else {
      return .refused(
        status: 405, message: "There is nothing to do here but read.",
        headers: [HTTPHeader("Allow", "GET, HEAD")])
    }
    if request.path == "/" { return .page }
    guard !isFromOtherSite(request, host: hosts[0]) else {
      return .refused(status: 403, message: "Pages of other sites may not read the events.")
    }
    return .events(after: request.values(of: "Last-Event-ID").first)
  }

  /// No site gets `Access-Control-Allow-Origin`, so that browsers give other pages nothing; this keeps them from taking a
  /// client's place at all.
  private func isFromOtherSite(_ request: HTTPServerRequest, host: String) -> Bool {
    if let origin = request.values(of: "Origin").first {
      guard let scheme = origin.firstRange(of: "://") else { return true }
      if origin[scheme.upperBound...].lowercased() != host.lowercased() { return true }
    }
    return request.values(of: "Sec-Fetch-Site").contains {
      ["cross-site", "same-site"].contains($0.lowercased())
    }
  }

  private static func isLoopback(_ authority: String) -> Bool {
    // Behind the last colon, unless that stands within brackets, is the port.
    var name = authority.lowercased()
    if let colon = name.lastIndex(of: ":"), !name[colon...].contains("]") {
      guard name[colon...].dropFirst().utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return false }
      name = String(name[..<colon])
    }
    // Names below localhost are never looked up elsewhere (RFC 6761 §6.3).
    if name == "localhost" || name.hasSuffix(".localhost") { return true }
    if name.hasPrefix("["), name.hasSuffix("]") { name = String(name.dropFirst().dropLast()) }
    return name != "localhost" && ServerAddress(host: name, port: 0)?.isLoopback == true
  }
}
