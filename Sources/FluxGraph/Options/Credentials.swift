internal import FoundationEssentials
internal import Platform

/// What is secret in the addresses a text holds.
package struct AddressCredentials {
  private(set) var secrets: [String] = []

  init(_ text: String) {
    // Somebody forgot the slashes.
    for word in text.split(whereSeparator: { $0.isWhitespace || $0 == "/" }) {
      guard let at = word.lastIndex(of: "@"), let colon = word[..<at].firstIndex(of: ":") else { continue }
      add(user: word[word.index(after: colon)..<at])
    }
    for part in text.split(separator: "://", omittingEmptySubsequences: false).dropFirst() {
      let address = part.prefix { !$0.isWhitespace && !"\"'`<>\\".contains($0) }
      let authority = address.prefix { !"/?#".contains($0) }
      // A password with a slash in it, which was not encoded: what looks like a port is its beginning.
      if let colon = authority.lastIndex(of: ":"), !authority.hasSuffix("]"),
        !authority[authority.index(after: colon)...].allSatisfy(\.isNumber),
        let at = address.lastIndex(of: "@")
      {
        add(user: address[..<at])
      }
      if let at = authority.lastIndex(of: "@") { add(user: authority[..<at]) }
      for pair in address[authority.endIndex...].split(whereSeparator: { "?&;#".contains($0) }) {
        guard let equals = pair.firstIndex(of: "="), isNameOfSecret(pair[..<equals]) else { continue }
        add(pair[pair.index(after: equals)...])
      }
    }
  }

  /// What follows the host of an address that is secret as a whole: all of it, and what in it was made up by a machine.
  package static func path(of address: String) -> [String] {
    guard let scheme = address.firstRange(of: "://") else { return [] }
    let rest = address[scheme.upperBound...].drop { !"/?#".contains($0) }
    let parts = rest.split { "/?&=#".contains($0) }.filter { $0.utf8.count >= 16 }
    return ([rest] + parts).filter { $0.utf8.count >= 8 }.map(String.init)
  }

  /// A user alone is a token.
  private mutating func add(user: Substring) {
    add(user)
    if let colon = user.firstIndex(of: ":") { add(user[user.index(after: colon)...]) }
  }

  private mutating func add(_ text: Substring) {
    secrets.append(String(text))
    if let plain = PercentEncoding.decode(text), plain != text { secrets.append(plain) }
  }
}

/// What is secret in the value of a header: what follows the scheme, such as `Bearer`; for Basic also what it stands for (RFC 7617).
package struct HeaderCredentials {
  private(set) var secrets: [String] = []
  /// The value without the blanks around it, and what follows the scheme in it: each must be something.
  package private(set) var parts: [String] = []

  package init(_ value: String) {
    let words = value.split(separator: " ", maxSplits: 1).map(String.init)
    let schemes = ["basic", "bearer", "token", "digest", "apikey", "key"]
    guard words.count == 2, schemes.contains(words[0].lowercased()) else {
      secrets = [value]
      parts = words.isEmpty ? [""] : [words.joined(separator: " ")]
      return
    }
    secrets = [words[1]]
    parts = [words[1]]
    guard words[0].lowercased() == "basic", let plain = Data(base64Encoded: words[1]) else { return }
    let user = String(decoding: plain, as: UTF8.self)
    secrets.append(user)
    if let colon = user.firstIndex(of: ":") { secrets.append(String(user[user.index(after: colon)...])) }
  }
}

/// Whether the name of a variable, a header or a value in an address says that what it holds is secret.
package func isNameOfSecret(_ name: some StringProtocol) -> Bool {
  let name = name.lowercased()
  return [
    "key", "token", "secret", "password", "passwd", "passphrase", "pass", "pwd", "auth", "authorization",
    "credential", "credentials", "signature", "sig", "cookie", "jwt",
  ].contains { name.hasSuffix($0) }
}

extension WebURL {
  /// Whether the address holds a user or a password.
  public var hasUser: Bool { authority.contains("@") }

  /// Whether what is sent to it can be read on the way to another machine: the connection is not encrypted, and leaves this one.
  package var isReadable: Bool {
    let scheme = text.lowercased()
    guard scheme.hasPrefix("http:") || scheme.hasPrefix("ws:") else { return false }
    var host = authority[
      (authority.lastIndex(of: "@").map(authority.index(after:)) ?? authority.startIndex)...
    ]
    .lowercased()
    if host.hasPrefix("[") {
      host = String(host.dropFirst().prefix { $0 != "]" })
      return host != "::1" && !host.hasPrefix("::ffff:127.")
    }
    host = String(host.prefix { $0 != ":" })
    if host.hasSuffix(".") { host.removeLast() }
    let isNumber = host.utf8.allSatisfy { "0123456789.".utf8.contains($0) }
    return host != "localhost" && !host.hasSuffix(".localhost") && !(isNumber && host.hasPrefix("127."))
  }

  /// Whether a value of the query is a key, by its name.
  package var hasSecretQuery: Bool { !AddressCredentials(redacted + query).secrets.isEmpty }

  private var authority: Substring {
    guard let scheme = text.firstRange(of: "://") else { return "" }
    return text[scheme.upperBound...].prefix { !"/?#".contains($0) }
  }

  private var query: Substring { text.firstIndex { $0 == "?" || $0 == "#" }.map { text[$0...] } ?? "" }
}
