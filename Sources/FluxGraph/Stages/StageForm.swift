/// A stage as what it is: the way from any stage to the calls of its kind. Which case a type is in follows from the protocols it
/// conforms to, so nobody has to try them.
public enum StageForm {
  /// A source of encoded sound.
  case byteSource(any ByteSource)
  /// A source of samples.
  case audioSource(any AudioSource)
  /// Bytes into audio.
  case audioDecoder(any AudioDecoder)
  /// Audio into as much audio.
  case audioTransform(any AudioTransform)
  /// Audio into audio of another format, rate or length.
  case audioConverter(any AudioConverter)
  /// Several streams of audio into one.
  case audioJoiner(any AudioJoiner)
  /// The same, and a single stream into another.
  case audioMixer(any AudioConverter & AudioJoiner)
  /// Audio into audio that comes in its own time.
  case audioRelay(any AudioRelay)
  /// Audio into nothing.
  case audioSink(any AudioSink)
  /// Events into nothing.
  case eventSink(any EventSink)
  /// Audio or events into nothing.
  case sink(any AudioSink & EventSink)
  /// Audio into events.
  case recogniser(any Recogniser)
  /// Events into events.
  case eventTransform(any EventTransform)
}

extension ByteSource {
  public static var kind: StageKind { .byteSource }
  public var form: StageForm { .byteSource(self) }
}

extension AudioSource {
  public static var kind: StageKind { .audioSource }
  public var form: StageForm { .audioSource(self) }
}

extension AudioDecoder {
  public static var kind: StageKind { .audioDecoder }
  public var form: StageForm { .audioDecoder(self) }
}

extension AudioTransform {
  public static var kind: StageKind { .audioTransform }
  public var form: StageForm { .audioTransform(self) }
}

extension AudioConverter {
  public static var kind: StageKind { .audioConverter }
  public var form: StageForm { .audioConverter(self) }
}

extension AudioJoiner {
  public static var kind: StageKind { .audioJoiner }
  public var form: StageForm { .audioJoiner(self) }
}

extension AudioJoiner where Self: AudioConverter {
  public static var kind: StageKind { .audioJoiner }
  public var form: StageForm { .audioMixer(self) }
}

extension AudioRelay {
  public static var kind: StageKind { .audioRelay }
  public var form: StageForm { .audioRelay(self) }
}

extension AudioSink {
  public static var kind: StageKind { .audioSink }
  public var form: StageForm { .audioSink(self) }
}

extension EventSink {
  public static var kind: StageKind { .eventSink }
  public var form: StageForm { .eventSink(self) }
}

extension EventSink where Self: AudioSink {
  public static var kind: StageKind { .audioSink }
  public var form: StageForm { .sink(self) }
}

extension Recogniser {
  public static var kind: StageKind { .recogniser }
  public var form: StageForm { .recogniser(self) }
}

extension EventTransform {
  public static var kind: StageKind { .eventTransform }
  public var form: StageForm { .eventTransform(self) }
}

extension StageForm {
  package var byteSource: (any ByteSource)? { if case .byteSource(let stage) = self { stage } else { nil } }
  package var audioSource: (any AudioSource)? {
    if case .audioSource(let stage) = self { stage } else { nil }
  }
  package var audioDecoder: (any AudioDecoder)? {
    if case .audioDecoder(let stage) = self { stage } else { nil }
  }
  package var audioTransform: (any AudioTransform)? {
    if case .audioTransform(let stage) = self { stage } else { nil }
  }
  package var audioRelay: (any AudioRelay)? { if case .audioRelay(let stage) = self { stage } else { nil } }
  package var recogniser: (any Recogniser)? { if case .recogniser(let stage) = self { stage } else { nil } }
  package var eventTransform: (any EventTransform)? {
    if case .eventTransform(let stage) = self { stage } else { nil }
  }

  /// What takes a single stream, be it a joiner as well.
  package var audioConverter: (any AudioConverter)? {
    switch self {
    case .audioConverter(let stage): stage
    case .audioMixer(let stage): stage
    default: nil
    }
  }

  /// What takes several streams, be it a converter as well.
  package var audioJoiner: (any AudioJoiner)? {
    switch self {
    case .audioJoiner(let stage): stage
    case .audioMixer(let stage): stage
    default: nil
    }
  }

  /// What takes audio, be it a sink of events as well.
  package var audioSink: (any AudioSink)? {
    switch self {
    case .audioSink(let stage): stage
    case .sink(let stage): stage
    default: nil
    }
  }

  /// What takes events, be it a sink of audio as well.
  package var eventSink: (any EventSink)? {
    switch self {
    case .eventSink(let stage): stage
    case .sink(let stage): stage
    default: nil
    }
  }
}
