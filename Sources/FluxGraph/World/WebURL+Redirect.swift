extension WebURL {
  /// Where a redirect from here leads, without what may be secret in it; nil when `location`, the value of the header `Location`,
  /// is no address, or none of a kind that is known.
  public func redirect(to location: String) -> WebURL? {
    guard let scheme = text.firstRange(of: "://"), !location.isEmpty,
      location.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F })
    else { return nil }
    let origin = text[..<scheme.upperBound] + text[scheme.upperBound...].prefix { !"/?#".contains($0) }
    let path = text[origin.endIndex...].prefix { !"?#".contains($0) }
    // The kinds of reference of RFC 3986 §4.2; where dots in a path lead is left to the reader.
    let target: String
    if location.prefix(while: { !"/?#".contains($0) }).contains(":") {
      target = location
    } else if location.hasPrefix("//") {
      target = text[..<scheme.lowerBound] + ":" + location
    } else if location.hasPrefix("/") {
      target = origin + location
    } else if let slash = path.lastIndex(of: "/"), !"?#".contains(location.first ?? "?") {
      target = origin + path[...slash] + location
    } else {
      target = origin + (path.isEmpty ? "/" : path) + location
    }
    return WebURL(target).flatMap { WebURL(String($0.redacted.prefix(200))) }
  }

  /// What a message says of an answer that redirects from here: `redirects to https://…`.
  public func redirectText(to location: String?) -> String {
    guard let location else { return "redirects, without saying where to" }
    guard let target = redirect(to: location) else { return "redirects to what is no address of the web" }
    return "redirects to \(target.text)"
  }
}
