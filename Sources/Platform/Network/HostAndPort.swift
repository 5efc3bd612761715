/// A host, with or without a port, as the header `Host`, the authority of a URL and `no_proxy` name it: `example.com`,
/// `127.0.0.1:80`, `[::1]:80`.
package struct HostAndPort: Sendable, Hashable {
  /// In lower case, without the brackets of an IPv6 address and the dot at the end of a full name.
  package let host: String
  package let port: UInt16?

  /// nil for what is none: no host, a port that is no number, an IPv6 address without brackets, a user.
  package init?(_ text: some StringProtocol) {
    var name = text[...]
    var digits: Substring?
    // Behind the last colon, unless that stands within brackets, is the port.
    let tail = name.hasPrefix("[") ? name.drop { $0 != "]" }.dropFirst() : name.drop { $0 != ":" }
    if !tail.isEmpty {
      guard tail.first == ":" else { return nil }
      digits = Substring(tail.dropFirst())
      name = name[..<tail.startIndex]
    }
    if let digits, !digits.isEmpty {
      guard digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let port = UInt16(digits) else {
        return nil
      }
      self.port = port
    } else {
      port = nil
    }
    if name.hasPrefix("[") {
      guard name.hasSuffix("]") else { return nil }
      name = name.dropFirst().dropLast()
      guard name.contains(":"), IPAddress(name) != nil else { return nil }
    } else {
      guard name.utf8.allSatisfy({ $0 > 0x20 && $0 != 0x7F && !"/\\@?#[]".utf8.contains($0) }) else {
        return nil
      }
      if name.hasSuffix(".") { name = name.dropLast() }
    }
    guard !name.isEmpty else { return nil }
    host = name.lowercased()
  }

  /// - Parameter host: A name, or an address without brackets.
  package init(host: String, port: UInt16?) {
    self.host = (host.hasSuffix(".") ? String(host.dropLast()) : host).lowercased()
    self.port = port
  }

  /// nil when the host is a name.
  package var address: IPAddress? { IPAddress(host) }

  /// Whether only programs on this machine can be meant: `localhost`, the names below it, which are never looked up elsewhere
  /// (RFC 6761 §6.3), and the loopback addresses.
  package var isLoopback: Bool {
    host == "localhost" || host.hasSuffix(".localhost") || address?.isLoopback == true
  }
}

extension HostAndPort: CustomStringConvertible {
  package var description: String {
    let name = host.utf8.contains(UInt8(ascii: ":")) ? "[\(host)]" : host
    return port.map { "\(name):\($0)" } ?? name
  }
}
