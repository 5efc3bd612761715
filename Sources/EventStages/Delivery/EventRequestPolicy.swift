internal import FluxGraph

/// What the stage `sse` answers to a request. A value: it decides and sends nothing.
struct EventRequestPolicy: Sendable {
  enum Answer: Sendable, Equatable {
    case page
    /// The events behind the one of this identifier; all there are without one.
    case events(after: String?)
    case refused(status: Int, message: String, headers: HTTPHeaders = [])
  }

  private let access: RequestAccess

  /// - Parameter isPublic: whether other computers may connect.
  init(isPublic: Bool) {
    access = RequestAccess(isPublic: isPublic, option: "public")
  }

  func answer(to request: HTTPServerRequest) -> Answer {
    guard request.headers.values("Host").count == 1 else {
      return .refused(status: 400, message: "A request needs one Host header.")
    }
    let refusal = access.refusal(request.headers.values)
    // The page itself has nothing to hide; it may be linked to from anywhere.
    if let refusal, refusal.status != 403 || request.path != "/" {
      return .refused(status: refusal.status, message: refusal.reason)
    }
    guard request.path == "/" || request.path == "/events" else {
      return .refused(status: 404, message: "There are / and /events.")
    }
    guard request.method == "GET" || request.method == "HEAD" else {
      return .refused(
        status: 405, message: "There is nothing to do here but read.",
        headers: [HTTPHeader("Allow", "GET, HEAD")])
    }
    if request.path == "/" { return .page }
    return .events(after: request.headers.values("Last-Event-ID").first)
  }
}
