internal import FluxGraph

/// Makes the requests of a webhook.
struct WebhookRequest: Sendable {
  /// Receivers say little; what is longer is left unread.
  private static let bodyLimit = 64 << 10

  var url: String
  /// The user's own.
  var headers: HTTPHeaders
  var signer: WebhookSigner
  var timeout: Duration
  /// A PEM file of authorities to trust instead of the system's.
  var certificateAuthorities: String?

  /// Makes one attempt: signed anew, with the identifier of all attempts.
  func send(_ shipment: Shipment, _ context: StageContext) async -> DeliveryQueue.Outcome {
    let body = shipment.content
    let isJSON = body.first == UInt8(ascii: "{") || body.first == UInt8(ascii: "[")
    var headers: HTTPHeaders = [
      HTTPHeader("Content-Type", isJSON ? "application/json" : "text/plain; charset=utf-8"),
      HTTPHeader("User-Agent", "fluxgraph/\(FluxGraphVersion.text)"),
    ]
    // The user's own take the place of these, but never of the signature.
    headers.removeAll { self.headers[$0.name] != nil }
    headers += self.headers
    headers += signer.headers(id: shipment.id, body: body, at: context.clock.wallTime())
    var request = HTTPRequest(
      method: "POST", url: url, headers: headers, body: body, timeout: timeout,
      maximumBodySize: Self.bodyLimit, certificateAuthorities: certificateAuthorities)
    request.isHeadEnough = true
    do throws(NetworkFailure) {
      let response = try await context.http.response(to: request)
      let wait = response.headers["Retry-After"].flatMap { retryAfter($0, now: context.clock.wallTime()) }
      return .answered(status: response.status, retryAfter: wait, remark: remark(response, context))
    } catch {
      return .failed(error.message, canRetry: error.code != .badRequest)
    }
  }

  /// Where a redirect leads; that a proxy may be who answered.
  private func remark(_ response: HTTPResponse, _ context: StageContext) -> String? {
    switch response.status {
    case 200..<300: nil
    case 301, 302, 303, 307, 308:
      WebURL(url).map { url in
        "it " + url.redirectText(to: response.headers["Location"])
          + ", which is not followed; correct the address in the graph"
      }
    default: context.http.intermediary(for: url).map { "the answer came through the \($0)" }
    }
  }
}
