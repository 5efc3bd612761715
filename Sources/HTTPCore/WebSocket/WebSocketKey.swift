/// The proof of RFC 6455 §1.3 that a server read the handshake.
package enum WebSocketKey {
  /// `Sec-WebSocket-Key` of sixteen random bytes (§4.1).
  package static func key(_ nonce: (UInt64, UInt64)) -> String {
    let bytes = [nonce.0, nonce.1].flatMap { word in
      (0..<8).map { UInt8(truncatingIfNeeded: word >> UInt64(56 - 8 * $0)) }
    }
    return Base64.encode(bytes)
  }

  /// `Sec-WebSocket-Accept` for a key (§4.2.2).
  package static func accept(_ key: String) -> String {
    Base64.encode(SHA1.hash(Array((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").utf8)))
  }
}
