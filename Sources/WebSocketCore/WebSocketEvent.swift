/// One thing a peer sent: a whole message, or a control frame.
package enum WebSocketEvent: Equatable, Sendable {
  case text(String)
  case binary([UInt8])
  case ping([UInt8])
  case pong([UInt8])
  /// `code` is nil when the close frame was empty (reported to users as 1005).
  case close(code: WebSocketCloseCode?, reason: String)
}
