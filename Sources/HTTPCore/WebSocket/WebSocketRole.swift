/// Which end of the connection this is. Decides who masks (RFC 6455 §5.1) and who closes the TCP stream first (§7.1.1).
package enum WebSocketRole: Sendable, Equatable {
  case client
  case server
}

/// What one connection accepts. Checked against announced lengths, before a byte of payload is kept.
package struct WebSocketLimits: Sendable, Equatable {
  /// Largest payload of a single frame, in bytes.
  package var maximumFrameSize: Int
  /// Largest assembled message, in bytes.
  package var maximumMessageSize: Int

  /// The defaults leave room for a turn of many hours (5 kB per 20 s of speech) and for any audio chunk, and
  /// bound what a hostile peer can make us hold.
  package init(maximumFrameSize: Int = 4 << 20, maximumMessageSize: Int = 4 << 20) {
    self.maximumFrameSize = maximumFrameSize
    self.maximumMessageSize = maximumMessageSize
  }
}
