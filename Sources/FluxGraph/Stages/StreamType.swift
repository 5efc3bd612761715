/// Whether a source produces audio at its own pace or as fast as it is asked.
public enum Liveness: String, Sendable, Hashable {
  /// A device or a network stream: audio comes when it comes and is lost when nobody takes it.
  case live
  /// A file: it has an end, and it waits for the slowest consumer.
  case finite
}

/// What flows on a link between two stages.
public enum StreamType: Sendable, Hashable {
  /// Encoded sound: a file's bytes, not yet decoded.
  case bytes(ByteStreamType)
  /// Decoded samples.
  case audio(AudioStreamType)
  /// Turn events, or notices.
  case events

  /// "audio", "bytes", "events": the word used in messages.
  public var noun: String {
    switch self {
    case .bytes: "bytes"
    case .audio: "audio"
    case .events: "events"
    }
  }
}

/// The type of a stream of encoded sound.
public struct ByteStreamType: Sendable, Hashable {
  /// The container, where it is known before reading, such as "wav"; nil when the content decides.
  public var container: String?
  /// What the bytes are when they are samples without a header.
  public var samples: AudioFormat?
  /// Whether the bytes come at their own pace.
  public var liveness: Liveness

  public init(container: String? = nil, samples: AudioFormat? = nil, liveness: Liveness) {
    self.container = container
    self.samples = samples
    self.liveness = liveness
  }
}

/// The type of a stream of samples. A nil field is known only once the input has been opened.
public struct AudioStreamType: Sendable, Hashable {
  /// How one sample is stored.
  public var sample: SampleFormat?
  /// Frames a second, in Hz.
  public var rate: Int?
  /// Samples in a frame.
  public var channels: Int?
  /// Whether the audio comes at its own pace.
  public var liveness: Liveness
  /// The length of each buffer where it is fixed, as behind `chunk`; nil where buffers have any length.
  public var chunk: Duration?
  /// Whether buffers arrive no faster than real time, because the source is live or a `pace` stage sees to it.
  public var isPaced: Bool

  /// A stream of samples; what is not known before the input was opened is nil. A live one is paced unless said otherwise.
  public init(
    sample: SampleFormat? = nil, rate: Int? = nil, channels: Int? = nil, liveness: Liveness,
    chunk: Duration? = nil, isPaced: Bool? = nil
  ) {
    self.sample = sample
    self.rate = rate
    self.channels = channels
    self.liveness = liveness
    self.chunk = chunk
    self.isPaced = isPaced ?? (liveness == .live)
  }

  public init(_ format: AudioFormat, liveness: Liveness) {
    self.init(sample: format.sample, rate: format.rate, channels: format.channels, liveness: liveness)
  }

  /// The format, where all of it is known.
  package var format: AudioFormat? {
    guard let sample, let rate, let channels else { return nil }
    return AudioFormat(sample, rate: rate, channels: channels)
  }
}

extension StreamType: CustomStringConvertible {
  public var description: String {
    switch self {
    case .bytes(let type): "bytes" + (type.container.map { " " + $0 } ?? "")
    case .audio(let type): "audio " + type.description
    case .events: "events"
    }
  }
}

extension AudioStreamType: CustomStringConvertible {
  public var description: String {
    var words: [String] = []
    if let sample { words.append(sample.rawValue) }
    if let rate { words.append(SampleRate(rate).description) }
    if let channels { words.append(channelText(channels)) }
    return words.isEmpty ? "of the input's format" : words.joined(separator: " ")
  }
}

/// What audio a stage takes. A nil field means "any".
///
/// The checker inserts the stages that turn what comes into what is taken; see `AdapterRole`.
public struct AudioRequirement: Sendable, Hashable {
  /// How one sample must be stored.
  public var sample: SampleFormat?
  /// Frames a second, in Hz.
  public var rate: Int?
  /// Samples in a frame.
  public var channels: Int?
  /// The exact length of each buffer.
  public var chunk: Duration?
  /// Whether buffers must not arrive faster than real time.
  public var paced: Bool

  public init(
    sample: SampleFormat? = nil, rate: Int? = nil, channels: Int? = nil, chunk: Duration? = nil,
    paced: Bool = false
  ) {
    self.sample = sample
    self.rate = rate
    self.channels = channels
    self.chunk = chunk
    self.paced = paced
  }

  /// Any audio at all.
  public static let any = AudioRequirement()
  /// Floating-point samples of any rate and channel count: what a transform computes in.
  public static let float = AudioRequirement(sample: .f32le)
}

/// What a decoder whose channels are mixed by a stage that nobody has written finds among its context's resources: the one who
/// wrote the graph may not know of it.
public struct UnaskedMix: Sendable {
  public init() {}
}

/// What a decoder finds among its context's resources where it is to decode by itself, or not at all: no other program is run.
public struct NativeDecodingOnly: Sendable {
  public init() {}
}

/// What a stage takes at its input.
public enum InputRequirement: Sendable, Hashable {
  /// Nothing: the stage is a source.
  case none
  /// Encoded sound: the stage is a decoder.
  case bytes
  /// Samples that meet the requirement.
  case audio(AudioRequirement)
  /// Events.
  case events
  /// Audio or events alike, as `null` does.
  case audioOrEvents(AudioRequirement)

  /// "bytes", "audio", "events": the word used in messages.
  public var noun: String {
    switch self {
    case .none: "nothing"
    case .bytes: "bytes"
    case .audio: "audio"
    case .events: "events"
    case .audioOrEvents: "audio or events"
    }
  }
}

/// The place a stage can be given by the checker when what comes does not fit what is taken.
///
/// Adapters are inserted at most once each, in the order of the cases. They are ordinary stages: printed as `(auto)`
/// by `check`, and replaced by one the user writes.
public enum AdapterRole: Int, Sendable, Hashable, CaseIterable {
  /// Bytes into samples; fewer channels; another rate; another kind of sample; pieces of one length; no faster than real time.
  case decode, mix, resample, format, chunk, pace
}

/// The adapter a stage can be: its role, and the option through which the checker says what it is to make.
public struct Adapter: Sendable, Hashable {
  /// What it does for others.
  public var role: AdapterRole
  /// The option that says what the adapter makes; nil where there is none.
  public var setting: String?

  /// Bytes into samples; the option takes the format of samples without a header, as `pcm(s16le, 16k, mono)`.
  public static func decode(setting: String? = nil) -> Adapter { Adapter(role: .decode, setting: setting) }
  /// Several channels into one; the option takes the channel, as `mono` and `left`.
  public static func mix(setting: String) -> Adapter { Adapter(role: .mix, setting: setting) }
  /// Another rate; the option takes it, as `16k`.
  public static func resample(setting: String) -> Adapter { Adapter(role: .resample, setting: setting) }
  /// Another kind of sample; the option takes it, as `s16le`.
  public static func format(setting: String) -> Adapter { Adapter(role: .format, setting: setting) }
  /// Pieces of one length; the option takes it, as `80ms`.
  public static func chunk(setting: String) -> Adapter { Adapter(role: .chunk, setting: setting) }
  /// No faster than real time; the option takes the speed, as `1x`.
  public static func pace(setting: String) -> Adapter { Adapter(role: .pace, setting: setting) }
}
