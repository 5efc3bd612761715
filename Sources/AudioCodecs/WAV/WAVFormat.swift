/// What the header of a WAVE file says about its samples.
package struct WAVFormat: Sendable, Equatable {
  /// Frames per second.
  package var rate: Int
  /// Interleaved channels.
  package var channels: Int
  package var encoding: SampleEncoding
  /// Bits that carry the signal, from the top of each sample; less than the encoding's only in
  /// WAVE_FORMAT_EXTENSIBLE files and odd bit depths.
  package var validBits: Int
  /// Where the first sample stands, in bytes from the beginning of the file.
  package var dataOffset: Int
  /// Bytes of sample data, or `nil` when the file was written as a stream and does not know.
  package var dataLength: Int?

  /// Bytes of one frame.
  package var frameSize: Int { channels * encoding.size }
  /// Frames of sample data, or `nil` when unknown.
  package var frames: Int? { dataLength.map { $0 / frameSize } }
}

/// Why something is not a WAVE file we can read.
package enum WAVError: Error, Equatable, CustomStringConvertible {
  case notWAV
  case bigEndian
  /// The file has no `fmt ` chunk before its data.
  case formatMissing
  /// A chunk of the header is shorter than what it must hold.
  case chunkTooShort(String)
  /// The format tag of `WAVEFORMATEX`, or of a sub-format in Microsoft's range.
  case unsupportedFormat(tag: Int)
  /// A sub-format outside Microsoft's range.
  case unknownSubFormat
  case unsupportedBits(Int, tag: Int)
  case badChannels(Int)
  case badRate(Int)
  case headerTooLarge(limit: Int)
  case endsInHeader

  /// What the file holds that others decode; nil where it is not right.
  var foreignName: String? {
    switch self {
    case .bigEndian: "big-endian WAV"
    case .unsupportedFormat(let tag): "WAV with \(Self.name(of: tag))"
    case .unknownSubFormat: "WAV of an unknown sub-format"
    case .unsupportedBits(let bits, let tag): "WAV with \(Self.name(of: tag)) of \(bits) bits"
    default: nil
    }
  }

  package var description: String {
    switch self {
    case .notWAV: "This is not a WAV file: it does not begin with RIFF and WAVE."
    case .bigEndian: "This WAV file is big-endian (RIFX), which is not supported."
    case .formatMissing: "The WAV file has no fmt chunk before its audio data."
    case .chunkTooShort(let name): "The \(name) chunk of the WAV file is too short."
    case .unsupportedFormat(let tag):
      "The WAV file holds \(Self.name(of: tag)) audio (format tag \(tag)), which is not supported; "
        + "PCM, float, mu-law and A-law are."
    case .unknownSubFormat: "The WAV file holds audio of an unknown sub-format, which is not supported."
    case .unsupportedBits(let bits, let tag):
      "The WAV file has \(bits) bits per sample, which is not possible with \(Self.name(of: tag)) audio."
    case .badChannels(let channels):
      "The WAV file says it has \(channels) channels; 1 to \(WAVReader.channelLimit) are supported."
    case .badRate(let rate):
      "The WAV file says it has \(rate) samples per second; 1 to \(WAVReader.rateLimit) are supported."
    case .headerTooLarge(let limit): "The WAV file has no audio data in its first \(limit >> 20) MiB."
    case .endsInHeader: "The WAV file ends before its audio data."
    }
  }

  /// The usual name of a format tag.
  private static func name(of tag: Int) -> String {
    switch tag {
    case 0x0001: "PCM"
    case 0x0002: "Microsoft ADPCM"
    case 0x0003: "float"
    case 0x0006: "A-law"
    case 0x0007: "mu-law"
    case 0x0011: "IMA ADPCM"
    case 0x0031: "GSM 6.10"
    case 0x0040, 0x0045: "G.726 ADPCM"
    case 0x0050: "MPEG"
    case 0x0055: "MP3"
    case 0x00FF, 0x1610: "AAC"
    case 0x0161, 0x0162: "Windows Media"
    case 0xF1AC: "FLAC"
    case 0x674F, 0x6750, 0x6751, 0x676F, 0x6770, 0x6771: "Vorbis"
    case 0x704F: "Opus"
    case 0x2000: "AC-3"
    default: "compressed"
    }
  }
}
