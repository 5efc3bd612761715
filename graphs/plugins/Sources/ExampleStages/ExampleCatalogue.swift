public import FluxGraph

extension Catalogue {
  /// The stages of this package.
  public static let examples = Catalogue()
    .adding(Dial.self)
    .adding(RTP.self)
    .adding(SocketSource.self)
    .adding(SunAudio.self)
    .adding(VoiceGate.self)
    .adding(Decimate.self)
    .adding(SideBySide.self)
    .adding(SocketRelay.self)
    .adding(Levels.self)
    .adding(Vosk.self)
    .adding(Redact.self)
    .adding(CSVFile.self)
}
