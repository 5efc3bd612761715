import Foundation
import HTTPCore

/// A frame as the encoder writes it.
func frame(
  _ opcode: WebSocketOpcode, _ payload: [UInt8], isFinal: Bool = true, maskKey: UInt32? = nil
) -> [UInt8] {
  var bytes: [UInt8] = []
  WebSocketFrameEncoder.append(opcode, isFinal: isFinal, payload: payload.span, maskKey: maskKey, to: &bytes)
  return bytes
}

func frame(
  _ opcode: WebSocketOpcode, _ text: String, isFinal: Bool = true, maskKey: UInt32? = nil
) -> [UInt8] {
  frame(opcode, Array(text.utf8), isFinal: isFinal, maskKey: maskKey)
}

/// What a fresh decoder makes of `bytes` fed in pieces, up to an error.
func decode(
  _ bytes: [UInt8], role: WebSocketRole = .client, limits: WebSocketLimits = WebSocketLimits(),
  cutAt cuts: [Int] = []
) -> (events: [WebSocketMessage], error: WebSocketError?) {
  var decoder = WebSocketFrameDecoder(role: role, limits: limits)
  var events: [WebSocketMessage] = []
  var start = 0
  for end in cuts + [bytes.count] {
    let piece = Array(bytes[start..<end])
    start = end
    var position = 0
    do throws(WebSocketError) {
      while let event = try decoder.next(piece.span, from: &position) { events.append(event) }
    } catch {
      return (events, error)
    }
  }
  return (events, nil)
}

func hexadecimal(_ bytes: [UInt8]) -> String {
  bytes.map { byte in (byte < 16 ? "0" : "") + String(byte, radix: 16) }.joined()
}

func bytes(hexadecimal text: some StringProtocol) -> [UInt8] {
  let digits = Array(text.utf8)
  return stride(from: 0, to: digits.count - 1, by: 2).compactMap {
    UInt8(String(decoding: digits[$0...($0 + 1)], as: UTF8.self), radix: 16)
  }
}
