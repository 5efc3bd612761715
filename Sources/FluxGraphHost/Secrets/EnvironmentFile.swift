/// A `.env` file: lines `NAME=value`. `export ` before the name and quotes around the value are taken off, `#` begins a comment.
struct EnvironmentFile: Equatable {
  private(set) var values: [String: String] = [:]
  /// What could not be used, each to be put behind the file's name: its line and what it lacks, and none of its text, which may be
  /// a secret.
  private(set) var problems: [String] = []

  /// A file that could not be read.
  init(problem: String) { problems = [problem] }

  init(_ bytes: [UInt8]) {
    // Editors on Windows begin with a byte order mark.
    let mark: [UInt8] = [0xEF, 0xBB, 0xBF]
    let content = bytes.starts(with: mark) ? bytes.dropFirst(3) : bytes[...]
    for (index, line) in content.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
      .enumerated()
    {
      if let problem = take(line) { problems.append(":\(index + 1): \(problem); the line is left out") }
    }
  }

  /// - Returns: what is wrong with the line; nil if nothing is.
  private mutating func take(_ bytes: ArraySlice<UInt8>) -> String? {
    guard let text = String(validating: bytes, as: UTF8.self) else { return "this is not UTF-8 text" }
    var rest = text.trimmingPrefix(while: \.isWhitespace)
    if rest.isEmpty || rest.hasPrefix("#") { return nil }
    if rest.hasPrefix("export ") { rest = rest.dropFirst(7).trimmingPrefix(while: \.isWhitespace) }
    guard let equals = rest.firstIndex(of: "=") else { return "this is not NAME=value" }
    var name = rest[..<equals]
    while name.last?.isWhitespace == true { name.removeLast() }
    guard Self.isName(name) else { return "what stands before the equals sign is no name of a variable" }
    guard let value = Self.value(rest[rest.index(after: equals)...]) else {
      return "the quote before the value is not closed"
    }
    values[String(name)] = value
    return nil
  }

  private static func isName(_ text: Substring) -> Bool {
    guard let first = text.utf8.first, !(0x30...0x39).contains(first) else { return false }
    return text.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_") }
  }

  /// nil where a quote is not closed.
  private static func value(_ text: Substring) -> String? {
    let trimmed = text.trimmingPrefix(while: \.isWhitespace)
    if let quote = trimmed.first, quote == "\"" || quote == "'" {
      let inner = trimmed.dropFirst()
      return inner.firstIndex(of: quote).map { String(inner[..<$0]) }
    }
    let bare = trimmed.firstRange(of: " #").map { trimmed[..<$0.lowerBound] } ?? trimmed
    var value = String(bare)
    while value.last?.isWhitespace == true { value.removeLast() }
    return value
  }
}
