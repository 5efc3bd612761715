/// Tells what kind of audio a stream is by its first bytes.
package enum Sniffer {
  /// Bytes that are always enough.
  package static let enough = 64

  package enum Kind: Sendable, Equatable {
    case wav
    case oggOpus
    /// An Ogg stream of another codec; its name, if known.
    case ogg(codec: String?)
    case mp3, aac, flac, matroska, mp4, amr, caf, aiff
    case text
    case unknown
  }

  /// What the stream that begins with `bytes` is; `nil` when it takes more of them to tell, unless these are
  /// all there are (`isWhole`).
  package static func kind(_ bytes: some RandomAccessCollection<UInt8>, isWhole: Bool) -> Kind? {
    let head = Array(bytes.prefix(enough))
    if let kind = signature(head) ?? ogg(head) ?? mpeg(head) { return kind }
    guard isWhole || head.count >= enough else { return nil }
    if head.starts(with: oggCapture) { return .ogg(codec: nil) }
    return isText(head) ? .text : .unknown
  }

  private static let oggCapture = Array("OggS".utf8)

  /// Formats that begin with fixed bytes.
  private static func signature(_ head: [UInt8]) -> Kind? {
    func has(_ text: String, at offset: Int = 0) -> Bool { head.dropFirst(offset).starts(with: text.utf8) }
    if has("RIFF") || has("RF64") || has("BW64") || has("RIFX"), has("WAVE", at: 8) { return .wav }
    if has("fLaC") { return .flac }
    if head.starts(with: [0x1A, 0x45, 0xDF, 0xA3]) { return .matroska }
    if has("ftyp", at: 4) || has("moov", at: 4) || has("mdat", at: 4) { return .mp4 }
    if has("#!AMR") { return .amr }
    if has("caff") { return .caf }
    if has("FORM"), has("AIFF", at: 8) || has("AIFC", at: 8) { return .aiff }
    if has("ADIF") { return .aac }
    // An ID3 tag may stand before AAC as well, but in practice it is an MP3 file's.
    if has("ID3") { return .mp3 }
    return nil
  }

  /// The first page of an Ogg stream holds the first packet of its first logical stream.
  private static func ogg(_ head: [UInt8]) -> Kind? {
    guard head.starts(with: oggCapture), head.count > 26 else { return nil }
    let packet = head.dropFirst(27 + Int(head[26]))
    guard packet.count >= 8 else { return nil }
    let codec = OggCodec.name(packet)
    return codec == "Opus" ? .oggOpus : .ogg(codec: codec)
  }

  /// A frame of MPEG audio or of AAC in ADTS begins with eleven or twelve ones; the fields after them must be
  /// possible.
  private static func mpeg(_ head: [UInt8]) -> Kind? {
    guard head.count >= 4, head[0] == 0xFF, head[1] & 0xE0 == 0xE0 else { return nil }
    // ADTS: layer 0 and a sampling frequency index below 13.
    if head[1] & 0xF6 == 0xF0 { return head[2] >> 2 & 0x0F < 13 ? .aac : nil }
    let version = head[1] >> 3 & 3
    let layer = head[1] >> 1 & 3
    let bitRate = head[2] >> 4
    let frequency = head[2] >> 2 & 3
    return version != 1 && layer != 0 && bitRate != 15 && frequency != 3 ? .mp3 : nil
  }

  /// Printable ASCII, white space and what may be UTF-8, and not nothing.
  private static func isText(_ head: [UInt8]) -> Bool {
    !head.isEmpty && head.allSatisfy { $0 >= 0x20 && $0 != 0x7F || 9...13 ~= $0 }
      && (head.allSatisfy { $0 < 0x80 } || isUTF8(head))
  }

  /// Whether the bytes are UTF-8, but for a character cut off at the end.
  private static func isUTF8(_ head: [UInt8]) -> Bool {
    (0...min(3, head.count - 1)).contains { String(validating: head.dropLast($0), as: UTF8.self) != nil }
  }
}
