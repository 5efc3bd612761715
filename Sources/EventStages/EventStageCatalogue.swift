package import FluxGraph

extension Catalogue {
  /// The stages that filter events and take them out of the graph.
  package static let events = Catalogue()
    .adding(Where.self)
    .adding(StandardOutput.self)
    .adding(JSONLines.self)
    .adding(SubRipCaptions.self)
    .adding(WebVTTCaptions.self)
    .adding(PlainText.self)
    .adding(Webhook.self)
}
