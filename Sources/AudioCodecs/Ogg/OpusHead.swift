/// The identification header of an Ogg Opus stream (RFC 7845 §5.1).
///
///     "OpusHead" version:1 channels:1 pre-skip:2 input rate:4 gain:2 family:1
///                [streams:1 coupled:1 mapping[channels]]   unless the family is 0
package struct OpusHead: Sendable, Equatable {
  /// The most channels of the layouts that have a meaning (RFC 7845 §5.1.1.2).
  package static let mostChannels = 8

  /// Bytes of the shortest header.
  static let shortest = 19

  /// Channels of the signal: 1 to 8.
  package var channels: Int
  /// Samples at 48 kHz to drop from the beginning of the decoded signal.
  package var preSkip: Int
  /// Rate of what was encoded, in hertz, for information; 0 when not said.
  package var inputRate: Int
  /// Gain to apply to the decoded signal, in 1/256 dB.
  package var gain: Int
  /// Channel mapping family: 0 or 1.
  package var mappingFamily: Int
  /// Coded streams, and how many of them, the first ones, are stereo.
  package var streams: Int
  package var coupledStreams: Int
  /// The decoded channel each channel of the signal is, in the order of the file; 255 for silence. The stereo streams' channels
  /// come first, two by two.
  package var mapping: [UInt8]

  /// The header of a stream of one coded stream, mono or stereo.
  package init(channels: Int, preSkip: Int, inputRate: Int) {
    precondition(1...2 ~= channels, "one coded stream has one or two channels")
    self.channels = channels
    self.preSkip = preSkip
    self.inputRate = inputRate
    gain = 0
    mappingFamily = 0
    streams = 1
    coupledStreams = channels - 1
    mapping = (0..<UInt8(channels)).map { $0 }
  }

  /// The header as a packet.
  package var packet: [UInt8] {
    var bytes = Array("OpusHead".utf8) + [1, UInt8(channels)]
    bytes += [UInt8(truncatingIfNeeded: preSkip), UInt8(truncatingIfNeeded: preSkip >> 8)]
    bytes += (0..<4).map { UInt8(truncatingIfNeeded: inputRate >> (8 * $0)) }
    bytes += [UInt8(truncatingIfNeeded: gain), UInt8(truncatingIfNeeded: gain >> 8), UInt8(mappingFamily)]
    if mappingFamily != 0 { bytes += [UInt8(streams), UInt8(coupledStreams)] + mapping }
    return bytes
  }

  /// Whether a packet is an identification header at all.
  static func matches(_ packet: UnsafeRawBufferPointer) -> Bool {
    packet.count >= 8 && packet.prefix(8).elementsEqual("OpusHead".utf8)
  }

  /// Reads an identification header.
  init(_ packet: UnsafeRawBufferPointer) throws(OggOpusError) {
    guard packet.count >= Self.shortest, Self.matches(packet) else { throw .badHeader }
    // Versions 0 to 15 are compatible with this one; the upper half of the byte counts incompatible changes.
    guard packet[8] & 0xF0 == 0 else { throw .unsupportedVersion(Int(packet[8])) }
    channels = Int(packet[9])
    preSkip = Int(packet[10]) | Int(packet[11]) << 8
    inputRate = (0..<4).reduce(0) { $0 | Int(packet[12 + $1]) << (8 * $1) }
    gain = Int(Int16(bitPattern: UInt16(packet[16]) | UInt16(packet[17]) << 8))
    mappingFamily = Int(packet[18])
    guard mappingFamily < 2 else { throw .unsupportedMapping(family: mappingFamily) }
    guard channels > 0 else { throw .badHeader }
    guard channels <= (mappingFamily == 0 ? 2 : Self.mostChannels) else { throw .tooManyChannels(channels) }
    streams = 1
    coupledStreams = channels - 1
    mapping = (0..<UInt8(channels)).map { $0 }
    guard mappingFamily == 1 else { return }
    guard packet.count >= 21 + channels else { throw .badHeader }
    streams = Int(packet[19])
    coupledStreams = Int(packet[20])
    mapping = Array(packet[21..<(21 + channels)])
    let decoded = streams + coupledStreams
    guard streams > 0, coupledStreams <= streams, decoded <= 255,
      mapping.allSatisfy({ $0 == 255 || Int($0) < decoded })
    else { throw .badHeader }
  }

  /// Whether one decoder, mono or stereo, gives the signal as it is.
  var isPlain: Bool {
    streams == 1 && mapping == (0..<UInt8(channels)).map { $0 } && coupledStreams == channels - 1
  }

  /// `mapping` in the order of WAVE files: front left and right, centre, low frequencies, back, side. Opus has that of Vorbis.
  var waveMapping: [UInt8] {
    let order: [Int] =
      switch channels {
      case 3: [0, 2, 1]
      case 5: [0, 2, 1, 3, 4]
      case 6: [0, 2, 1, 5, 3, 4]
      case 7: [0, 2, 1, 6, 5, 3, 4]
      case 8: [0, 2, 1, 7, 5, 6, 3, 4]
      default: Array(0..<channels)
      }
    return order.map { mapping[$0] }
  }
}

/// Why something is not an Ogg Opus stream we can decode.
package enum OggOpusError: Error, Equatable, CustomStringConvertible {
  case notOgg
  /// An Ogg stream without Opus in it; the codec it begins with, if known.
  case noOpusStream(codec: String?)
  case badHeader
  case unsupportedVersion(Int)
  case unsupportedMapping(family: Int)
  case tooManyChannels(Int)
  case endsInHeader
  /// libopus refused to make a decoder.
  case decoder(OpusError)

  package var description: String {
    switch self {
    case .notOgg:
      "No whole Ogg page was found at the beginning: it is cut short or damaged, or it is no Ogg file."
    case .noOpusStream(let codec?): "The Ogg file holds \(codec), not Opus."
    case .noOpusStream(nil): "The Ogg file holds no Opus stream."
    case .badHeader: "The identification header of the Opus stream is damaged."
    case .unsupportedVersion(let version): "The Opus stream has version \(version), which is not supported."
    case .unsupportedMapping(let family):
      "The Opus stream has channel mapping family \(family); 0 and 1 are supported."
    case .tooManyChannels(let channels):
      "The Opus stream has \(channels) channels, which does not go with what came before it or with its layout."
    case .endsInHeader: "The Ogg Opus file ends before its audio."
    case .decoder(let error): error.description
    }
  }
}
