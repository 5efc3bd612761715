package import FluxGraph

extension Catalogue {
  /// The stages that make, change and take audio.
  package static let audio = Catalogue()
    .adding("file", FileSource.self)
    .adding("stdin", StandardInput.self)
    .adding("mic", PulseMicrophone.self)
    .adding("monitor", PulseMonitor.self)
    .adding("app", PulseApplication.self)
    .adding("pulse", PulseSource.self)
    .adding("decode", Decode.self, role: .decode)
    .adding("mix", Mix.self, role: .mix)
    .adding("resample", Resample.self, role: .resample)
    .adding("format", Format.self, role: .format)
    .adding("chunk", Chunk.self, role: .chunk)
    .adding("pace", Pace.self, role: .pace)
    .adding("tone", Tone.self)
    .adding("exec", Exec.self)
    .adding("http", HTTPSource.self)
    .adding("sh", Shell.self)
    .adding("through", Through.self)
    .adding("wav", Wav.self)
    .adding("gain", Gain.self)
    .adding("null", Null.self)
}
