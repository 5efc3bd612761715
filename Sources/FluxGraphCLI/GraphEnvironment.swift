internal import Glibc

/// The environment a graph may read with `env(…)`: the process's own variables, then a `.env` file beside the graph, then one
/// in the working directory.
struct GraphEnvironment: Sendable {
  /// More than any list of settings.
  private static let sizeLimit = 1 << 20

  private let values: [String: String]

  init(directory: String) {
    var values: [String: String] = [:]
    for path in [".env", directory + "/.env"] {
      if let text = Self.read(path) { values.merge(Self.parse(text)) { _, new in new } }
    }
    self.values = values
  }

  subscript(name: String) -> String? {
    if let value = getenv(name) { return String(cString: value) }
    return values[name]
  }

  private static func read(_ path: String) -> String? {
    guard let bytes = try? InputFile.read(path, limit: sizeLimit) else { return nil }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// Lines `NAME=value`; `export ` before the name and quotes around the value are taken off, `#` begins a comment.
  static func parse(_ text: String) -> [String: String] {
    var values: [String: String] = [:]
    for line in text.split(whereSeparator: \.isNewline) {
      var rest = line.trimmingPrefix(while: \.isWhitespace)
      if rest.hasPrefix("#") { continue }
      if rest.hasPrefix("export ") { rest = rest.dropFirst(7) }
      guard let equals = rest.firstIndex(of: "=") else { continue }
      let name = rest[..<equals].filter { !$0.isWhitespace }
      guard !name.isEmpty, name.allSatisfy({ $0.isLetter || $0.isNumber || $0 == "_" }) else { continue }
      values[String(name)] = value(rest[rest.index(after: equals)...])
    }
    return values
  }

  private static func value(_ text: Substring) -> String {
    let trimmed = text.trimmingPrefix(while: \.isWhitespace)
    if let quote = trimmed.first, quote == "\"" || quote == "'" {
      let inner = trimmed.dropFirst()
      if let end = inner.firstIndex(of: quote) { return String(inner[..<end]) }
    }
    let bare = trimmed.firstRange(of: " #").map { trimmed[..<$0.lowerBound] } ?? trimmed
    var value = String(bare)
    while value.last?.isWhitespace == true { value.removeLast() }
    return value
  }
}
