/// What people have in the place of sound, by how it begins.
enum OtherContent {
  private static let signatures: [(name: String, begins: @Sendable (Beginning) -> Bool)] = [
    ("a ZIP archive", { $0.has("PK\u{3}\u{4}") }), ("a gzip archive", { $0.has([0x1F, 0x8B]) }),
    ("a tar archive", { $0.has("ustar", at: 257) }),
    ("a 7-Zip archive", { $0.has([0x37, 0x7A, 0xBC, 0xAF, 0x27, 0x1C]) }),
    ("a RAR archive", { $0.has("Rar!\u{1A}\u{7}") }),
    ("an xz archive", { $0.has([0xFD, 0x37, 0x7A, 0x58, 0x5A]) }),
    ("a bzip2 archive", { $0.has("BZh") && $0.has([0x31, 0x41, 0x59, 0x26], at: 4) }),
    ("a Zstandard archive", { $0.has([0x28, 0xB5, 0x2F, 0xFD]) }), ("a PDF document", { $0.has("%PDF-") }),
    ("a PNG picture", { $0.has([0x89, 0x50, 0x4E, 0x47]) }),
    ("a JPEG picture", { $0.has([0xFF, 0xD8, 0xFF]) && ($0.number(at: 3, bytes: 1) ?? 0) >= 0xDB }),
    ("a GIF picture", { $0.has("GIF8") }), ("a WebP picture", { $0.has("RIFF") && $0.has("WEBP", at: 8) }),
    ("a TIFF picture", { $0.has("II*\0") || $0.has("MM\0*") }),
    ("a program", { $0.has([0x7F, 0x45, 0x4C, 0x46]) }),
    ("a database (SQLite)", { $0.has("SQLite format 3\0") }),
    ("a standard MIDI file", { $0.has("MThd") }),
  ]

  /// What it is, as in "it is a ZIP archive"; nil where that is not known.
  static func name(_ beginning: Beginning) -> String? { signatures.first { $0.begins(beginning) }?.name }
}
