/// Why a connection is closed (RFC 6455 §7.4). An open set: any value from 0 to 65535 can be represented.
package struct WebSocketCloseCode: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
  package let rawValue: UInt16

  package init(rawValue: UInt16) { self.rawValue = rawValue }

  package static let normal = Self(rawValue: 1000)
  package static let goingAway = Self(rawValue: 1001)
  package static let protocolError = Self(rawValue: 1002)
  /// Never on the wire: the peer's close frame had no code.
  package static let noStatus = Self(rawValue: 1005)
  /// Never on the wire: the connection ended without a close frame.
  package static let abnormal = Self(rawValue: 1006)
  package static let invalidPayload = Self(rawValue: 1007)
  package static let messageTooBig = Self(rawValue: 1009)
  package static let internalError = Self(rawValue: 1011)

  /// Whether a close frame may carry this code: the codes of §7.4.1 and of the IANA registry (1012 to 1014),
  /// and 3000 to 4999 for libraries and applications.
  package var isAllowedOnWire: Bool {
    switch rawValue {
    case 1000...1003, 1007...1014, 3000...4999: true
    default: false
    }
  }

  package var description: String { String(rawValue) }
}
