internal import FluxGraph
internal import FluxProtocol

/// Settings that belong together, after "Common Configurations" of Deepgram's guide "End-of-Turn Detection Parameters". What a
/// graph sets itself wins.
package enum FluxPreset: String, OptionEnumeration {
  /// Basic conversational agents, demos.
  case simple
  /// Fast-paced questions and answers: responsiveness over accuracy.
  case lowLatency = "low-latency"
  /// Medical and legal transcription, formal settings.
  case highReliability = "high-reliability"
  /// Retrieval, tools, reasoning in several steps.
  case complexPipeline = "complex-pipeline"
  /// Several languages, which the model tells apart by itself unless `language_hint` names them.
  case multilingual

  /// The settings. Nothing that the preset leaves to the service is set.
  var parameters: ListenParameters {
    var parameters = ListenParameters(model: "flux-general-en")
    switch self {
    case .simple: parameters.endOfTurnThreshold = 0.7
    case .lowLatency:
      parameters.eagerEndOfTurnThreshold = 0.4
      parameters.endOfTurnThreshold = 0.7
      parameters.endOfTurnTimeout = 6000
    case .highReliability:
      parameters.endOfTurnThreshold = 0.85
      parameters.endOfTurnTimeout = 8000
    case .complexPipeline:
      parameters.eagerEndOfTurnThreshold = 0.4
      parameters.endOfTurnThreshold = 0.85
      parameters.endOfTurnTimeout = 7000
    case .multilingual:
      parameters.model = "flux-general-multi"
      parameters.endOfTurnThreshold = 0.7
    }
    return parameters
  }
}
