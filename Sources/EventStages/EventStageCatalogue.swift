package import FluxGraph

extension Catalogue {
  /// The stages that filter events and take them out of the graph.
  package static let events = Catalogue()
    .adding("where", Where.self)
    .adding("merge", Merge.self)
    .adding("queue", Queue.self)
    .adding("set", SetFields.self)
    .adding("only", Only.self)
    .adding("stdout", StandardOutput.self)
    .adding("jsonl", JSONLines.self)
    .adding("srt", CaptionSink<SubRip>.self)
    .adding("vtt", CaptionSink<WebVTT>.self)
    .adding("txt", CaptionSink<PlainText>.self)
    .adding("webhook", Webhook.self)
    .adding("command", Command.self)
    .adding("sse", ServerSentEvents.self)
}
