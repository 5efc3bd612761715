internal import FluxGraph

/// What a stage takes at its input: it follows from the kind of stage it is.
func requirement(of stage: any Stage) -> InputRequirement {
  switch stage.form {
  case .byteSource, .audioSource: .none
  case .audioDecoder: .bytes
  case .audioTransform(let stage): .audio(stage.accepts)
  case .audioConverter(let stage): .audio(stage.accepts)
  case .audioMixer(let stage): .audio((stage as any AudioConverter).accepts)
  case .audioJoiner(let stage):
    .audio(AudioRequirement(sample: stage.accepts.sample, rate: stage.accepts.rate, channels: 1))
  case .audioRelay(let stage): .audio(stage.accepts)
  case .recogniser(let stage): .audio(stage.accepts)
  case .audioSink(let stage): .audio(stage.accepts)
  case .sink(let stage): .audioOrEvents(stage.accepts)
  case .eventTransform, .eventSink: .events
  }
}

/// What comes out of a stage's main output when `input` goes in, by as many streams as `inputs`; nil for sinks, and for input it
/// does not take.
func output(of stage: any Stage, role: AdapterRole?, for input: StreamType?, inputs: Int = 1) -> StreamType? {
  switch stage.form {
  case .byteSource(let stage): return .bytes(stage.output)
  case .audioSource(let stage): return .audio(stage.output)
  case .audioDecoder(let stage):
    guard case .bytes(let bytes)? = input else { return nil }
    var audio = stage.output
    // A decoder that can give any sample format gives floating point unless asked otherwise.
    audio.sample = audio.sample ?? .f32le
    audio.liveness = bytes.liveness
    audio.isPaced = bytes.liveness == .live
    return .audio(audio)
  case .audioTransform:
    guard case .audio(var audio)? = input else { return nil }
    if role == .pace { audio.isPaced = true }
    return .audio(audio)
  case .audioConverter(let stage): return converted(input, by: stage, role)
  case .audioMixer(let stage): return converted(input, by: stage, role)
  case .audioJoiner(let stage):
    guard case .audio(let audio)? = input else { return nil }
    var joined = stage.output(for: audio, inputs: inputs)
    joined.liveness = audio.liveness
    joined.isPaced = audio.isPaced
    return .audio(joined)
  case .audioRelay(let stage):
    guard case .audio(let audio)? = input else { return nil }
    var output = stage.output(for: audio)
    output.liveness = audio.liveness
    output.isPaced = audio.isPaced
    return .audio(output)
  case .recogniser, .eventTransform: return .events
  case .audioSink, .eventSink, .sink: return nil
  }
}

private func converted(
  _ input: StreamType?, by stage: any AudioConverter, _ role: AdapterRole?
) -> StreamType? {
  guard case .audio(let audio)? = input else { return nil }
  var converted = stage.output(for: audio)
  converted.liveness = audio.liveness
  converted.isPaced = audio.isPaced || role == .pace
  return .audio(converted)
}
