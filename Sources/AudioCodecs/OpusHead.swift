/// The identification header of an Ogg Opus stream (RFC 7845 §5.1).
///
///     "OpusHead" version:1 channels:1 pre-skip:2 input rate:4 gain:2 family:1
///                [streams:1 coupled:1 mapping[channels]]   unless the family is 0
package struct OpusHead: Sendable, Equatable {
  /// Channels of the signal: 1 or 2.
  package var channels: Int
  /// Samples at 48 kHz to drop from the beginning of the decoded signal.
  package var preSkip: Int
  /// Rate of what was encoded, in hertz, for information; 0 when not said.
  package var inputRate: Int
  /// Gain to apply to the decoded signal, in 1/256 dB.
  package var gain: Int
  /// Channel mapping family: 0, or 1 with what is the same layout.
  package var mappingFamily: Int

  /// Whether a packet is an identification header at all.
  static func matches(_ packet: UnsafeRawBufferPointer) -> Bool {
    packet.count >= 8 && packet.prefix(8).elementsEqual("OpusHead".utf8)
  }

  /// Reads an identification header. Streams of more than one coded stream are refused: they need another
  /// decoder.
  init(_ packet: UnsafeRawBufferPointer) throws(OggOpusError) {
    guard packet.count >= 19, Self.matches(packet) else { throw .badHeader }
    // Versions 0 to 15 are compatible with this one; the upper half of the byte counts incompatible changes.
    guard packet[8] & 0xF0 == 0 else { throw .unsupportedVersion(Int(packet[8])) }
    channels = Int(packet[9])
    preSkip = Int(packet[10]) | Int(packet[11]) << 8
    inputRate = (0..<4).reduce(0) { $0 | Int(packet[12 + $1]) << (8 * $1) }
    gain = Int(Int16(bitPattern: UInt16(packet[16]) | UInt16(packet[17]) << 8))
    mappingFamily = Int(packet[18])
    guard mappingFamily < 2 else { throw .unsupportedMapping(family: mappingFamily) }
    guard channels > 0 else { throw .badHeader }
    guard channels <= 2 else { throw .tooManyChannels(channels) }
    if mappingFamily == 1 {
      guard packet.count >= 21 + channels else { throw .badHeader }
      guard packet[19] == 1, Int(packet[20]) == channels - 1,
        packet[21...].prefix(channels).elementsEqual(0..<UInt8(channels))
      else { throw .severalStreams(Int(packet[19])) }
    }
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
  case severalStreams(Int)
  case endsInHeader
  /// libopus refused to make a decoder.
  case decoder(OpusError)

  package var description: String {
    switch self {
    case .notOgg: "This is not an Ogg file: no Ogg page was found at its beginning."
    case .noOpusStream(let codec?): "The Ogg file holds \(codec), not Opus."
    case .noOpusStream(nil): "The Ogg file holds no Opus stream."
    case .badHeader: "The identification header of the Opus stream is damaged."
    case .unsupportedVersion(let version): "The Opus stream has version \(version), which is not supported."
    case .unsupportedMapping(let family):
      "The Opus stream has channel mapping family \(family); only mono and stereo are supported."
    case .tooManyChannels(let channels):
      "The Opus stream has \(channels) channels; only mono and stereo are supported."
    case .severalStreams(let streams):
      "The Opus stream is made of \(streams) coded streams or has its channels rearranged; "
        + "only plain mono and stereo are supported."
    case .endsInHeader: "The Ogg Opus file ends before its audio."
    case .decoder(let error): error.description
    }
  }
}
