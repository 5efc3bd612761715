internal import FluxGraph
internal import NetLoop
internal import Platform

/// Answers `/metrics`, `/healthz` and `/readyz` over HTTP.
final class MetricsServer: Sendable {
  private let listener: any HTTPListener

  /// Begins to listen. An address that a run is about to let go of is waited for.
  /// - Parameters:
  ///   - isPublic: whether other computers may ask.
  ///   - isReady: whether the graph runs and its sessions are connected; asked on the loop.
  /// - Throws: `StageError` when the address cannot be had.
  init(
    _ address: ServerAddress, isPublic: Bool, _ network: GraphNetwork, _ observation: Observation,
    isReady: @escaping @Sendable () -> Bool
  ) async throws(StageError) {
    let access = RequestAccess(isPublic: isPublic, option: "--public")
    do throws(NetworkFailure) {
      listener = try await waiting(while: { $0.code == .addressInUse }) { () throws(NetworkFailure) in
        try network.listen(on: address) { request, reply in
          if let refusal = access.refusal(request.headers.values) {
            return reply.send(Self.plain(refusal.status, refusal.reason))
          }
          reply.send(Self.answer(request, observation, isReady))
        }
      }
    } catch {
      throw StageError(.unavailable, "no metrics can be offered at \(address): \(error)")
    }
  }

  /// The port, also when 0 was asked for.
  var port: UInt16 { listener.port }

  func close() { listener.close() }

  private static func answer(
    _ request: HTTPServerRequest, _ observation: Observation, _ isReady: () -> Bool
  ) -> HTTPResponse {
    guard request.method == "GET" || request.method == "HEAD" else {
      return plain(405, "only GET and HEAD are answered", [HTTPHeader("Allow", "GET, HEAD")])
    }
    switch request.path {
    case "/metrics":
      return HTTPResponse(
        status: 200,
        headers: [HTTPHeader("Content-Type", "text/plain; version=0.0.4; charset=utf-8")],
        body: Array(observation.prometheus.utf8))
    case "/healthz": return plain(200, "ok")
    case "/readyz": return isReady() ? plain(200, "ready") : plain(503, "not ready")
    default: return plain(404, "there are /metrics, /healthz and /readyz")
    }
  }

  private static func plain(
    _ status: Int, _ text: String, _ headers: HTTPHeaders = []
  ) -> HTTPResponse {
    HTTPResponse(
      status: status,
      headers: headers + [
        HTTPHeader("Content-Type", "text/plain; charset=utf-8"),
        HTTPHeader("X-Content-Type-Options", "nosniff"),
      ],
      body: Array((text + "\n").utf8))
  }
}
