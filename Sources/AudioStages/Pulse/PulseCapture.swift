internal import FluxGraph
internal import Synchronization

/// What all captures have in common: how they wake their reader, and what they tell the user.
class PulseCapture: PulseClient, @unchecked Sendable {
  // Unchecked: what changes belongs to the thread `pulse`, or is atomic.

  let settings: PulseSettings
  let report = PulseReport()
  private let context: StageContext
  /// Whether the reader has to be called often.
  let needsTicks = Atomic<Bool>(true)
  private var lastWake = Instant(nanoseconds: 0)

  init(_ settings: PulseSettings, _ context: StageContext) {
    self.settings = settings
    self.context = context
  }

  /// The name of its streams in mixers: the chain's, as the user wrote it.
  var streamName: String { context.location.map { "\(context.name) (\($0))" } ?? context.name }

  func inventoryChanged(_ inventory: PulseInventory, _ context: OpaquePointer) {}
  func connectionLost(_ reason: String) {}
  var wantsInventory: Bool { false }
  /// Ends all streams.
  func close() {}

  func tick() -> Bool {
    let isSoon = needsTicks.load(ordering: .relaxed)
    // A source that should give something and does not has to be looked after as well, if less often.
    if isSoon || Instant.now().duration(since: lastWake) >= .milliseconds(100) { wake() }
    return isSoon
  }

  func wake() {
    lastWake = .now()
    context.wake()
  }

  func notice(
    _ word: String, _ message: String, severity: Notice.Severity = .info,
    details: [(name: String, value: JSONValue)] = []
  ) {
    report.add(Notice(word, message, severity: severity, details: details))
    wake()
  }

  /// Tells of what happened to a stream that records from `title`, as far as that is the same for all captures.
  func tell(_ event: PulseRecordStream.Event, of title: String, rate: Int) {
    switch event {
    case .suspended:
      notice(
        "suspended", "\(title) is suspended; until it is resumed there is silence in its place",
        severity: .warning)
    case .resumed: notice("resumed", "\(title) is back")
    case .overflowed:
      notice("overflow", "the sound server has lost audio of \(title)", severity: .warning)
    case .hole(let frames):
      let milliseconds = Double(frames) / Double(rate) * 1000
      notice(
        "gap",
        "the sound server has lost \(fixedText(milliseconds, digits: 0)) ms of \(title); there is silence in their place",
        severity: .warning, details: [("seconds", JSONValue(milliseconds / 1000, digits: 3))])
    case .started, .moved, .ended: break
    }
  }
}

/// What a stage's options say about a capture.
struct PulseSettings: Sendable {
  var target: PulseTarget
  var server: String?
  var latency: Duration
  /// Whether it stays with its source, whatever becomes of it.
  var isPinned: Bool
}
