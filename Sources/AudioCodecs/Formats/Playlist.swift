/// A list of addresses in the place of sound: M3U, PLS, XSPF, or addresses alone.
enum Playlist {
  /// Whether text begins as a list does.
  static func matches(_ head: Beginning) -> Bool {
    let text = String(decoding: head.bytes, as: UTF8.self).lowercased().drop {
      $0.isWhitespace || $0 == "\u{FEFF}"
    }
    return text.hasPrefix("#extm3u") || text.hasPrefix("[playlist]")
      || text.hasPrefix("<?xml") && text.contains("<playlist") || text.hasPrefix("<playlist")
      || text.hasPrefix("http://") || text.hasPrefix("https://")
  }

  /// The first address in it: a line of an M3U, `File1=…` of a PLS, a `<location>` of an XSPF.
  static func entry(_ bytes: UnsafeRawBufferPointer) -> String? {
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
}
