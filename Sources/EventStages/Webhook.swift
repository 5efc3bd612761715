package import FluxGraph

/// The stage `webhook`: posts every event to a URL.
package struct Webhook: EventSink {
  package static let description = StageDescription<Webhook>(
    "webhook", "Posts every event to a URL, as a JSON object.",
    details: """
      Events are sent one after the other, in order. An event the receiver does not take, with a status from 200 to 299 and in \
      time, is lost, and a notice says so. Redirects are not followed.
      """,
    ports: [PortSpecification("notices", "What could not be delivered.")],
    examples: [
      "file talk.opus | flux | where event == EndOfTurn | webhook https://example.com/turns",
      "file talk.opus | flux | webhook https://example.com/turns timeout=5s",
    ]
  ) {
    Option("url", \Webhook.url, "Where to post to.", positional: true, required: true)
    Option(
      "timeout", \Webhook.timeout, "The time the receiver has for an event.",
      in: .milliseconds(100)...(.seconds(300)))
  }

  package var url = Address()
  package var timeout = Duration.seconds(20)
  private var context: StageContext?

  package init() {}

  package mutating func open(_ context: StageContext) async throws {
    self.context = context
  }

  package mutating func write(_ event: Event) async throws {
    guard let context else { return }
    var body: [UInt8] = []
    event.json.write(to: &body)
    let request = HTTPRequest(
      method: "POST", url: url.text,
      headers: [
        HTTPHeader("Content-Type", "application/json"),
        HTTPHeader("User-Agent", "fluxgraph/\(FluxGraphVersion.text)"),
      ],
      body: body, timeout: timeout)
    do throws(NetworkFailure) {
      let response = try await context.http.response(to: request)
      guard !(200...299).contains(response.status) else { return }
      lose(event, "it answered with status \(response.status)", context)
    } catch {
      lose(event, error.message, context)
    }
  }

  private func lose(_ event: Event, _ reason: String, _ context: StageContext) {
    context.notice(
      Notice(
        "undelivered", "\(WebURL(url.text)?.redacted ?? "the webhook") did not take an event: \(reason)",
        severity: .warning, details: [("event", event.json)]))
  }

  /// An `http://` or `https://` URL.
  package struct Address: OptionValue, Hashable {
    package var text = ""

    package static var optionType: OptionType { .url }

    package static func parse(_ value: GraphValue) throws(OptionError) -> Address {
      let url = try WebURL.parse(value)
      guard url.text.lowercased().hasPrefix("http") else {
        throw OptionError(.wrongType, "wants an http:// or https:// URL")
      }
      return Address(text: url.text)
    }

    package var graphText: String? { text.isEmpty ? nil : text }
  }
}
