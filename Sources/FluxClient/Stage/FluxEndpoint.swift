package import FluxGraph

/// Which service speaks Flux: one of Deepgram's, one at a URL, or the one inside this process.
package enum FluxEndpoint: Sendable, Hashable {
  /// A Deepgram region by name.
  case deepgram(Region)
  /// A `ws://` or `wss://` URL.
  case url(WebURL)
  /// The local Flux server, inside this process.
  case local

  /// Where Deepgram runs Flux (Deepgram documentation, "Regional Endpoints").
  package enum Region: String, Sendable, CaseIterable {
    case global = "deepgram"
    case europe = "deepgram-eu"
    case australia = "deepgram-au"
    case india = "deepgram-in"

    var host: String {
      switch self {
      case .global: "api.deepgram.com"
      case .europe: "api.eu.deepgram.com"
      case .australia: "api.au.deepgram.com"
      case .india: "api.in.deepgram.com"
      }
    }
  }

  /// The path of Flux on every server.
  static let path = "/v2/listen"

  /// The address to connect to, without a query of ours; nil for `local`, whose address is known once it runs.
  package var address: String? {
    switch self {
    case .deepgram(let region): "wss://\(region.host)\(Self.path)"
    case .url(let url): url.text
    case .local: nil
    }
  }

  /// A base URL without a path gets Flux's; one with a path, or with a query of its own, keeps it.
  static func extended(_ base: String, query: String) -> String {
    var text = base.prefix { $0 != "#" }
    var own = ""
    if let mark = text.firstIndex(of: "?") {
      own = String(text[text.index(after: mark)...])
      text = text[..<mark]
    }
    let authority = text.firstRange(of: "://").map { text[$0.upperBound...] } ?? text
    if let slash = authority.firstIndex(of: "/") {
      if authority[slash...] == "/" { text = text.dropLast() + Self.path }
    } else {
      text += Self.path
    }
    return text + "?" + [own, query].filter { !$0.isEmpty }.joined(separator: "&")
  }

  /// What the service is called in messages: its host.
  package var title: String {
    switch self {
    case .deepgram(let region): region.host
    case .url(let url):
      String(
        url.redacted.split(separator: "/", maxSplits: 2, omittingEmptySubsequences: true).dropFirst().first
          ?? "")
    case .local: "the local Flux"
    }
  }

  /// Whether the service cannot be used without a key.
  package var needsKey: Bool {
    if case .deepgram = self { true } else { false }
  }
}

extension FluxEndpoint: OptionValue {
  private static let names = Region.allCases.map(\.rawValue) + ["local"]

  package static var optionType: OptionType { .text }

  package static func parse(_ value: GraphValue) throws(OptionError) -> FluxEndpoint {
    guard let text = value.text else { throw unknown("") }
    if text == "local" { return .local }
    if let region = Region(rawValue: text) { return .deepgram(region) }
    guard let url = WebURL(text), let mark = text.firstRange(of: "://") else { throw unknown(text) }
    // Schemes have no case (RFC 3986 §3.1).
    let scheme = text[..<mark.lowerBound].lowercased()
    let authority = text[mark.upperBound...].prefix { !"/?#".contains($0) }
    guard !url.hasUser else { throw WebURL.userInAddress }
    guard scheme.hasPrefix("ws") else {
      throw OptionError(
        .wrongType, "wants a WebSocket URL",
        replacement: (scheme == "https" ? "wss" : "ws") + text[mark.lowerBound...])
    }
    guard hasGoodPort(authority) else {
      throw OptionError(.wrongType, "wants a port from 1 to 65535 behind the host's colon")
    }
    return .url(WebURL(scheme + text[mark.lowerBound...]) ?? url)
  }

  /// Whether the part of a URL that names the host has no port, or one that can be connected to.
  private static func hasGoodPort(_ authority: Substring) -> Bool {
    // The colons of an IPv6 address stand in brackets.
    let rest =
      authority.hasPrefix("[") ? authority.drop { $0 != "]" }.dropFirst() : authority.drop { $0 != ":" }
    guard !rest.isEmpty else { return !authority.hasPrefix("[") || authority.hasSuffix("]") }
    guard rest.first == ":", rest.dropFirst().allSatisfy({ $0.isASCII && $0.isNumber }) else { return false }
    return UInt16(rest.dropFirst()).map { $0 > 0 } ?? false
  }

  private static func unknown(_ text: String) -> OptionError {
    OptionError(
      .unknownValue,
      "does not know `\(text)`; it takes \(names.joined(separator: ", ")), or a ws:// or wss:// URL",
      candidates: names)
  }

  package var graphText: String? {
    switch self {
    case .deepgram(let region): region.rawValue
    case .url(let url): url.text
    case .local: "local"
    }
  }
}
