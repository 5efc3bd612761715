/// What makes a received HTTP message unusable.
package enum HTTPError: Error, Equatable, Sendable {
  case headTooLarge(limit: Int)
  case lineWithoutCarriageReturn
  case foldedHeader
  case malformedHeader(String)
  case malformedRequestLine(String)
  case malformedStatusLine(String)
  case malformedLength(String)
  case malformedChunk
  case unsupportedTransferCoding(String)
  case bodyTooLarge(limit: Int)
  case endedInside
}

extension HTTPError {
  /// The status a server answers with.
  package var status: Int {
    switch self {
    case .headTooLarge: 431
    case .bodyTooLarge: 413
    case .unsupportedTransferCoding: 501
    default: 400
    }
  }
}

extension HTTPError: CustomStringConvertible {
  package var description: String {
    switch self {
    case .headTooLarge(let limit): "the header is larger than \(limit) bytes"
    case .lineWithoutCarriageReturn: "a header line does not end in CR LF"
    case .foldedHeader: "a header is folded over several lines, which HTTP no longer allows"
    case .malformedHeader(let line): "the header line \"\(line)\" is malformed"
    case .malformedRequestLine(let line): "the request line \"\(line)\" is malformed"
    case .malformedStatusLine(let line): "the status line \"\(line)\" is malformed"
    case .malformedLength(let text): "the body length \"\(text)\" is malformed"
    case .malformedChunk: "a chunk of the body is malformed"
    case .unsupportedTransferCoding(let coding): "the transfer coding \"\(coding)\" is not supported"
    case .bodyTooLarge(let limit): "the body is larger than \(limit) bytes"
    case .endedInside: "the connection ended inside the message"
    }
  }
}
