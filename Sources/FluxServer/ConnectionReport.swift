/// What became of a connection, one line each for whoever runs the server.
package enum ConnectionReport: Sendable, Equatable, CustomStringConvertible {
  case accepted(client: String, requestID: String, query: String)
  case refused(client: String, status: Int, message: String)
  /// `seconds` of audio and `turns` that ended.
  case ended(requestID: String, reason: String, seconds: Double, turns: Int)

  package var description: String {
    switch self {
    case .accepted(let client, let requestID, let query): "\(client) connected as \(requestID): \(query)"
    case .refused(let client, let status, let message): "\(client) refused with \(status): \(message)"
    case .ended(let requestID, let reason, let seconds, let turns):
      "\(requestID) ended after \((seconds * 10).rounded() / 10) s of audio and \(turns) turns: \(reason)"
    }
  }
}
