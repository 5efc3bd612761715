/// Names the codec of a logical Ogg stream by its first packet.
enum OggCodec {
  private static let signatures: [(name: String, bytes: [UInt8])] = [
    ("Opus", Array("OpusHead".utf8)),
    ("Vorbis", [0x01] + Array("vorbis".utf8)),
    ("FLAC", [0x7F] + Array("FLAC".utf8)),
    ("Speex", Array("Speex   ".utf8)),
    ("Theora", [0x80] + Array("theora".utf8)),
    ("CELT", Array("CELT    ".utf8)),
    ("PCM", Array("PCM     ".utf8)),
    ("Skeleton", Array("fishead\0".utf8)),
  ]

  /// The codec, or `nil` when none is recognised.
  static func name(_ packet: some Collection<UInt8>) -> String? {
    signatures.first { packet.starts(with: $0.bytes) }?.name
  }
}
