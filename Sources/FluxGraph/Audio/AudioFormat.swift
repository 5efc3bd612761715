/// How one sample of audio is stored. Multi-byte formats are little-endian, as on every machine this runs on.
public enum SampleFormat: String, OptionEnumeration, Sendable, Hashable {
  /// 16-bit signed integer PCM; what Flux calls `linear16`.
  case s16le
  /// 32-bit float PCM, full scale ±1; what transforms compute in.
  case f32le
  /// G.711 µ-law, one byte a sample.
  case mulaw
  /// G.711 A-law, one byte a sample.
  case alaw
  /// 8-bit unsigned integer PCM; 128 is silence.
  case u8
  /// 24-bit signed integer PCM in three bytes.
  case s24le
  /// 32-bit signed integer PCM.
  case s32le

  /// Bytes one sample takes.
  public var byteCount: Int {
    switch self {
    case .s16le: 2
    case .f32le, .s32le: 4
    case .s24le: 3
    case .mulaw, .alaw, .u8: 1
    }
  }

  /// The byte that silence consists of.
  public var silence: UInt8 {
    switch self {
    case .s16le, .f32le, .s24le, .s32le: 0
    case .mulaw: 0xFF
    case .alaw: 0xD5
    case .u8: 0x80
    }
  }
}

/// The complete description of audio in a buffer: how samples are stored, how many a second, how many side by side.
public struct AudioFormat: Sendable, Hashable, CustomStringConvertible {
  /// The range of sample rates any stage may be asked to handle, in Hz.
  public static let supportedRates = 1_000...768_000
  /// More channels than any device or file this program is meant for has.
  public static let maximumChannels = 32

  /// How one sample is stored.
  public var sample: SampleFormat
  /// Frames a second, in Hz.
  public var rate: Int
  /// Samples in a frame; they are stored interleaved.
  public var channels: Int

  public init(_ sample: SampleFormat, rate: Int, channels: Int) {
    self.sample = sample
    self.rate = rate
    self.channels = channels
  }

  /// Bytes one frame (one sample of every channel) takes.
  public var bytesPerFrame: Int { sample.byteCount * channels }

  /// Whole frames that fit into `duration`, rounded to nearest.
  public func frames(in duration: Duration) -> Int {
    Int((duration.seconds * Double(rate)).rounded())
  }

  /// The time `frames` frames last.
  public func duration(ofFrames frames: Int) -> Duration {
    .seconds(Double(frames) / Double(rate))
  }

  public var description: String {
    "\(sample.rawValue) \(SampleRate(rate)) \(channelText(channels))"
  }
}

/// "mono", "stereo", "6 channels": how channel counts are written for people.
public func channelText(_ channels: Int) -> String {
  switch channels {
  case 1: "mono"
  case 2: "stereo"
  default: "\(channels) channels"
  }
}
