/// A path as the graph writes it. Relative ones are relative to the graph file; `-` is standard input or output.
public struct Path: Sendable, Hashable, OptionValue {
  /// The path as the graph writes it.
  public var text: String

  public init(_ text: String) {
    self.text = text
  }

  public static var optionType: OptionType { .path }

  public static func parse(_ value: GraphValue) throws(OptionError) -> Path {
    guard let text = value.text, !text.isEmpty, !text.utf8.contains(0) else { throw .wanted(.path) }
    return Path(text)
  }

  public var graphText: String? { text.isEmpty ? nil : text }

  /// The path to open: `~/` replaced by `home`, and a relative path put behind `directory`.
  public func resolved(in directory: String, home: String?) -> String {
    if text.hasPrefix("~/"), let home { return home + text.dropFirst() }
    if text.hasPrefix("/") || directory.isEmpty || directory == "." { return text }
    return directory.hasSuffix("/") ? directory + text : directory + "/" + text
  }
}

/// The address of a service: `https://…`, `http://…`, `wss://…` or `ws://…`.
public struct WebURL: Sendable, Hashable, OptionValue {
  /// The address as the graph writes it.
  public var text: String

  /// nil when `text` has no known scheme, no host, or characters no URL has.
  public init?(_ text: String) {
    guard let colon = text.firstRange(of: "://"), text.utf8.allSatisfy({ $0 > 0x20 && $0 != 0x7F }) else {
      return nil
    }
    let scheme = text[..<colon.lowerBound].lowercased()
    guard ["http", "https", "ws", "wss"].contains(scheme) else { return nil }
    let host = text[colon.upperBound...].prefix { !"/?#".contains($0) }
    guard Self.isAuthority(host) else { return nil }
    self.text = text
  }

  /// Whether there is a host, and a port only where it can be one.
  private static func isAuthority(_ text: Substring) -> Bool {
    let place = text[(text.lastIndex(of: "@").map(text.index(after:)) ?? text.startIndex)...]
    let host: Substring
    if place.hasPrefix("[") {
      guard let end = place.firstIndex(of: "]") else { return false }
      host = place[...end]
    } else {
      host = place.prefix { $0 != ":" }
    }
    let rest = place[host.endIndex...]
    guard !host.isEmpty, host != "[]" else { return false }
    guard !rest.isEmpty else { return true }
    guard rest.hasPrefix(":") else { return false }
    let port = rest.dropFirst()
    return port.isEmpty || port.utf8.allSatisfy { 0x30...0x39 ~= $0 } && (1...65535).contains(Int(port) ?? 0)
  }

  public static var optionType: OptionType { .url }

  public static func parse(_ value: GraphValue) throws(OptionError) -> WebURL {
    guard let text = value.text, let url = WebURL(text) else { throw .wanted(.url) }
    guard !url.hasUser else { throw userInAddress }
    return url
  }

  public var graphText: String? { text }

  /// Why an address with a user or a password in it is refused: it is shown, and handed on, wherever the graph is.
  public static let userInAddress = OptionError(
    .wrongType,
    "must hold no user and no password, which would be seen; a header is for that, such as "
      + "`headers=[env(NAME)]` with `Authorization: Basic …` in the variable")

  /// The URL without what may be secret in it: a user and password, the query, the fragment.
  public var redacted: String {
    let bare = text.prefix { $0 != "?" && $0 != "#" }
    guard let scheme = bare.firstRange(of: "://") else { return String(bare) }
    let rest = bare[scheme.upperBound...]
    let authority = rest.prefix { $0 != "/" }
    guard let at = authority.lastIndex(of: "@") else { return String(bare) }
    return String(bare[..<scheme.upperBound]) + rest[rest.index(after: at)...]
  }
}
