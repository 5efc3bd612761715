import CCurl
import FluxGraph
import Platform

/// How a connection goes to its peer: by which proxy, if by any, and whose certificates it takes.
struct ConnectionRoute: Sendable {
  /// Host and port as the user knows them; no credentials and no path.
  let peer: String
  let host: String
  let isSecure: Bool
  let proxy: Proxy?
  /// Whether the proxy is asked for a tunnel, rather than handed the request.
  let isTunnelled: Bool
  let authorities: CertificateAuthorities

  /// - Parameters:
  ///   - host: A name, or an address without brackets, in any spelling libcurl knows.
  ///   - proxy: A proxy's URL; nil means what the environment says, "" means none.
  ///   - authorityFile: The only authorities to trust; nil means those of the environment.
  /// - Throws: ``NetworkFailure`` when the proxy's address or the paths of authorities cannot be used.
  init(
    isSecure: Bool, host: String, port: UInt16, proxy: String?, isTunnelled: Bool, authorityFile: String?,
    _ loop: EventLoop
  ) throws(NetworkFailure) {
    self.isSecure = isSecure
    self.host = host
    let named = HostAndPort(host: host, port: port)
    peer = host.utf8.contains(UInt8(ascii: ":")) ? "[\(host)]:\(port)" : "\(host):\(port)"
    switch proxy {
    case ""?: self.proxy = nil
    case let proxy?: self.proxy = try Proxy(url: proxy)
    case nil:
      // As libcurl will read it: `127.1` is this machine as well.
      let target = CurlURL("\(isSecure ? "https" : "http")://\(peer)/")?.target ?? named
      self.proxy = try loop.proxies.proxy(isSecure: isSecure, target: target)
    }
    self.isTunnelled = isTunnelled || isSecure
    authorities = loop.authorities.overridden(by: authorityFile)
    if isSecure || self.proxy?.scheme == "https", let flaw = authorities.flaw { throw flaw }
  }

  /// Sets what the route decides.
  func apply(to easy: CurlEasy) {
    easy.use(proxy)
    if isSecure || proxy?.scheme == "https" { easy.trust(authorities) }
  }

  /// The peer, and by which way.
  var place: String { proxy.map { "\(peer) through the \($0.title)" } ?? peer }

  /// What can be done when the proxy is not wanted for this peer.
  var pastTheProxy: String { "go past it with `no_proxy=\(host)`" }
}
