package import FluxGraph

internal import func Platform.waiting

/// The stage `sse`: shows events to whoever connects, as server-sent events (WHATWG HTML §9.2) and as a page of live captions.
package struct ServerSentEvents: EventSink {
  package static let description = StageDescription<ServerSentEvents>(
    "sse",
    "Shows events in web browsers, as a page of live captions, and to programs, as server-sent events.",
    details: """
      The page is at `/`: what is being said, by speaker, with the text that may still change dimmed. Programs read `/events`: \
      each event with its number, its kind, and its JSON in version 1 of the event format. Whoever connects gets what was said \
      before, as far as it is kept: the last 1000 events whole, and 1000 finished turns before them; with `Last-Event-ID`, \
      what came after that event. A client that does not keep up misses events, and holds up nobody. Port 0 takes one that is \
      free; the address is told as a notice. Pages of other sites may not read the events.
      """,
    examples: [
      "file talk.opus | flux as=me | sse 127.0.0.1:8090",
      "mic | flux as=me | sse 0.0.0.0:8090 public",
    ]
  ) {
    Option(
      "address", \ServerSentEvents.address, "Where to listen; an IPv6 address stands in quotes.",
      positional: true, required: true)
    Option("public", \ServerSentEvents.isPublic, "Let other computers read along, without a password.")
    Rule(
      "public-address", reads: ["address", "public"],
      """
      The address can be reached from other computers, and whoever connects reads everything that is said. That has to be \
      wanted: `public` says so. An address that begins with 127 is reached from this computer only.
      """,
      example: "mic | flux as=me | sse 0.0.0.0:8091",
      fix: "mic | flux as=me | sse 0.0.0.0:8091 public"
    ) { page in
      guard !page.address.isLoopback, !page.isPublic else { return nil }
      return OptionConflict(
        "other computers can reach \(page.address.host), and read everything that is said",
        options: ["address"],
        help: "add `public` if they may, or listen on `127.0.0.1:\(page.address.port)`")
    }
  }

  package var address = ServerAddress(host: "127.0.0.1", port: 0)!
  package var isPublic = false
  private var broadcast: EventBroadcast?

  package init() {}

  package func needs(_ context: StageContext) -> [Need]? { [.listening(address)] }

  package mutating func open(_ context: StageContext) async throws {
    let broadcast = EventBroadcast(context, EventRequestPolicy(isPublic: isPublic))
    let listener: any HTTPListener
    do throws(NetworkFailure) {
      listener = try await waiting(while: { $0.code == .addressInUse }) { () throws(NetworkFailure) in
        try context.httpServer.listen(on: address) { [weak broadcast] request, reply in
          // What comes after the end finds nobody.
          if let broadcast { broadcast.answer(request, reply) } else { reply.abort() }
        }
      }
    } catch {
      guard error.code == .addressInUse else { throw StageError(.unavailable, error.message) }
      throw StageError(
        .unavailable, "\(address) is in use, by another program or another `sse`",
        help:
          "Choose another port, or 0 for any that is free. One `sse` can show several streams: `a, b | sse …`."
      )
    }
    context.loop.execute { broadcast.start(listener) }
    self.broadcast = broadcast
    context.notice(Notice("listening", "live captions at \(address.url(port: listener.port))"))
  }

  package mutating func write(_ event: Event) async throws {
    broadcast?.publish(event)
  }

  package mutating func finish() async throws {
    await broadcast?.finish()
  }
}
