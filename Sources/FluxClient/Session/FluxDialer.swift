internal import FluxGraph
internal import FluxProtocol

/// How the service is called: where it is, how the program shows who it is, what goes along.
struct FluxDialer: Sendable {
  /// The address without the session's own parameters.
  var base: String
  var dialect = FluxDialect.deepgram
  var headers: HTTPHeaders = []
  var subprotocols: [String] = []
  var certificateAuthorities: String?
  var connectTimeout = FluxGuards.connect
  /// nil: no pings are sent.
  var pingInterval: Duration? = FluxGuards.pingInterval

  /// More than any message of Flux: a turn of an hour has less.
  private static let maximumMessageSize = 4 << 20

  /// The request that opens a connection with these settings.
  func request(_ parameters: ListenParameters) -> WebSocketRequest {
    WebSocketRequest(
      url: FluxEndpoint.extended(base, query: parameters.query(for: dialect)), headers: headers,
      subprotocols: subprotocols, timeout: connectTimeout, certificateAuthorities: certificateAuthorities,
      maximumMessageSize: Self.maximumMessageSize, pingInterval: pingInterval)
  }

  /// Adds what shows who the program is.
  /// - Parameters:
  ///   - key: an API key, or the token Cloudflare gave.
  ///   - token: a short-lived token of `/v1/auth/grant`.
  mutating func authorize(key: Secret?, token: Secret?, asSubprotocol: Bool) {
    switch (dialect, key, token) {
    case (.cloudflare, let key?, _):
      if asSubprotocol {
        subprotocols = ["cf-aig-authorization.\(key.reveal())"]
      } else {
        headers.append(HTTPHeader("cf-aig-authorization", key.reveal()))
      }
    case (_, let key?, _): add("Token", key, asSubprotocol)
    case (_, nil, let token?): add("Bearer", token, asSubprotocol)
    case (_, nil, nil): break
    }
  }

  private mutating func add(_ scheme: String, _ secret: Secret, _ asSubprotocol: Bool) {
    if asSubprotocol {
      subprotocols = [scheme.lowercased(), secret.reveal()]
    } else {
      headers.append(HTTPHeader("Authorization", "\(scheme) \(secret.reveal())"))
    }
  }
}
