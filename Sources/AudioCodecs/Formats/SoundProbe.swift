package import FluxGraph

/// Tells what a stream is by its first bytes.
package enum SoundProbe {
  /// Bytes that are always enough.
  package static let enough = 1 << 16
  /// Bytes that are mostly enough.
  private static let usually = 1 << 12
  /// Bytes that are enough where nothing stands in front, and no frames have to be followed.
  private static let headLength = 64
  /// Bytes that have to be text to be called so, as far as there are as many.
  private static let textLength = 1024

  package enum Kind: Sendable, Equatable {
    /// Sound of a format that is known, and what people call it.
    case sound(SoundFormat, name: String)
    /// A tag of this length, longer than what is looked at: what stands behind it tells.
    case tag(length: Int)
    /// A list of addresses; the first of them, if there is one.
    case playlist(entry: String?)
    case text
    /// Something else that is known, as in "it is a ZIP archive".
    case other(name: String)
    case unknown
  }

  /// What was found, and how many bytes stand in front of it that are none of it.
  package struct Finding: Sendable, Equatable {
    package var kind: Kind
    package var offset: Int
    /// Whether it is read here: by its format, and by which of its codecs it holds.
    package var isReadHere = false

    package init(kind: Kind, offset: Int, isReadHere: Bool = false) {
      self.kind = kind
      self.offset = offset
      self.isReadHere = isReadHere
    }
  }

  /// What the stream that begins with `bytes` is; `nil` when it takes more of them to tell, unless these are
  /// all there are (`isWhole`).
  ///
  /// A tag in front (ID3) is no part of it, and neither is rubbish before the sound, which is searched for as far as the
  /// first 64 KiB. So is a stream of frames that somebody tuned in to.
  /// - Parameter isWhole: whether there is no more of it.
  package static func find(_ bytes: UnsafeRawBufferPointer, isWhole: Bool) -> Finding? {
    let whole = Beginning(
      UnsafeRawBufferPointer(rebasing: bytes.prefix(enough)), isAll: isWhole || bytes.count >= enough)
    var offset = 0
    while let length = whole.behind(offset).tagLength {
      guard offset + length + 4 <= whole.count else {
        return whole.isAll || offset + length > enough
          ? Finding(kind: .tag(length: offset + length), offset: 0) : nil
      }
      offset += length
    }
    let beginning = whole.behind(offset)
    switch sound(beginning) {
    case .undecided: return nil
    case .sound(let finding): return finding.moved(by: offset)
    case .none: break
    }
    // An archive may hold sound, which is none of its own.
    if let name = OtherContent.name(beginning) { return Finding(kind: .other(name: name), offset: offset) }
    let head = Beginning(UnsafeRawBufferPointer(rebasing: beginning.bytes.prefix(headLength)), isAll: true)
    guard isWhole || head.count >= headLength else { return nil }
    if isText(head.bytes) {
      // Samples of telephones begin so, too.
      guard whole.isAll || beginning.count >= textLength else { return nil }
      guard isText(UnsafeRawBufferPointer(rebasing: beginning.bytes.prefix(textLength))) else {
        return Finding(kind: .unknown, offset: offset)
      }
      let kind = Playlist.matches(head) ? Kind.playlist(entry: Playlist.entry(whole.bytes)) : .text
      return Finding(kind: kind, offset: offset)
    }
    if let place = place(in: beginning) {
      switch sound(beginning.behind(place)) {
      case .undecided: return nil
      case .sound(let finding): return finding.moved(by: offset + place)
      case .none: break
      }
    }
    return whole.isAll ? Finding(kind: .unknown, offset: offset) : nil
  }

  /// The same of a file. What stands behind a tag of any length is found.
  package static func find(_ file: any SeekableBytes) throws -> Finding? {
    var start = 0
    // Tags that follow each other without end are nobody's.
    for _ in 0..<8 {
      guard let found = try find(file, from: start) else { return nil }
      guard case .tag(let length) = found.kind else { return found.moved(by: start) }
      start += length
    }
    return nil
  }

  private static func find(_ file: any SeekableBytes, from start: Int) throws -> Finding? {
    for count in [usually, enough] {
      let head = try file.bytes(at: start, count: count)
      if let found = head.withUnsafeBytes({ find($0, isWhole: head.count < count) }) { return found }
    }
    return nil
  }

  private enum Answer {
    case none, undecided
    case sound(Finding)
  }

  private static func sound(_ beginning: Beginning) -> Answer {
    var isUndecided = false
    for format in SoundFormat.all {
      switch format.recognise(beginning) {
      case .no: continue
      case .undecided: isUndecided = true
      case .yes(let name):
        guard let reader = format.reader else {
          return .sound(Finding(kind: .sound(format, name: name), offset: 0))
        }
        switch reader.obstacle(beginning) {
        case .undecided where !beginning.isAll: return .undecided
        case .foreign(let name): return .sound(Finding(kind: .sound(format, name: name), offset: 0))
        // What cannot be told of all there is, its reader tells.
        case .none, .undecided:
          return .sound(Finding(kind: .sound(format, name: name), offset: 0, isReadHere: true))
        }
      }
    }
    return isUndecided ? .undecided : .none
  }

  /// Where a format stands behind rubbish.
  private static func place(in beginning: Beginning) -> Int? {
    (1..<max(1, beginning.count - 12)).first { place in
      guard mayBegin[Int(beginning.bytes[place])] else { return false }
      let rest = beginning.behind(place)
      return marks.contains { $0.stands(rest) }
    }
  }

  private static let marks = SoundFormat.all.compactMap(\.mark)
  /// Most bytes begin nothing.
  private static let mayBegin = (0...UInt8.max).map { byte in marks.contains { $0.first.contains(byte) } }

  // MARK: - Text

  /// Printable ASCII, white space and what may be UTF-8, and not nothing.
  private static func isText(_ head: UnsafeRawBufferPointer) -> Bool {
    !head.isEmpty && head.allSatisfy { $0 >= 0x20 && $0 != 0x7F || 9...13 ~= $0 }
      && (head.allSatisfy { $0 < 0x80 } || isUTF8(head))
  }

  /// Whether the bytes are UTF-8, but for a character cut off at the end.
  private static func isUTF8(_ head: UnsafeRawBufferPointer) -> Bool {
    (0...min(3, head.count - 1)).contains { String(validating: head.dropLast($0), as: UTF8.self) != nil }
  }
}

extension SoundProbe.Finding {
  fileprivate func moved(by bytes: Int) -> Self {
    Self(kind: kind, offset: offset + bytes, isReadHere: isReadHere)
  }
}

extension Beginning {
  /// The length of an ID3 tag (ID3v2.4 §3.1: four times seven bits, and a footer); nil where there is none.
  fileprivate var tagLength: Int? {
    guard count >= 10, has("ID3") else { return nil }
    let size = bytes[6..<10].reduce(0) { $0 << 7 | Int($1 & 0x7F) }
    return 10 + size + (bytes[5] & 0x10 != 0 ? 10 : 0)
  }
}
