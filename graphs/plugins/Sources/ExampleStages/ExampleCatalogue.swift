public import FluxGraph

extension Catalogue {
  /// The stages of this package.
  public static let examples = Catalogue()
    .adding(VoiceGate.self)
    .adding(Redact.self)
    .adding(CSVFile.self)
    .adding(Vosk.self)
}
