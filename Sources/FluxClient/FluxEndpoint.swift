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
    guard let url = WebURL(text), text.hasPrefix("ws://") || text.hasPrefix("wss://") else {
      if text.hasPrefix("http"), let scheme = text.firstRange(of: "://") {
        let secure = text.hasPrefix("https")
        throw OptionError(
          .wrongType, "wants a WebSocket URL",
          replacement: (secure ? "wss" : "ws") + text[scheme.lowerBound...])
      }
      throw unknown(text)
    }
    return .url(url)
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
