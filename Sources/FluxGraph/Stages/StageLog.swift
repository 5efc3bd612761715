internal import Glibc

/// How much a line of the log matters. Ordered: an error is the least of the levels, `debug` the greatest.
public enum LogLevel: Int, Sendable, Hashable, Comparable, CaseIterable {
  /// Something failed.
  case error
  /// Something is not as it should be, and goes on.
  case warning
  /// What happens in the large: connections, files, devices.
  case info
  /// What happens in detail: for whoever looks for a fault.
  case debug

  /// Whether `left` matters more than `right`.
  public static func < (left: LogLevel, right: LogLevel) -> Bool { left.rawValue < right.rawValue }

  /// The word for the level: "error", "warning", "info", "debug".
  public var name: String {
    switch self {
    case .error: "error"
    case .warning: "warning"
    case .info: "info"
    case .debug: "debug"
    }
  }
}

/// One line of the log.
public struct LogEntry: Sendable, Hashable {
  /// How much it matters.
  public var level: LogLevel
  /// The subject: a stage's word in the graph, such as `flux`.
  public var category: String
  /// The stage by the name the user gave its chain; equal to the category where there is none.
  public var stage: String
  /// When it happened.
  public var time: WallTime
  /// What happened, as one sentence without a full stop. Never holds a secret.
  public var message: String

  public init(level: LogLevel, category: String, stage: String, time: WallTime, message: String) {
    self.level = level
    self.category = category
    self.stage = stage
    self.time = time
    self.message = message
  }
}

/// Where lines of the log go. The host program supplies it; any thread may call it, also several at a time.
public protocol LogSink: Sendable {
  /// Whether lines of this level and category are kept. Asked before a line is put together, so it must be cheap.
  func isEnabled(_ level: LogLevel, category: String) -> Bool
  /// Takes a line. Must not wait for anything.
  func write(_ entry: LogEntry)
}

/// The plain log: lines up to a level, on standard error.
public struct StandardErrorLog: LogSink {
  private let limit: LogLevel

  /// A log on standard error.
  /// - Parameter limit: the last level that is still written.
  public init(upTo limit: LogLevel = .warning) {
    self.limit = limit
  }

  /// Whether the level is written; categories make no difference.
  public func isEnabled(_ level: LogLevel, category: String) -> Bool { level <= limit }

  /// Writes `warning: flux: …` as one line.
  public func write(_ entry: LogEntry) {
    let name = entry.stage == entry.category ? entry.category : "\(entry.stage) (\(entry.category))"
    let line = "\(entry.level.name): \(name): \(entry.message)".onOneLine + "\n"
    line.withCString { _ = Glibc.write(2, $0, strlen($0)) }
  }
}

/// A stage's way to the program's log: for whoever looks for a fault. What a user should know is a `Notice`.
///
/// Any thread may write. A line that is not wanted is not put together, but one that is allocates: on an audio thread write
/// only what is rare.
public struct StageLog: Sendable {
  /// The stage's word in the graph: what users choose levels by.
  public let category: String
  private let stage: String
  private let sink: any LogSink
  private let clock: any GraphClock
  private let secrets: SecretRegister

  package init(
    category: String, stage: String, sink: any LogSink, clock: any GraphClock,
    secrets: SecretRegister = SecretRegister()
  ) {
    self.category = category
    self.stage = stage
    self.sink = sink
    self.clock = clock
    self.secrets = secrets
  }

  /// Whether lines of this level are kept: to spare the work of finding out what to write.
  public func isEnabled(_ level: LogLevel) -> Bool { sink.isEnabled(level, category: category) }

  /// Says that something failed, as one sentence without a full stop.
  public func error(_ message: @autoclosure () -> String) { write(.error, message) }
  /// Says that something is not as it should be, as one sentence without a full stop.
  public func warning(_ message: @autoclosure () -> String) { write(.warning, message) }
  /// Says what happens in the large, as one sentence without a full stop.
  public func info(_ message: @autoclosure () -> String) { write(.info, message) }
  /// Says what happens in detail, as one sentence without a full stop.
  public func debug(_ message: @autoclosure () -> String) { write(.debug, message) }

  private func write(_ level: LogLevel, _ message: () -> String) {
    guard sink.isEnabled(level, category: category) else { return }
    sink.write(
      LogEntry(
        level: level, category: category, stage: stage, time: clock.wallTime(),
        message: secrets.masked(message())))
  }
}
