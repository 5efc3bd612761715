internal import FluxGraph

/// What a stage takes at its input: it follows from the kind of stage it is.
func requirement(of stage: any Stage) -> InputRequirement {
  switch stage {
  case is any ByteSource, is any AudioSource: .none
  case is any AudioDecoder: .bytes
  case let stage as any AudioTransform: .audio(stage.accepts)
  case let stage as any AudioConverter: .audio(stage.accepts)
  case let stage as any AudioJoiner:
    .audio(AudioRequirement(sample: stage.accepts.sample, rate: stage.accepts.rate, channels: 1))
  case let stage as any AudioRelay: .audio(stage.accepts)
  case let stage as any Recogniser: .audio(stage.accepts)
  case is any EventTransform: .events
  case let stage as any AudioSink:
    stage is any EventSink ? .audioOrEvents(stage.accepts) : .audio(stage.accepts)
  default: .events
  }
}

/// What comes out of a stage's main output when `input` goes in, by as many streams as `inputs`; nil for sinks, and for input it
/// does not take.
func output(of stage: any Stage, role: AdapterRole?, for input: StreamType?, inputs: Int = 1) -> StreamType? {
  switch stage {
  case let stage as any ByteSource: return .bytes(stage.output)
  case let stage as any AudioSource: return .audio(stage.output)
  case let stage as any AudioDecoder:
    guard case .bytes(let bytes)? = input else { return nil }
    var audio = stage.output
    // A decoder that can give any sample format gives floating point unless asked otherwise.
    audio.sample = audio.sample ?? .f32le
    audio.liveness = bytes.liveness
    audio.isPaced = bytes.liveness == .live
    return .audio(audio)
  case is any AudioTransform:
    guard case .audio(var audio)? = input else { return nil }
    if role == .pace { audio.isPaced = true }
    return .audio(audio)
  case let stage as any AudioConverter:
    guard case .audio(let audio)? = input else { return nil }
    var converted = stage.output(for: audio)
    converted.liveness = audio.liveness
    converted.isPaced = audio.isPaced || role == .pace
    return .audio(converted)
  case let stage as any AudioJoiner:
    guard case .audio(let audio)? = input else { return nil }
    var joined = stage.output(for: audio, inputs: inputs)
    joined.liveness = audio.liveness
    joined.isPaced = audio.isPaced
    return .audio(joined)
  case let stage as any AudioRelay:
    guard case .audio(let audio)? = input else { return nil }
    var output = stage.output(for: audio)
    output.liveness = audio.liveness
    output.isPaced = audio.isPaced
    return .audio(output)
  case is any Recogniser, is any EventTransform: return .events
  default: return nil
  }
}
