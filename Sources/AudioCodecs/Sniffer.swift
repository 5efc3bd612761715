/// Tells what kind of audio a stream is by its first bytes.
package enum Sniffer {
  /// Bytes that are always enough.
  package static let enough = 1 << 16
  /// Bytes that are enough where nothing stands in front.
  private static let headLength = 64

  package enum Kind: Sendable, Equatable {
    case wav
    case oggOpus
    /// An Ogg stream of other codecs; the name of the first, if known.
    case ogg(codec: String?)
    case mp3, aac, flac, matroska, mp4, amr, caf, aiff, au, wave64, windowsMedia, transportStream
    /// Something behind a tag that is longer than what is looked at.
    case tagged
    /// A list of addresses; the first of them, if there is one.
    case playlist(entry: String?)
    case text
    case unknown
  }

  /// What was found, and how many bytes stand in front of it that are none of it.
  package struct Finding: Sendable, Equatable {
    package var kind: Kind
    package var offset: Int

    package init(kind: Kind, offset: Int) {
      self.kind = kind
      self.offset = offset
    }
  }

  /// What the stream that begins with `bytes` is; `nil` when it takes more of them to tell, unless these are
  /// all there are (`isWhole`).
  ///
  /// A tag in front (ID3) is no part of it, and neither is rubbish before the first page of Ogg or the header of a WAV file:
  /// what is read here is searched for as far as the first 64 KiB.
  /// - Parameter isWhole: whether there is no more of it.
  package static func find(_ bytes: UnsafeRawBufferPointer, isWhole: Bool) -> Finding? {
    let bytes = UnsafeRawBufferPointer(rebasing: bytes.prefix(enough))
    let isAll = isWhole || bytes.count >= enough
    var offset = 0
    while let length = tagLength(bytes, at: offset) {
      guard offset + length + 4 <= bytes.count else { return isAll ? Finding(kind: .tagged, offset: 0) : nil }
      offset += length
    }
    let head = Array(bytes[offset...].prefix(headLength))
    if head.starts(with: oggCapture) {
      return ogg(bytes, at: offset, isAll: isAll).map { Finding(kind: $0, offset: offset) }
    }
    if let kind = signature(head) ?? mpeg(head) { return Finding(kind: kind, offset: offset) }
    guard isWhole || head.count >= headLength else { return nil }
    if isTransportStream(bytes, at: offset) { return Finding(kind: .transportStream, offset: offset) }
    if isText(head) {
      return Finding(kind: isPlaylist(head) ? .playlist(entry: entry(bytes)) : .text, offset: offset)
    }
    if let place = beginning(in: bytes, from: offset) {
      let found = Array(bytes[place...].prefix(headLength))
      if found.starts(with: oggCapture) {
        return ogg(bytes, at: place, isAll: isAll).map { Finding(kind: $0, offset: place) }
      }
      return Finding(kind: .wav, offset: place)
    }
    return isAll ? Finding(kind: .unknown, offset: offset) : nil
  }

  // MARK: - In front

  /// The length of an ID3 tag (ID3v2.4 §3.1: four times seven bits, and a footer); nil where there is none.
  private static func tagLength(_ bytes: UnsafeRawBufferPointer, at offset: Int) -> Int? {
    let head = bytes[offset...].prefix(10)
    guard head.count == 10, head.starts(with: "ID3".utf8) else { return nil }
    let size = head.dropFirst(6).reduce(0) { $0 << 7 | Int($1 & 0x7F) }
    return 10 + size + (head[head.startIndex + 5] & 0x10 != 0 ? 10 : 0)
  }

  /// Where the first page of an Ogg stream, or the header of a WAV file, stands behind rubbish.
  private static func beginning(in bytes: UnsafeRawBufferPointer, from offset: Int) -> Int? {
    var place = offset + 1
    while place + 12 <= bytes.count {
      let (first, second) = (bytes[place], bytes[place + 1])
      // A first page says so in its flags.
      if first == 0x4F, second == 0x67, bytes[place...].starts(with: oggCapture + [0]),
        bytes[place + 5] & 2 != 0
      {
        return place
      }
      if first == 0x52, second == 0x49 || second == 0x46,
        signature(Array(bytes[place...].prefix(12))) == .wav
      {
        return place
      }
      place += 1
    }
    return nil
  }

  // MARK: - Lists

  private static func isPlaylist(_ head: [UInt8]) -> Bool {
    let text = String(decoding: head, as: UTF8.self).lowercased().drop { $0.isWhitespace || $0 == "\u{FEFF}" }
    return text.hasPrefix("#extm3u") || text.hasPrefix("[playlist]")
      || text.hasPrefix("<?xml") && text.contains("<playlist") || text.hasPrefix("<playlist")
      || text.hasPrefix("http://") || text.hasPrefix("https://")
  }

  /// The first address in a list: a line of an M3U, `File1=…` of a PLS, a `<location>` of an XSPF.
  private static func entry(_ bytes: UnsafeRawBufferPointer) -> String? {
    let text = String(decoding: bytes.prefix(4096), as: UTF8.self)
    if let open = text.firstRange(of: "<location>") {
      return String(text[open.upperBound...].prefix { $0 != "<" && !$0.isNewline })
    }
    for line in text.split(whereSeparator: \.isNewline) {
      let line = line.trimmingPrefix { $0.isWhitespace || $0 == "\u{FEFF}" }
      if line.isEmpty || line.hasPrefix("#") || line.hasPrefix("[") || line.hasPrefix("<") { continue }
      guard line.lowercased().hasPrefix("file"), let equals = line.firstIndex(of: "=") else {
        if line.contains("=") && !line.contains("://") { continue }
        return String(line)
      }
      return String(line[line.index(after: equals)...])
    }
    return nil
  }

  /// Packets of 188 bytes, each of which begins with the same one (ISO 13818-1 §2.4.3).
  private static func isTransportStream(_ bytes: UnsafeRawBufferPointer, at offset: Int) -> Bool {
    let places = Array(stride(from: offset, to: min(bytes.count, offset + 4 * 188), by: 188))
    return places.count >= 3 && places.allSatisfy { bytes[$0] == 0x47 }
  }

  // MARK: - Signatures

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
    if has(".snd") || has("dns.") { return .au }
    // Sonic Foundry's, and Microsoft's ASF: by the beginnings of their identifiers.
    if head.starts(with: Array("riff".utf8) + [0x2E, 0x91, 0xCF, 0x11]) { return .wave64 }
    if head.starts(with: [0x30, 0x26, 0xB2, 0x75, 0x8E, 0x66, 0xCF, 0x11]) { return .windowsMedia }
    if has("FORM"), has("AIFF", at: 8) || has("AIFC", at: 8) { return .aiff }
    if has("ADIF") { return .aac }
    return nil
  }

  /// The first pages of an Ogg stream each hold the first packet of a logical stream; Opus need not be the first of them.
  private static func ogg(_ bytes: UnsafeRawBufferPointer, at offset: Int, isAll: Bool) -> Kind? {
    var (place, first): (Int, String?) = (offset, nil)
    while true {
      let page = bytes[min(place, bytes.count)...]
      guard page.count >= 27, page.count >= 27 + Int(page[place + 26]) + 8 else {
        return isAll ? .ogg(codec: first) : nil
      }
      guard page.starts(with: oggCapture), page[place + 5] & 2 != 0 else { return .ogg(codec: first) }
      let segments = Int(page[place + 26])
      let packet = page.dropFirst(27 + segments)
      let codec = OggCodec.name(packet)
      if codec == "Opus" { return .oggOpus }
      first = first ?? codec
      place += 27 + segments + page[(place + 27)..<(place + 27 + segments)].reduce(0) { $0 + Int($1) }
    }
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
