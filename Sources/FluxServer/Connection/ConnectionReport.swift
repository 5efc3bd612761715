/// What became of a connection, one line each for whoever runs the server.
package enum ConnectionReport: Sendable, Equatable, CustomStringConvertible {
  /// `status` is 0 where a fault let the request stand unanswered.
  case refused(client: String, status: Int, message: String)
  /// `seconds` of audio and `turns` that ended; `query` is what the client asked for.
  case ended(
    client: String, requestID: String, query: String, seconds: Double, turns: Int, reason: String)

  package var description: String {
    switch self {
    case .refused(let client, 0, let message): "\(client) \(message)"
    case .refused(let client, let status, let message): "\(client) refused with \(status): \(message)"
    case .ended(let client, let requestID, let query, let seconds, let turns, let reason):
      "\(client) \(requestID): \((seconds * 10).rounded() / 10) s of audio, \(turns) turns; \(reason) (\(query))"
    }
  }
}
