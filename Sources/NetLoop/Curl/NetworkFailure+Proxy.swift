import CCurl
import FluxGraph
import Glibc

extension NetworkFailure {
  /// The failure of a connection that the proxy is to blame for, or that came about on the way to it; nil for any other.
  init?(_ code: CURLcode, of easy: CurlEasy, by route: ConnectionRoute, _ proxy: Proxy) {
    let status = easy.long(CURLINFO_HTTP_CONNECTCODE)
    if status >= 300 {
      self.init(refused: status, by: route, proxy)
      return
    }
    let title = "The \(proxy.title)"
    let past = route.pastTheProxy
    let message = easy.message(for: code)
    switch code {
    case CURLE_COULDNT_RESOLVE_PROXY:
      self.init(
        .proxyUnavailable,
        "\(title) was not found; check its name and the network, or \(past) (\(message)).")
    case CURLE_COULDNT_CONNECT:
      // libcurl connects to the proxy only; how the proxy fares behind it, it says in other codes.
      let error = Int32(easy.long(CURLINFO_OS_ERRNO))
      let what =
        error == ECONNREFUSED
        ? "refused the connection; see whether it runs" : "cannot be reached; check the network"
      self.init(.proxyUnavailable, "\(title) \(what), or \(past) (\(message)).")
    case CURLE_OPERATION_TIMEDOUT where !hasReachedProxy(easy):
      self.init(
        .proxyUnavailable, "\(title) did not answer in time; check the network, or \(past) (\(message)).")
    case CURLE_OPERATION_TIMEDOUT where isWaitingForTunnel(route, proxy, status):
      self.init(
        .proxyUnavailable,
        "\(title) did not connect to \(route.peer) in time; check the address and the proxy, or \(past) (\(message))."
      )
    case CURLE_PROXY:
      self.init(handshake: easy.long(CURLINFO_PROXY_ERROR), message, by: route, proxy)
    case CURLE_RECV_ERROR, CURLE_SEND_ERROR, CURLE_GOT_NOTHING, CURLE_WEIRD_SERVER_REPLY,
      CURLE_UNSUPPORTED_PROTOCOL:
      guard isWaitingForTunnel(route, proxy, status) else { return nil }
      self.init(
        .proxyRefused(status: 0),
        "\(title) ended the connection instead of connecting to \(route.peer); see whether it is one of this kind, or "
          + "\(past) (\(message)).")
    case CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CONNECT_ERROR:
      guard proxy.scheme == "https", isWaitingForTunnel(route, proxy, status) else { return nil }
      self.init(
        .proxyRefused(status: 0),
        "There is no protected connection to the \(proxy.title); is it `http://` rather than `https://`, and its "
          + "authority known (`SSL_CERT_FILE=FILE`)? (\(message))")
    default: return nil
    }
  }

  /// The proxy's answer, to CONNECT or to the request itself.
  init(refused status: Int, by route: ConnectionRoute, _ proxy: Proxy) {
    if status == 407 {
      self.init(unauthorised: status, "status 407", by: route, proxy)
      return
    }
    let (what, remedy) =
      switch status {
      case 502, 503, 504: ("could not connect", "check the address")
      case 500...: ("failed to connect", "ask who runs it")
      default: ("refused to connect", "ask who runs it")
      }
    self.init(
      .proxyRefused(status: status),
      "The \(proxy.title) \(what) to \(route.peer), with status \(status); \(remedy), or \(route.pastTheProxy)."
    )
  }

  /// - Parameter reason: libcurl's `CURLPX_…`.
  private init(handshake reason: Int, _ message: String, by route: ConnectionRoute, _ proxy: Proxy) {
    let what: String
    switch CURLproxycode(UInt32(truncatingIfNeeded: reason)) {
    case CURLPX_NO_AUTH, CURLPX_USER_REJECTED, CURLPX_IDENTD, CURLPX_IDENTD_DIFFER:
      self.init(unauthorised: 0, message, by: route, proxy)
      return
    case CURLPX_REPLY_NOT_ALLOWED, CURLPX_REQUEST_FAILED: what = "refused to connect"
    case CURLPX_REPLY_CONNECTION_REFUSED, CURLPX_REPLY_HOST_UNREACHABLE, CURLPX_REPLY_NETWORK_UNREACHABLE,
      CURLPX_REPLY_TTL_EXPIRED, CURLPX_REPLY_GENERAL_SERVER_FAILURE:
      what = "could not connect"
    default: what = "did not connect"
    }
    self.init(
      .proxyRefused(status: 0),
      "The \(proxy.title) \(what) to \(route.peer); check the address, or \(route.pastTheProxy) (\(message))."
    )
  }

  private init(unauthorised status: Int, _ message: String, by route: ConnectionRoute, _ proxy: Proxy) {
    let place = proxy.variable ?? "its address"
    let what =
      proxy.hasCredentials
      ? "does not accept the user and password in \(place); correct them"
      : "wants a user and a password; write \(place) as \(proxy.scheme)://USER:PASSWORD@\(proxy.place)"
    self.init(
      .proxyRefused(status: status),
      "There is no connection to \(route.peer), because the \(proxy.title) \(what), or \(route.pastTheProxy) (\(message))."
    )
  }
}

/// Whether there was a connection to the proxy.
private func hasReachedProxy(_ easy: CurlEasy) -> Bool { easy.string(CURLINFO_PRIMARY_IP)?.isEmpty == false }

/// Whether the connection behind the proxy does not exist yet. Of SOCKS libcurl does not tell; there it may.
private func isWaitingForTunnel(_ route: ConnectionRoute, _ proxy: Proxy, _ status: Int) -> Bool {
  proxy.isHTTP ? route.isTunnelled && status == 0 : true
}
