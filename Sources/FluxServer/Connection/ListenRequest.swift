package import FluxGraph
package import FluxProtocol
package import HTTPCore

/// The decision about an HTTP request to the server: the upgrade of `/v2/listen`, or a refusal as the service words it.
///
/// Parameters are checked before credentials, as the service does it.
package enum ListenRequest: Sendable, Equatable {
  /// Send `response`; what follows is WebSocket.
  case accept(parameters: ListenParameters, response: [UInt8])
  /// Send `response` and close.
  case refuse(status: Int, message: String, response: [UInt8])

  /// - Parameters:
  ///   - access: who may ask at all.
  ///   - key: the key clients have to show; without one every client is let in.
  ///   - hasRoom: whether another stream may begin; without room the answer is 429.
  ///   - requestID: a UUID, for the answer's `dg-request-id`.
  package init(
    _ request: HTTPRequestHead, access: RequestAccess = RequestAccess(isPublic: false, option: "--public"),
    key: String?,
    hasRoom: Bool = true, requestID: String
  ) {
    if let refusal = access.refusal(request.headers.values) {
      let body = FluxErrorBody.make(code: "FORBIDDEN", message: refusal.reason, requestID: requestID)
      self = .refusal(refusal.status, refusal.reason, body, requestID)
      return
    }
    guard request.path == "/v2/listen" else {
      let message = "There is nothing at \(request.path); Flux is at /v2/listen."
      let body = FluxErrorBody.make(code: "NOT_FOUND", message: message, requestID: requestID)
      self = .refusal(404, message, body, requestID)
      return
    }
    switch WebSocketServerHandshake(request) {
    case .refuse(let status, let headers, let reason):
      let body = FluxErrorBody.make(code: "BAD_REQUEST", message: reason, requestID: requestID)
      self = .refusal(status, reason, body, requestID, headers)
    case .upgrade(let webSocketKey, let subprotocols):
      let parameters: ListenParameters
      do throws(QueryRefusal) {
        parameters = try ListenParameters(query: request.query)
      } catch {
        self = .refusal(error.status, error.message, error.body(requestID: requestID), requestID)
        return
      }
      guard Self.isAuthorised(request, subprotocols, key) else {
        let message = "Invalid credentials."
        let body = FluxErrorBody.make(code: "INVALID_AUTH", message: message, requestID: requestID)
        self = .refusal(401, message, body, requestID)
        return
      }
      guard hasRoom else {
        let message = "Too many requests. Please try again later"
        let body = FluxErrorBody.make(code: "TOO_MANY_REQUESTS", message: message, requestID: requestID)
        self = .refusal(429, message, body, requestID)
        return
      }
      var headers = HTTPHeaders()
      headers.add("dg-request-id", requestID)
      let usesSubprotocol = subprotocols.first?.lowercased() == "token"
      self = .accept(
        parameters: parameters,
        response: WebSocketServerHandshake.acceptance(
          key: webSocketKey, subprotocol: usesSubprotocol ? subprotocols.first : nil, headers: headers))
    }
  }

  /// The refusal of bytes that are no HTTP request.
  package static func malformed(_ error: HTTPError, requestID: String) -> ListenRequest {
    let body = FluxErrorBody.make(code: "BAD_REQUEST", message: error.description, requestID: requestID)
    return refusal(400, error.description, body, requestID)
  }

  /// A refusal nobody deserved, as the service or what stands before it words one.
  static func fault(status: Int, retryAfter: Int?, requestID: String) -> ListenRequest {
    var headers = HTTPHeaders()
    if let retryAfter { headers.add("Retry-After", String(retryAfter)) }
    // What stands before the service answers in HTML, and knows nothing of requests.
    guard status < 502 else {
      let text = "\(status) \(HTTPResponse.reason(status))"
      let response = HTTPResponse.bytes(
        status: status, headers: headers, body: Array("<html><body><h1>\(text)</h1></body></html>\n".utf8),
        contentType: "text/html", closes: true)
      return .refuse(status: status, message: "fault: \(text)", response: response)
    }
    let (code, message) = faultMessages[status] ?? ("ERROR", HTTPResponse.reason(status))
    let body = FluxErrorBody.make(code: code, message: message, requestID: requestID)
    return refusal(status, message, body, requestID, headers)
  }

  private static let faultMessages = [
    400: ("INVALID_QUERY_PARAMETER", "Failed to deserialize query parameters."),
    401: ("INVALID_AUTH", "Invalid credentials."),
    402: (
      "ASR_PAYMENT_REQUIRED",
      "Project does not have enough credits for an ASR request and does not have an overage agreement."
    ),
    403: ("INSUFFICIENT_PERMISSIONS", "Project does not have access to the requested model."),
    429: ("TOO_MANY_REQUESTS", "Too many requests. Please try again later"),
    500: ("INTERNAL_SERVER_ERROR", "An internal error occurred."),
  ]

  private static func refusal(
    _ status: Int, _ message: String, _ body: String, _ requestID: String,
    _ extra: HTTPHeaders = HTTPHeaders()
  ) -> ListenRequest {
    var headers = extra
    headers.add("dg-error", message)
    headers.add("dg-request-id", requestID)
    return .refuse(
      status: status, message: message,
      response: HTTPResponse.json(status: status, headers: headers, body: body, closes: true))
  }

  /// An API key comes as `Authorization: Token <key>` or as the subprotocols `token, <key>`; as `Bearer` it is wrong.
  private static func isAuthorised(_ request: HTTPRequestHead, _ subprotocols: [String], _ key: String?)
    -> Bool
  {
    guard let key else { return true }
    if subprotocols.count >= 2, subprotocols[0].lowercased() == "token" {
      return isSame(subprotocols[1], key)
    }
    guard let header = request.headers["Authorization"], let blank = header.firstIndex(of: " ") else {
      return false
    }
    return header[..<blank].lowercased() == "token" && isSame(String(header[blank...].dropFirst()), key)
  }

  /// Takes as long for a wrong key as for the right one.
  private static func isSame(_ given: String, _ key: String) -> Bool {
    let given = Array(given.utf8)
    let key = Array(key.utf8)
    guard given.count == key.count else { return false }
    return zip(given, key).reduce(0) { $0 | ($1.0 ^ $1.1) } == 0
  }
}
