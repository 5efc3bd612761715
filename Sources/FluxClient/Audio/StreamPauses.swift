internal import FluxGraph
internal import FluxProtocol

/// Silence that was sent while a source had paused, and that is no part of its stream: what the service says of times behind it is
/// led back to the source's own.
struct StreamPauses {
  /// Where silence was sent, in seconds of what the session has sent, and how much.
  private var pauses: [(start: Double, length: Double)] = []

  /// Silence of this length ends here.
  mutating func add(length: Double, endingAt end: Double) {
    if pauses.count == Self.most { pauses = [(0, pauses.reduce(0) { $0 + $1.length })] }
    pauses.append((end - length, length))
  }

  /// More of them in one session are taken together.
  private static let most = 10_000

  var isEmpty: Bool { pauses.isEmpty }

  /// A time of the source's stream; one within the silence is where it began.
  func streamTime(_ time: Double) -> Double {
    var result = time
    // Mostly it is one of the last.
    for pause in pauses where pause.start < time { result -= min(pause.length, time - pause.start) }
    return result
  }

  /// An event with all of its times led back.
  func led(_ event: SessionTurnEvent) -> SessionTurnEvent {
    var event = event
    event.start = event.start.map(streamTime)
    event.end = event.end.map(streamTime)
    event.words = event.words.map { word in
      var word = word
      word.start = word.start.map(streamTime)
      word.end = word.end.map(streamTime)
      return word
    }
    return event
  }
}
