package import FluxGraph

/// A text message of the service.
package enum ServerMessage: Equatable, Sendable {
  case connected(Connected)
  case turnInfo(TurnInfo)
  case configureSuccess(ConfigureSuccess)
  case configureFailure(ConfigureFailure)
  case warning(ServiceNotice)
  /// Fatal: the service closes the connection right after.
  case error(ServiceNotice)
  /// A message of a type not known here, or without one; to be passed on or skipped, never fatal.
  case unknown(type: String?, sequenceID: Int?, raw: String)

  package struct Connected: Equatable, Sendable {
    package var requestID: String?
    package var sequenceID: Int?

    package init(requestID: String?, sequenceID: Int? = 0) {
      self.requestID = requestID
      self.sequenceID = sequenceID
    }
  }

  /// The full configuration in force after a `Configure`.
  package struct ConfigureSuccess: Equatable, Sendable {
    package var requestID: String?
    package var sequenceID: Int?
    package var endOfTurnThreshold: Double?
    package var eagerEndOfTurnThreshold: Double?
    /// Milliseconds.
    package var endOfTurnTimeout: Int?
    package var keyterms: [String]?
    package var languageHints: [String]?
    package var numerals: Bool?
    package var profanityFilter: Bool?

    package init(requestID: String? = nil, sequenceID: Int? = nil) {
      self.requestID = requestID
      self.sequenceID = sequenceID
    }
  }

  /// Nothing of the `Configure` was applied; the stream goes on.
  package struct ConfigureFailure: Equatable, Sendable {
    package var requestID: String?
    package var sequenceID: Int?
    package var code: String?
    package var description: String?

    package init(
      requestID: String? = nil, sequenceID: Int? = nil, code: String? = nil, description: String? = nil
    ) {
      self.requestID = requestID
      self.sequenceID = sequenceID
      self.code = code
      self.description = description
    }
  }

  /// A warning or a fatal error.
  package struct ServiceNotice: Equatable, Sendable {
    package var requestID: String?
    package var sequenceID: Int?
    /// Upper-case words, such as `UNPARSABLE_CLIENT_MESSAGE`.
    package var code: String?
    package var description: String?

    package init(
      requestID: String? = nil, sequenceID: Int? = nil, code: String?, description: String?
    ) {
      self.requestID = requestID
      self.sequenceID = sequenceID
      self.code = code
      self.description = description
    }

    /// `ForceEndTurn` came when no turn was active.
    package static let noActiveTurnCode = "FORCE_END_TURN_NO_ACTIVE_TURN"

    /// Whether a new connection may do better: not when the message we sent would be refused again.
    package var isRetryable: Bool { code != ClientMessageError.code }
  }

  /// Counts the messages of a connection, from 0, whatever their type.
  package var sequenceID: Int? {
    switch self {
    case .connected(let message): message.sequenceID
    case .turnInfo(let message): message.sequenceID
    case .configureSuccess(let message): message.sequenceID
    case .configureFailure(let message): message.sequenceID
    case .warning(let message), .error(let message): message.sequenceID
    case .unknown(_, let sequenceID, _): sequenceID
    }
  }
}

/// A server's text message that cannot be read at all.
package enum ServerMessageError: Error, Equatable, Sendable {
  case notJSON(JSONError)
  case notAnObject
}

extension ServerMessageError: CustomStringConvertible {
  package var description: String {
    switch self {
    case .notJSON(let error): "the service sent a message that is not JSON: \(error)"
    case .notAnObject: "the service sent JSON that is not an object"
    }
  }
}
