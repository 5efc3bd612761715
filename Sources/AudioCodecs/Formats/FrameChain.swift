/// A frame, or packet, of a stream without a header of its own.
protocol StreamFrame: SendableMetatype {
  /// Bytes of a frame's beginning that tell all that is asked here.
  static var headLength: Int { get }
  /// Its first byte.
  static var first: UInt8 { get }
  /// Frames there have to be at least, where a stream is so short that all of it is known.
  static var fewest: Int { get }
  /// The frame that begins so; nil where none does.
  init?(_ head: Beginning)
  /// Bytes from its beginning to that of the next one.
  var length: Int { get }
  /// What stays the same in a stream: version, layer, rate.
  var settings: UInt16 { get }
}

extension StreamFrame {
  var settings: UInt16 { 0 }
  /// Whether a frame of the same stream may follow with this one's settings.
  func agrees(with next: Self) -> Bool { settings == next.settings }
}

/// Recognises a stream that begins with a frame at once. A beginning of a few bits is too little: bare samples have it by chance, and
/// quiet ones often. So the frames that follow have to be where the first says.
struct FrameChain<Frame: StreamFrame>: Sendable {
  /// Frames that are enough at the beginning, and in the middle of other bytes.
  private let enough = 3
  private let enoughInTheMiddle = 8

  init(_ frame: Frame.Type) {}

  /// Whether frames follow each other here, as where somebody tunes in to a stream.
  func stands(_ beginning: Beginning) -> Bool {
    var (place, last): (Int, Frame?) = (0, nil)
    for _ in 0..<enoughInTheMiddle {
      let rest = beginning.behind(place)
      guard rest.count >= Frame.headLength, let frame = Frame(rest), last?.agrees(with: frame) ?? true else {
        return false
      }
      place += frame.length
      last = frame
    }
    return true
  }

  func recognition(_ name: String) -> @Sendable (Beginning) -> SoundFormat.Recognition {
    { beginning in
      var (place, last): (Int, Frame?) = (0, nil)
      for index in 0..<enough {
        let rest = beginning.behind(place)
        guard rest.count >= Frame.headLength else {
          if !beginning.isAll { return .undecided }
          return index >= Frame.fewest ? .yes(name: name) : .no
        }
        guard let frame = Frame(rest), last?.agrees(with: frame) ?? true else { return .no }
        place += frame.length
        last = frame
      }
      return .yes(name: name)
    }
  }
}

/// A frame of MPEG audio (ISO 11172-3 §2.4.1.3, ISO 13818-3 §2.4.2.3).
struct MPEGFrame: StreamFrame {
  static let first: UInt8 = 0xFF
  static let headLength = 4
  static let fewest = 2
  let length: Int
  let settings: UInt16

  init?(_ head: Beginning) {
    let bytes = head.bytes
    guard bytes[0] == Self.first, bytes[1] & 0xE0 == 0xE0 else { return nil }
    let (version, layer) = (Int(bytes[1] >> 3 & 3), Int(bytes[1] >> 1 & 3))
    let (bitRate, frequency) = (Int(bytes[2] >> 4), Int(bytes[2] >> 2 & 3))
    // 1 is no version, 0 no layer, 3 no frequency; a bit rate that is not said (0) is not decoded by ffmpeg either.
    guard version != 1, layer != 0, 1...14 ~= bitRate, frequency != 3 else { return nil }
    let isFirst = version == 3
    let rates = [44_100, 48_000, 32_000]
    let rate = rates[frequency] >> (isFirst ? 0 : version == 2 ? 1 : 2)
    let table = isFirst ? Self.bitRates[3 - layer] : layer == 3 ? Self.halfBitRates[0] : Self.halfBitRates[1]
    let padding = Int(bytes[2] >> 1 & 1)
    let bits = table[bitRate] * 1000
    length =
      switch layer {
      case 3: (12 * bits / rate + padding) * 4
      case 1 where !isFirst: 72 * bits / rate + padding
      default: 144 * bits / rate + padding
      }
    settings = UInt16(bytes[1] & 0xFE) << 8 | UInt16(bytes[2] & 0x0C)
  }

  /// kbit/s of layers I, II and III.
  private static let bitRates = [
    [0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448],
    [0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384],
    [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320],
  ]
  /// The same at half the rates: of layer I, and of the others.
  private static let halfBitRates = [
    [0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256],
    [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160],
  ]
}

/// A frame of AAC in ADTS (ISO 13818-7 §6.2.1).
struct ADTSFrame: StreamFrame {
  static let first: UInt8 = 0xFF
  static let headLength = 7
  static let fewest = 2
  let length: Int
  let settings: UInt16

  init?(_ head: Beginning) {
    let bytes = head.bytes
    guard bytes[0] == Self.first, bytes[1] & 0xF6 == 0xF0, bytes[2] >> 2 & 0x0F < 13 else { return nil }
    length = Int(bytes[3] & 3) << 11 | Int(bytes[4]) << 3 | Int(bytes[5] >> 5)
    guard length >= 7 else { return nil }
    settings = UInt16(bytes[1] & 0xF8) << 8 | UInt16(bytes[2] & 0xFC)
  }
}

/// A frame of AC-3 (ATSC A/52 §5.3, table 5.18).
struct AC3Frame: StreamFrame {
  static let first: UInt8 = 0x0B
  static let headLength = 6
  static let fewest = 2
  let length: Int
  let settings: UInt16

  init?(_ head: Beginning) {
    let bytes = head.bytes
    let (frequency, size) = (Int(bytes[4] >> 6), Int(bytes[4] & 0x3F))
    guard bytes[0] == Self.first, bytes[1] == 0x77, frequency < 3, size < 38, bytes[5] >> 3 <= 10 else {
      return nil
    }
    let bitRate = Self.bitRates[size / 2]
    // In words of two bytes: 1536 samples of a bit rate, rounded down, with one more for odd codes at 44.1 kHz.
    let words =
      switch frequency {
      case 0: bitRate * 2
      case 1: 96 * bitRate * 10 / 441 + size % 2
      default: bitRate * 3
      }
    length = 2 * words
    settings = UInt16(frequency)
  }

  private static let bitRates = [
    32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384, 448, 512, 576, 640,
  ]
}

/// A frame of Enhanced AC-3 (ATSC A/52 annex E §2.2): its size stands in it, in words of two bytes less one.
struct EnhancedAC3Frame: StreamFrame {
  static let first: UInt8 = 0x0B
  static let headLength = 6
  static let fewest = 2
  let length: Int

  init?(_ head: Beginning) {
    let bytes = head.bytes
    guard bytes[0] == Self.first, bytes[1] == 0x77, 11...16 ~= bytes[5] >> 3 else { return nil }
    length = 2 * ((Int(bytes[2] & 7) << 8 | Int(bytes[3])) + 1)
  }
}

/// A packet of 188 bytes, each of which begins with the same one (ISO 13818-1 §2.4.3).
struct TransportPacket: StreamFrame {
  static let first: UInt8 = 0x47
  static let headLength = 1
  static let fewest = 3
  let length = 188

  init?(_ head: Beginning) {
    guard head.bytes[0] == Self.first else { return nil }
  }
}
