import CCurl
import FluxGraph
import Platform

/// A proxy that connections go through, and where its address stands.
struct Proxy: Hashable, Sendable {
  /// For libcurl; it may hold a user and a password, and is shown to nobody.
  let url: String
  /// Host and port, for messages.
  let place: String
  let scheme: String
  let hasCredentials: Bool
  /// The environment variable that names it; nil when the request does.
  let variable: String?

  /// An HTTP proxy, which is asked for a tunnel or handed the request; the others are SOCKS.
  var isHTTP: Bool { scheme.hasPrefix("http") }

  /// What messages call it, behind an article: `proxy 10.0.0.1:3128 (from https_proxy)`.
  var title: String { "proxy \(place)" + (variable.map { " (from \($0))" } ?? "") }

  /// - Throws: ``NetworkFailure`` with ``NetworkFailure/Code/proxySetting`` when `url` is none of a proxy. The text is not repeated: it may
  ///   hold a password.
  init(url: String, variable: String? = nil) throws(NetworkFailure) {
    let place = variable ?? "the proxy's address"
    func flaw(_ what: String) -> NetworkFailure {
      NetworkFailure(.proxySetting, "\(place) \(what); write it as http://HOST:PORT or socks5h://HOST:PORT.")
    }
    guard let parts = CurlURL(url, defaultScheme: "http"), let host = parts.host else {
      throw flaw("is not the address of a proxy")
    }
    guard Self.ports[parts.scheme] != nil else { throw flaw("names a proxy of an unknown kind") }
    self.url = url
    self.variable = variable
    scheme = parts.scheme
    self.place = "\(HostAndPort(host: host, port: parts.port ?? Self.ports[scheme]))"
    hasCredentials = parts.part(CURLUPART_USER) != nil
  }

  /// The kinds libcurl knows, and the ports it takes where none is given (curl(1), `--proxy`).
  private static let ports: [String: UInt16] = [
    "http": 1080, "https": 443, "socks4": 1080, "socks4a": 1080, "socks5": 1080, "socks5h": 1080,
  ]
}

/// The proxies the environment names, and whom they are for.
///
/// libcurl would read the same variables by itself, but send what is meant for this machine through a proxy as well, and not
/// say which of them it obeyed.
struct ProxyEnvironment: Sendable {
  private let variables: [String: String]
  private let exemptions: [Exemption]

  /// - Parameter variable: the value of an environment variable. Empty ones count as unset.
  init(variable: (String) -> String?) {
    var variables: [String: String] = [:]
    // `HTTP_PROXY` is not among them: to a CGI program it is a header of its client's (curl(1), ENVIRONMENT).
    for name in ["http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"] {
      if let value = variable(name), !value.isEmpty { variables[name] = value }
    }
    self.variables = variables
    let list = ["no_proxy", "NO_PROXY"].compactMap { variable($0) }.first { !$0.isEmpty } ?? ""
    exemptions = list.split { ", \t\n\r".contains($0) }.compactMap { Exemption($0) }
  }

  /// The proxy for connections to a place; nil for none.
  ///
  /// This machine never has one: what `endpoint=local` starts is reached here, and a proxy would look for it on its own machine.
  /// - Throws: ``NetworkFailure`` with ``NetworkFailure/Code/proxySetting``.
  func proxy(isSecure: Bool, target: HostAndPort) throws(NetworkFailure) -> Proxy? {
    guard !target.isLoopback, target.address?.isUnspecified != true,
      !exemptions.contains(where: { $0.covers(target) })
    else { return nil }
    let names = (isSecure ? ["https_proxy", "HTTPS_PROXY"] : ["http_proxy"]) + ["all_proxy", "ALL_PROXY"]
    for name in names {
      if let url = variables[name] { return try Proxy(url: url, variable: name) }
    }
    return nil
  }

  /// A word of `no_proxy`: `*`, a domain, an address or a block of them, the first two also with a port.
  private enum Exemption: Sendable {
    case everything
    /// The domain itself and what is below it.
    case domain(String, port: UInt16?)
    case network(IPAddress, bits: Int, port: UInt16?)

    init?(_ word: Substring) {
      if word == "*" {
        self = .everything
        return
      }
      if let slash = word.firstIndex(of: "/") {
        guard let network = IPAddress(Self.bare(word[..<slash])), let bits = Int(word[slash...].dropFirst()),
          (0...(network.isIPv4 ? 32 : 128)).contains(bits)
        else { return nil }
        self = .network(network, bits: bits, port: nil)
        return
      }
      // An IPv6 address is understood without brackets as well, where nothing follows it.
      if let address = IPAddress(word) {
        self = .network(address, bits: address.isIPv4 ? 32 : 128, port: nil)
        return
      }
      let name = word.hasPrefix("*.") ? word.dropFirst(2) : word.drop { $0 == "." }
      guard let place = HostAndPort(name) else { return nil }
      if let address = place.address {
        self = .network(address, bits: address.isIPv4 ? 32 : 128, port: place.port)
      } else {
        self = .domain(place.host, port: place.port)
      }
    }

    func covers(_ target: HostAndPort) -> Bool {
      switch self {
      case .everything: true
      case .domain(let domain, let port):
        (port == nil || port == target.port)
          && (target.host == domain || target.host.hasSuffix(".\(domain)") && target.address == nil)
      case .network(let network, let bits, let port):
        (port == nil || port == target.port) && target.address?.isWithin(network, bits: bits) == true
      }
    }

    private static func bare(_ text: Substring) -> Substring {
      text.hasPrefix("[") && text.hasSuffix("]") ? text.dropFirst().dropLast() : text
    }
  }
}
