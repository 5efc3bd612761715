package import FluxGraph

/// The stage `webhook`: posts every event to a URL.
package struct Webhook: SpoolingSink {
  package static let description = StageDescription<Webhook>(
    "webhook", "Posts every event to a URL, as a JSON object.",
    details: """
      Requests carry the headers of Standard Webhooks: an identifier that is the same for each attempt, and, with `secret`, \
      signatures made anew for each. An event is delivered when it is answered with a status from 200 to 299; redirects are \
      not followed. Otherwise it is tried again, after a while as `retry` says or as the receiver asks with Retry-After; 410 \
      ends all deliveries. Events of one stream arrive in order, as long as the first has not failed for longer than `order`. \
      With `batch` the body is a list of events of one stream, with one identifier for all of them; what was sent \
      together once stays together, unless the receiver answers 413: then each half goes by itself. A single event that is \
      answered with 413 is given up at once. \
      With `spool` events that are not delivered outlive the program, and are delivered, possibly twice, when the graph runs \
      again; without one up to 10000 wait in memory, and 16 MB of them. What is given up leaves by the port `dead`, with the reason; with \
      `spool` it is also in the file `NAME.dead.jsonl` there. The end of the graph does not wait for another try, nor longer \
      than 10 s for an answer, nor longer than a minute in all. What is not delivered by then stays in the spool; without one \
      it leaves by the port `dead`, or is lost where nobody listens there, and the exit code is 69. So are events that find spool and dead letters full, or their disk; how many were \
      accepted, delivered, are waiting, dead or lost is the last thing the sink says. Fields in `body` are written as they stand inside a JSON text.
      """,
    ports: [
      PortSpecification("dead", "What was given up, each with its reason, status and number of attempts."),
      PortSpecification("notices", "Trouble with the receiver or the spool."),
    ],
    examples: [
      "file talk.opus | flux | where event == EndOfTurn | webhook https://example.com/turns",
      "file talk.opus | flux | webhook https://example.com/turns spool=./spool retry=[5s, 5m] order=1m",
      "file talk.opus | flux | webhook https://example.com/turns batch=[50, 1s] concurrency=8",
      #"file talk.opus | flux | webhook https://example.com/chat body="\{\"text\": \"{transcript}\"}" headers=["X-Room: 7"]"#,
    ]
  ) {
    Option("url", \Webhook.url, "Where to post to.", positional: true, required: true)
    Option(
      "secret", \Webhook.secret,
      "What requests are signed with, `env(NAME)`: `whsec_…`, or a list of those while secrets are changed.")
    Option(
      "headers", \Webhook.headers,
      "Headers to send, as `\"Name: value\"` or, kept out of the graph, as `env(NAME)` holding such a line.")
    Rule(
      "body-with-batch", reads: ["body", "batch"],
      "`body` is made for one event, and `batch` sends a list of events in one request: a request is one of the two.",
      example:
        "file talk.opus | flux | webhook https://example.com/turns body=\"{transcript}\" batch=[50, 1s]",
      fix: "file talk.opus | flux | webhook https://example.com/turns batch=[50, 1s]"
    ) { webhook in
      guard webhook.batch != nil, webhook.body != nil else { return nil }
      return OptionConflict(
        "`body` stands for one event, and `batch` sends a list of them", options: ["body", "batch"],
        help: "leave one of them out", fix: .remove("body"))
    }
    Rule(
      "reserved-header", reads: ["headers"],
      "The webhook sends some headers itself: those of Standard Webhooks, and those that say where a request goes and how long it is.",
      example: "file talk.opus | flux | webhook https://example.com/turns headers=[\"Host: example.org\"]",
      fix: "file talk.opus | flux | webhook https://example.com/turns headers=[\"X-Host: example.org\"]"
    ) { webhook in
      let own = ["host", "content-length", "transfer-encoding"]
      let reserved = webhook.headers.map(\.name).first {
        own.contains($0.lowercased()) || $0.lowercased().hasPrefix("webhook-")
      }
      guard let reserved else { return nil }
      return OptionConflict(
        "the header `\(reserved)` is the webhook's own", options: ["headers"], help: "leave it out")
    }
    Rule.unencryptedKey(
      reads: ["url", "headers"],
      example:
        "file talk.opus | flux | webhook http://hooks.example.com/turns headers=[\"X-Api-Key: room-7\"]",
      fix: "file talk.opus | flux | webhook https://hooks.example.com/turns headers=[\"X-Api-Key: room-7\"]",
      address: { WebURL($0.url.text) },
      keys: { $0.headers.contains(where: \.isCredential) ? ["headers"] : [] })
    Option(
      "ca", \Webhook.certificateAuthorities,
      "A PEM file of certificate authorities to trust instead of the system's.")
    Option("body", \Webhook.body, "What to send instead of the event.")
    Option(
      "batch", \Webhook.batch,
      "How many events of a stream are sent at once, how long the first waits for others (1s), and the most bytes (256 KiB): `[50, 1s, 256kB]`."
    )
    Option(
      "timeout", \Webhook.timeout, "The time the receiver has for a request.",
      in: .milliseconds(100)...(.seconds(300)))
    Option("retry", \Webhook.retry, "The waits before further attempts: `standard`, `none` or a list.")
    Option(
      "order", \Webhook.order, "How long an event that fails holds up those of its stream behind it.",
      in: .zero...(.seconds(86_400)))
    Option("concurrency", \Webhook.concurrency, "Requests at a time, for different streams.", in: 1...64)
    Option("spool", \Webhook.spool, "A directory that keeps what is not delivered.")
    spoolLimitOption
    Option("fsync", \Webhook.fsync, "When the spool is made to survive a power failure.")
  }

  package var url = Address()
  package var secret = SigningSecrets()
  package var headers: [HeaderLine] = []
  package var certificateAuthorities: Path?
  package var body: Template?
  package var batch: Batch?
  package var timeout = Duration.seconds(20)
  package var retry = RetrySchedule.standard
  package var order = Duration.seconds(300)
  package var concurrency = 4
  package var spool: Path?
  package var spoolLimit = ByteCount(100_000_000)
  package var fsync = FileSync.interval
  private var context: StageContext?
  private var courier: Courier?

  package init() {}

  package func needs(_ context: StageContext) -> [Need]? {
    (certificateAuthorities.map { [.readableFile(context.resolve($0))] } ?? [])
      + spoolNeeds(context)
  }

  package mutating func open(_ context: StageContext) async throws {
    self.context = context
    let request = WebhookRequest(
      url: url.text, headers: HTTPHeaders(headers.map(\.header)), signer: try WebhookSigner(secret),
      timeout: timeout, certificateAuthorities: certificateAuthorities.map(context.resolve))
    let settings = Courier.Settings(
      receiver: WebURL(url.text)?.redacted ?? "the webhook",
      policy: DeliveryQueue.Policy(
        retries: retry.waits, order: order, concurrency: concurrency, batch: batch),
      sync: fsync, patience: .seconds(10), endLimit: .seconds(60))
    let opened = try await Courier.spool(spool, limit: spoolLimit, context)
    let courier = Courier(settings, spool: opened, context) { shipment in
      await request.send(shipment, context)
    }
    self.courier = courier
    try await courier.resume()
  }

  package mutating func write(_ event: Event) async throws {
    guard let courier, let context else { return }
    let text = body?.rendered { event.value(of: $0).map(Self.escaped) }
    await courier.accept(Delivery(event, body: text, context))
  }

  package mutating func finish() async throws { try await courier?.finish() }

  /// A text as it stands between the quotes of a JSON string; numbers and flags as they are.
  private static func escaped(_ value: FieldValue) -> FieldValue {
    switch value {
    case .number, .boolean: value
    case .text, .list: .text(String(JSONValue.string(value.description).serialized.dropFirst().dropLast()))
    }
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
