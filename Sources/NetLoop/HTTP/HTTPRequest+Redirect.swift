import FluxGraph

extension HTTPRequest {
  /// What may be told to whoever a redirect leads to.
  private static let harmlessHeaders: Set<String> = [
    "user-agent", "icy-metadata", "accept", "accept-encoding", "accept-language", "content-type", "range",
  ]

  /// The request that follows the redirect; nil when the response leads nowhere, or redirects are delivered as the response.
  ///
  /// Redirects are followed here and not by libcurl, so that each place they lead to has the proxy that is meant for it.
  /// - Throws: ``NetworkFailure`` when it leads too far, out of `http` and `https`, or from a protected connection to an open one.
  func redirected(by head: HTTPResponseHead) throws(NetworkFailure) -> HTTPRequest? {
    guard maximumRedirects > 0, head.isRedirect, let location = head.headers["Location"],
      let old = CurlURL(url), let new = CurlURL(url)
    else { return nil }
    guard new.follow(location), let url = new.text else {
      throw NetworkFailure(.badRequest, "\(old.shown) redirects to what is no address.")
    }
    guard new.scheme == "https" || new.scheme == "http" && old.scheme == "http" else {
      throw NetworkFailure(
        .badRequest,
        "\(old.shown) redirects to \(new.shown), which is not followed: "
          + (new.scheme == "http" ? "that connection is not protected." : "only http and https are."))
    }
    var next = self
    next.url = url
    next.maximumRedirects -= 1
    if new.scheme != old.scheme || new.target != old.target {
      // Any other header may be what lets its sender in.
      next.headers.removeAll { !Self.harmlessHeaders.contains($0.name.lowercased()) }
    }
    // As browsers and libcurl do it (RFC 9110 §15.4).
    let becomesGet =
      head.status == 303 ? method != "HEAD" : [301, 302].contains(head.status) && method == "POST"
    if becomesGet {
      next.method = "GET"
      next.body = []
      next.headers.remove("Content-Type")
    }
    return next
  }
}

extension HTTPResponseHead {
  /// Whether it asks for a request elsewhere.
  var isRedirect: Bool { [301, 302, 303, 307, 308].contains(status) }
}
