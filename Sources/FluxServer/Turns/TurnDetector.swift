/// When a turn ends, as the client asked for it.
package struct TurnThresholds: Sendable, Equatable {
  /// Confidence at which the turn is over; 1 leaves that to time and command.
  package var endOfTurn: Double
  /// Confidence at which an end is announced; `nil` without announcements.
  package var eager: Double?
  /// Silence after speech that ends the turn at any confidence, milliseconds.
  package var timeout: Int

  package init(endOfTurn: Double = 0.7, eager: Double? = nil, timeout: Int = 5000) {
    self.endOfTurn = endOfTurn
    self.eager = eager
    self.timeout = timeout
  }
}

/// A turn event, before it becomes a message.
package struct TurnReport: Sendable, Equatable {
  package enum Kind: Sendable, Equatable {
    case update
    case startOfTurn
    case eagerEndOfTurn
    case turnResumed
    case endOfTurn(Trigger)
  }

  package enum Trigger: String, Sendable {
    case model, timeout, manual
  }

  package var kind: Kind
  package var turn: Int
  /// Sample positions.
  package var windowStart: Int
  package var windowEnd: Int
  package var words: [RecognisedWord]
  package var confidence: Double

  /// The words joined by single spaces, as Flux does it.
  package var transcript: String {
    words.map(\.text).joined(separator: " ")
  }
}

/// The state machine of turns, driven by audio time alone: one call for each 80 ms step, at most one event each.
///
/// The confidence that a turn is over is ``EndOfTurnModel``'s: it grows with the silence after the turn's last speech;
/// speech takes it back to 0. Neither an eager nor a final end is declared while a segment's words are still open, so what an `EndOfTurn` says was said before,
/// or a `TurnResumed` came first.
package struct TurnDetector: Sendable {
  /// Steps between two `Update`s, normally; every step once the end is near.
  static let updateSteps = 3
  static let finelyReportedConfidence = 0.5
  /// Speech before an announced end is taken back, in steps, when no word decides it.
  static let decisiveSteps = 2

  package var thresholds: TurnThresholds
  package private(set) var turn = 0

  private enum State: Equatable {
    case initial
    case ongoing
    case awaitingEnd(transcript: String)
  }

  private var state = State.initial
  private var windowStart = 0
  private var position = 0
  private var settledWords: [RecognisedWord] = []
  private var openWords: [RecognisedWord] = []
  private var isSegmentOpen = false
  private var hasSpoken = false
  private var spokenSteps = 0
  private var silence = 0
  private var lastPitch: Float?
  private var stepsSinceReport = 0
  private var hasUnreportedAudio = false

  package init(thresholds: TurnThresholds) {
    self.thresholds = thresholds
  }

  package var isTurnActive: Bool { state != .initial }

  /// One step of audio up to sample `end`, and what the recogniser makes of the open segment up to there.
  ///
  /// - Parameters:
  ///   - phase: where the step stands in its segment; `.ends` settles `words`.
  ///   - words: all words of the segment so far; `nil` outside of segments.
  package mutating func advance(
    to end: Int, activity: SpeechActivity, phase: SegmentPhase, words: [RecognisedWord]?
  ) -> TurnReport? {
    hear(to: end, activity: activity, phase: phase, words: words)
    let kind = decide()
    if let kind { return report(kind) }
    let finely =
      thresholds.eager.map { min($0, Self.finelyReportedConfidence) } ?? Self.finelyReportedConfidence
    guard stepsSinceReport >= Self.updateSteps || (isTurnActive && confidence >= finely) else { return nil }
    return report(.update)
  }

  /// What is known up to now, once more: it changes nothing.
  package var present: TurnReport {
    TurnReport(
      kind: .update, turn: turn, windowStart: windowStart, windowEnd: position,
      words: transcriptWords.map(insideWindow), confidence: confidence)
  }

  /// Ends the active turn by command with what was heard up to now; `nil` if there is none.
  ///
  /// The caller abandons the open segment, if any: the audio after this belongs to the next turn.
  package mutating func forceEnd() -> TurnReport? {
    guard isTurnActive else { return nil }
    return report(.endOfTurn(.manual))
  }

  /// The last audio of the stream, which may be less than a step: an `Update` if anything is left to say, never more.
  package mutating func finish(
    at end: Int, activity: SpeechActivity, phase: SegmentPhase, words: [RecognisedWord]?
  ) -> TurnReport? {
    let before = transcriptWords
    hear(to: end, activity: activity, phase: phase, words: words)
    guard hasUnreportedAudio || transcriptWords != before else { return nil }
    return report(.update)
  }

  private mutating func hear(
    to end: Int, activity: SpeechActivity, phase: SegmentPhase, words: [RecognisedWord]?
  ) {
    hasUnreportedAudio = hasUnreportedAudio || end > position
    position = end
    stepsSinceReport += 1
    silence = activity.silence
    lastPitch = activity.lastPitch
    if activity.isSpeech {
      hasSpoken = true
      spokenSteps += 1
    }
    switch phase {
    case .outside:
      isSegmentOpen = false
    case .begins:
      isSegmentOpen = true
      openWords = []
      take(words)
    case .inside:
      take(words)
    case .ends:
      take(words)
      settledWords = transcriptWords
      openWords = []
      isSegmentOpen = false
    }
  }

  /// A recogniser that wavers back to nothing does not unsay what was reported.
  private mutating func take(_ words: [RecognisedWord]?) {
    guard let words, !words.isEmpty else { return }
    openWords = words
  }

  private mutating func decide() -> TurnReport.Kind? {
    switch state {
    case .initial:
      guard hasWords else { return nil }
      state = .ongoing
      return .startOfTurn
    case .ongoing:
      if let end = endOfTurn() { return end }
      guard let eager = thresholds.eager, !isSegmentOpen, confidence >= eager else { return nil }
      state = .awaitingEnd(transcript: transcript)
      spokenSteps = 0
      return .eagerEndOfTurn
    case .awaitingEnd(let announced):
      guard transcript == announced, spokenSteps < Self.decisiveSteps else {
        state = .ongoing
        return .turnResumed
      }
      return endOfTurn()
    }
  }

  private func endOfTurn() -> TurnReport.Kind? {
    guard !isSegmentOpen else { return nil }
    if thresholds.endOfTurn < 1, confidence >= thresholds.endOfTurn { return .endOfTurn(.model) }
    // Frames of 10 ms.
    return silence >= (thresholds.timeout + 9) / 10 ? .endOfTurn(.timeout) : nil
  }

  private mutating func report(_ kind: TurnReport.Kind) -> TurnReport {
    var report = present
    report.kind = kind
    stepsSinceReport = 0
    hasUnreportedAudio = false
    if case .endOfTurn = kind { beginNextTurn() }
    return report
  }

  private mutating func beginNextTurn() {
    state = .initial
    turn += 1
    windowStart = position
    settledWords = []
    openWords = []
    isSegmentOpen = false
    hasSpoken = false
    spokenSteps = 0
  }

  private var confidence: Double {
    guard hasSpoken else { return 0 }
    return EndOfTurnModel.confidence(silence: Double(min(silence, 100_000)) / 100, pitch: lastPitch)
  }

  private var transcriptWords: [RecognisedWord] {
    guard let last = settledWords.last, let first = openWords.first, last.isSpeechMark, first.isSpeechMark
    else {
      return settledWords + openWords
    }
    var mark = last
    mark.end = first.end
    return settledWords.dropLast() + [mark] + openWords.dropFirst()
  }

  private var hasWords: Bool { !settledWords.isEmpty || !openWords.isEmpty }
  private var transcript: String { transcriptWords.map(\.text).joined(separator: " ") }

  /// A segment begins a little before its speech, which may be in the window of the turn before.
  private func insideWindow(_ word: RecognisedWord) -> RecognisedWord {
    let window = AudioClock.seconds(windowStart)...AudioClock.seconds(position)
    var word = word
    word.start = min(max(word.start, window.lowerBound), window.upperBound)
    word.end = min(max(word.end, word.start), window.upperBound)
    return word
  }
}
