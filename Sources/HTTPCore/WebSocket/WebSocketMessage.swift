/// One thing a peer sent: a whole message, or a control frame.
package enum WebSocketMessage: Equatable, Sendable {
  case text(WebSocketText)
  case binary([UInt8])
  case ping([UInt8])
  case pong([UInt8])
  /// `code` is nil when the close frame was empty (reported to users as 1005).
  case close(code: WebSocketCloseCode?, reason: String)
}

/// A text message: its bytes, which are valid UTF-8. Who reads bytes, such as a parser, needs no copy of them.
package struct WebSocketText: Equatable, Sendable, ExpressibleByStringLiteral {
  package let bytes: [UInt8]

  /// - Parameter bytes: valid UTF-8.
  init(bytes: [UInt8]) { self.bytes = bytes }

  package init(_ text: String) { bytes = Array(text.utf8) }
  package init(stringLiteral text: String) { self.init(text) }

  package var string: String { String(decoding: bytes, as: UTF8.self) }
}
