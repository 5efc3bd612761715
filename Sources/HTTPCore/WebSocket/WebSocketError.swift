/// What a peer did against RFC 6455.
package enum WebSocketError: Error, Equatable, Sendable {
  case reservedBits
  case reservedOpcode(UInt8)
  case fragmentedControlFrame
  case controlFrameTooLong(Int)
  case unmaskedFrameFromClient
  case maskedFrameFromServer
  case lengthNotMinimal
  case lengthOutOfRange
  case frameTooLarge(announced: Int, limit: Int)
  case messageTooLarge(limit: Int)
  case continuationWithoutStart
  case dataFrameInsideFragmentedMessage
  case closePayloadTooShort
  case closeCodeNotAllowed(WebSocketCloseCode)
  case invalidUTF8
}

extension WebSocketError {
  /// The code of the close frame that answers the error (RFC 6455 §7.4.1).
  package var closeCode: WebSocketCloseCode {
    switch self {
    case .invalidUTF8: .invalidPayload
    case .frameTooLarge, .messageTooLarge: .messageTooBig
    default: .protocolError
    }
  }
}

extension WebSocketError: CustomStringConvertible {
  package var description: String {
    switch self {
    case .reservedBits: "a frame has reserved bits set although no extension was agreed on"
    case .reservedOpcode(let code): "a frame has the reserved opcode \(code)"
    case .fragmentedControlFrame: "a control frame is fragmented"
    case .controlFrameTooLong(let length): "a control frame has \(length) bytes, more than 125"
    case .unmaskedFrameFromClient: "the client sent an unmasked frame"
    case .maskedFrameFromServer: "the server sent a masked frame"
    case .lengthNotMinimal: "a frame length is not in its shortest form"
    case .lengthOutOfRange: "a frame length has its highest bit set"
    case .frameTooLarge(let announced, let limit):
      "a frame of \(announced) bytes exceeds the limit of \(limit)"
    case .messageTooLarge(let limit): "a message exceeds the limit of \(limit) bytes"
    case .continuationWithoutStart: "a continuation frame continues nothing"
    case .dataFrameInsideFragmentedMessage: "a new message began inside a fragmented one"
    case .closePayloadTooShort: "a close frame has one byte of payload"
    case .closeCodeNotAllowed(let code): "a close frame carries the code \(code)"
    case .invalidUTF8: "a text is not valid UTF-8"
    }
  }
}
