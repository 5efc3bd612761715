internal import FoundationEssentials
internal import Platform

/// Finds secrets in texts and puts dots in their place. A value that knows nothing of where they came from.
///
/// A secret is found as it is, percent-encoded, inside a JSON text and inside base64, as HTTP's Basic takes it along; also cut off
/// behind its first half, as messages of limited length do it. One of fewer than eight bytes is found only where no letter or digit
/// stands beside it, so that `test` leaves `latest` alone, and one of fewer than four not at all: it would be found everywhere.
struct SecretMask: Sendable {
  /// Shorter ones are not looked for.
  static let leastLength = 4
  /// Shorter ones must stand by themselves.
  static let leastInsideWords = 8
  /// Longer ones are found when only their beginning is there.
  private static let leastCut = 16

  /// One way a secret is written.
  private struct Form: Sendable, Hashable {
    var bytes: [UInt8]
    /// Whether letters and digits beside it make it another word.
    var isWord: Bool

    /// How many bytes must be there.
    private var least: Int {
      let canBeCut = bytes.count >= leastCut && bytes.allSatisfy { $0 < 0x80 }
      return canBeCut ? max(leastCut * 3 / 4, bytes.count / 2) : bytes.count
    }

    /// The bytes of `text` it covers from a place on; nil where it is not.
    func length(in text: [UInt8], at place: Int) -> Int? {
      var length = 0
      while length < bytes.count, place + length < text.count, text[place + length] == bytes[length] {
        length += 1
      }
      guard length >= least else { return nil }
      let end = place + length
      if isWord, place > 0 && text[place - 1].isWordByte || end < text.count && text[end].isWordByte {
        return nil
      }
      return length
    }
  }

  private var known: Set<String> = []
  /// By their first four bytes: a batch may have a token for each of its inputs.
  private var forms: [UInt32: [Form]] = [:]

  var isEmpty: Bool { forms.isEmpty }

  /// Adds a secret; one that is too short to be looked for is left out.
  mutating func insert(_ secret: String) {
    guard secret.utf8.count >= Self.leastLength, known.insert(secret).inserted else { return }
    for form in Self.forms(of: secret) {
      let isWord = form.count < Self.leastInsideWords
      forms[Self.beginning(of: form, at: 0), default: []].append(Form(bytes: form, isWord: isWord))
    }
  }

  /// The text with dots for every secret in it.
  func applied(to text: String) -> String {
    guard !isEmpty else { return text }
    let bytes = Array(text.utf8)
    var result: [UInt8] = []
    var (place, copied) = (0, 0)
    while place < bytes.count {
      guard let length = length(in: bytes, at: place) else {
        place += 1
        continue
      }
      result += bytes[copied..<place]
      result += Array("•••".utf8)
      place += length
      copied = place
    }
    return copied == 0 ? text : String(decoding: result + bytes[copied...], as: UTF8.self)
  }

  /// Whether there is a secret in the text.
  func finds(in text: String) -> Bool {
    let bytes = Array(text.utf8)
    return bytes.indices.contains { length(in: bytes, at: $0) != nil }
  }

  private func length(in bytes: [UInt8], at place: Int) -> Int? {
    guard place + Self.leastLength <= bytes.count else { return nil }
    return forms[Self.beginning(of: bytes, at: place)]?.lazy.compactMap { $0.length(in: bytes, at: place) }
      .max()
  }

  private static func beginning(of bytes: [UInt8], at place: Int) -> UInt32 {
    bytes[place..<(place + leastLength)].reduce(0) { $0 << 8 | UInt32($1) }
  }

  // MARK: - Forms

  private static func forms(of secret: String) -> Set<[UInt8]> {
    let bytes = Array(secret.utf8)
    let json = JSONValue.string(secret).serialized.dropFirst().dropLast()
    let slashed = String(json).replacing("/", with: "\\/")
    var texts = [secret, String(json), slashed]
    let encoded = PercentEncoding.encode(secret)
    // As in a form, and as in a path.
    for encoded in [encoded, encoded.replacing("%20", with: "+"), encoded.replacing("%2F", with: "/")] {
      texts += [encoded, lowercasedEscapes(encoded)]
    }
    texts += [html(secret, decimal: nil), html(secret, decimal: true), html(secret, decimal: false)]
    if bytes.count >= leastInsideWords {
      texts += base64(bytes)
      texts += [bytes.hexadecimal, bytes.hexadecimal.uppercased()]
    }
    return Set(texts.map { Array($0.utf8) })
  }

  /// The digits of escapes may be written either way (RFC 3986 §2.1).
  private static func lowercasedEscapes(_ text: String) -> String {
    let parts = text.split(separator: "%", omittingEmptySubsequences: false)
    return parts[0] + parts.dropFirst().map { "%" + $0.prefix(2).lowercased() + $0.dropFirst(2) }.joined()
  }

  /// As in a page: with entities by their names, or numbered, whatever an address would escape, too.
  private static func html(_ text: String, decimal: Bool?) -> String {
    let names: [UInt8: String] = [0x26: "amp", 0x3C: "lt", 0x3E: "gt", 0x22: "quot", 0x27: "#39"]
    return text.unicodeScalars.map { scalar in
      guard let byte = UInt8(exactly: scalar.value), !byte.isWordByte, !"-._~ ".utf8.contains(byte) else {
        return String(scalar)
      }
      guard let decimal else { return names[byte].map { "&\($0);" } ?? String(scalar) }
      return decimal ? "&#\(byte);" : "&#x\(String(byte, radix: 16, uppercase: true));"
    }.joined()
  }

  /// What of base64 depends on these bytes alone, whatever stands before and behind them, in both alphabets; and all of it, where
  /// they stand alone.
  private static func base64(_ bytes: [UInt8]) -> [String] {
    var texts = [Data(bytes).base64EncodedString()]
    for shift in 0..<3 {
      let whole = Data([UInt8](repeating: 0, count: shift) + bytes).base64EncodedString()
      let unpadded = whole.prefix { $0 != "=" }
      let before = [0, 2, 3][shift]
      let behind = unpadded.count < whole.count ? 1 : 0
      texts.append(String(unpadded.dropFirst(before).dropLast(behind)))
    }
    return texts + texts.map { $0.replacing("+", with: "-").replacing("/", with: "_") }
  }
}

extension UInt8 {
  /// Whether it is an ASCII letter or digit.
  fileprivate var isWordByte: Bool {
    switch self {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"):
      true
    default: false
    }
  }
}
