package import FluxGraph

extension Catalogue {
  /// The stages that filter events and take them out of the graph.
  package static let events = Catalogue()
    .adding(Where.self)
    .adding(Merge.self)
    .adding(Queue.self)
    .adding(SetFields.self)
    .adding(Only.self)
    .adding(StandardOutput.self)
    .adding(JSONLines.self)
    .adding(CaptionSink<SubRip>.self)
    .adding(CaptionSink<WebVTT>.self)
    .adding(CaptionSink<PlainText>.self)
    .adding(Webhook.self)
    .adding(Command.self)
    .adding(ServerSentEvents.self)
}
