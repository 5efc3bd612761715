package import FluxGraph

extension Catalogue {
  /// The stages that make, change and take audio.
  package static let audio = Catalogue()
    .adding(FileSource.self)
    .adding(StandardInput.self)
    .adding(PulseMicrophone.self)
    .adding(PulseMonitor.self)
    .adding(PulseApplication.self)
    .adding(PulseSource.self)
    .adding(Decode.self)
    .adding(Mix.self)
    .adding(Resample.self)
    .adding(Format.self)
    .adding(Chunk.self)
    .adding(Pace.self)
    .adding(Tone.self)
    .adding(Exec.self)
    .adding(HTTPSource.self)
    .adding(Shell.self)
    .adding(Through.self)
    .adding(Wav.self)
    .adding(Gain.self)
    .adding(Null.self)
}
