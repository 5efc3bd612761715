internal import FluxGraph

/// Makes the requests of a webhook.
struct WebhookRequest: Sendable {
  var url: String
  /// The user's own.
  var headers: [HTTPHeader]
  var signer: WebhookSigner
  var timeout: Duration

  /// Makes one attempt: signed anew, with the identifier of all attempts.
  func send(_ shipment: Shipment, _ context: StageContext) async -> DeliveryQueue.Outcome {
    let body = shipment.content
    let isJSON = body.first == UInt8(ascii: "{") || body.first == UInt8(ascii: "[")
    var headers = [
      HTTPHeader("Content-Type", isJSON ? "application/json" : "text/plain; charset=utf-8"),
      HTTPHeader("User-Agent", "fluxgraph/\(FluxGraphVersion.text)"),
    ]
    // The user's own take the place of these, but never of the signature.
    headers.removeAll { header in
      self.headers.contains { $0.name.lowercased() == header.name.lowercased() }
    }
    headers += self.headers
    headers += signer.headers(id: shipment.id, body: body, at: context.clock.wallTime())
    let request = HTTPRequest(method: "POST", url: url, headers: headers, body: body, timeout: timeout)
    do throws(NetworkFailure) {
      let response = try await context.http.response(to: request)
      let header = response.headers.first { $0.name.lowercased() == "retry-after" }
      let wait = header.flatMap { retryAfter($0.value, now: context.clock.wallTime()) }
      return .answered(status: response.status, retryAfter: wait)
    } catch {
      return .failed(error.message, canRetry: error.code != .badRequest)
    }
  }
}
