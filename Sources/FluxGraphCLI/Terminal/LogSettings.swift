internal import FluxGraph
internal import Glibc

/// What of the log is written, and how: `FLUXGRAPH_LOG=info,flux:debug`, `FLUXGRAPH_LOG_FORMAT=json`.
struct LogSettings: Sendable, Hashable {
  enum Format: String, Sendable, CaseIterable {
    case text, json
  }

  /// The last level written for categories that are not named; nil for none.
  var level: LogLevel? = .warning
  /// The same for those that are.
  var categories: [String: LogLevel?] = [:]
  /// nil when the user has not chosen.
  var format: Format?
  /// What of the settings could not be read, one sentence each.
  var problems: [String] = []

  /// Reads the two variables.
  init(_ levels: String?, format: String?) {
    let words = LogLevel.allCases.map(\.name) + ["off"]
    for item in (levels ?? "").split(separator: ",") {
      let parts = item.split(separator: ":", omittingEmptySubsequences: false).map {
        $0.filter { !$0.isWhitespace }
      }
      guard parts.count <= 2, let word = parts.last, words.contains(word),
        parts.count == 1 || !parts[0].isEmpty
      else {
        problems.append(
          "FLUXGRAPH_LOG: `\(item)` is no level; there are \(words.joined(separator: ", ")), and `flux:debug` for one stage"
        )
        continue
      }
      let level = LogLevel.allCases.first { $0.name == word }
      if parts.count == 1 { self.level = level } else { categories[parts[0]] = .some(level) }
    }
    guard let format, !format.isEmpty else { return }
    self.format = Format(rawValue: format)
    if self.format == nil {
      problems.append("FLUXGRAPH_LOG_FORMAT: there is text and json, and no `\(format)`")
    }
  }

  /// Those of the process.
  static let current: LogSettings = {
    func variable(_ name: String) -> String? { getenv(name).map { String(cString: $0) } }
    return LogSettings(variable("FLUXGRAPH_LOG"), format: variable("FLUXGRAPH_LOG_FORMAT"))
  }()

  func isEnabled(_ level: LogLevel, category: String) -> Bool {
    guard let limit = categories[category] ?? self.level else { return false }
    return level <= limit
  }
}

/// The program's log, on standard error: as text, or as one JSON object a line.
struct ProgramLog: LogSink {
  let settings: LogSettings
  let isJSON: Bool
  /// Writes a line above what is drawn on the terminal.
  let write: @Sendable (String) -> Void

  func isEnabled(_ level: LogLevel, category: String) -> Bool {
    settings.isEnabled(level, category: category)
  }

  func write(_ entry: LogEntry) {
    guard isJSON else {
      let name = entry.stage == entry.category ? entry.category : "\(entry.stage) (\(entry.category))"
      write("\(entry.level.name): \(name): \(entry.message)".onOneLine)
      return
    }
    write(Self.json(entry.level.name, entry.category, entry.message, stage: entry.stage, time: entry.time))
  }

  /// A line of the log as JSON.
  static func json(
    _ level: String, _ category: String, _ message: String, stage: String? = nil, time: WallTime = .now()
  ) -> String {
    var members: [(String, JSONValue)] = [
      ("v", JSONValue(1)), ("event", "Log"), ("time", .string(time.rfc3339)), ("level", .string(level)),
      ("category", .string(category)),
    ]
    if let stage, stage != category { members.append(("stage", .string(stage))) }
    return JSONValue.object(members + [("message", .string(message))]).serialized
  }
}
