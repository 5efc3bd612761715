internal import AudioStages
internal import EventStages
internal import FluxClient
public import FluxGraph

extension Catalogue {
  /// All stages that come with the program.
  public static let standard = Catalogue().adding(.audio).adding(.events).adding("flux", Flux.self)
}
