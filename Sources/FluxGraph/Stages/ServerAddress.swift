internal import Platform

/// Where a stage listens: an address of this machine and a port, 0 for any that is free. Written `127.0.0.1:8090`,
/// `localhost:8090` or `"[::1]:8090"` in a graph.
public struct ServerAddress: Sendable, Hashable {
  /// A numeric IPv4 or IPv6 address, without brackets.
  public let host: String
  /// 0 stands for any that is free.
  public let port: UInt16
  /// Whether only programs on this machine can reach it.
  public let isLoopback: Bool

  /// nil when `host` is neither a numeric address nor `localhost`.
  public init?(host: String, port: UInt16) {
    let host = host.lowercased() == "localhost" ? "127.0.0.1" : host
    guard let address = IPAddress(host) else { return nil }
    isLoopback = address.isLoopback
    self.host = host
    self.port = port
  }

  /// The address of a service here that was given this port.
  public func url(_ scheme: String = "http", port: UInt16) -> String {
    "\(scheme)://\(Self.authority(host, port))/"
  }

  fileprivate static func authority(_ host: String, _ port: UInt16) -> String {
    host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
  }
}

extension ServerAddress: CustomStringConvertible {
  public var description: String { Self.authority(host, port) }
}

extension ServerAddress: OptionValue {
  public static var optionType: OptionType { .address }

  public static func parse(_ value: GraphValue) throws(OptionError) -> ServerAddress {
    guard let text = value.text else { throw .wanted(.address) }
    let colon = text.lastIndex(of: ":")
    let digits = text[(colon.map(text.index(after:)) ?? text.startIndex)...]
    let port = digits.utf8.allSatisfy { (0x30...0x39).contains($0) } ? UInt16(digits) : nil
    guard let colon, let port else {
      // "8090" shows what was meant, and `localhost` half of it.
      throw .wanted(.address, replacement: (port ?? (colon == nil ? 8090 : nil)).map { "127.0.0.1:\($0)" })
    }
    var host = text[..<colon]
    if host.isEmpty { throw .wanted(.address, replacement: "127.0.0.1:\(port)") }
    let isBracketed = host.hasPrefix("[") && host.hasSuffix("]")
    if isBracketed { host = host.dropFirst().dropLast() }
    guard host.contains(":") == isBracketed, let address = ServerAddress(host: String(host), port: port)
    else {
      throw .wanted(.address)
    }
    return address
  }

  public var graphText: String? { description }
}
