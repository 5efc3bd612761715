/// Where one step of audio stands with respect to a speech segment, the piece of audio a recogniser hears as one.
package enum SegmentPhase: Sendable, Equatable {
  /// No speech and none lately: nobody needs to hear it.
  case outside
  /// The segment's first step.
  case begins
  case inside
  /// The segment's last step: its words are settled after it.
  case ends
}

/// Cuts the stream of speech decisions into segments.
///
/// A segment ends after 240 ms without speech: enough for the recogniser's last word, and before any threshold Flux allows could
/// end the turn, so that words never change after the turn's end became likely. Speech without a pause is cut at the first weak
/// spot after 12 s, or at 20 s, which bounds what the recogniser's last pass has to do at once.
package struct SegmentTracker: Sendable {
  /// Silence that ends a segment, in 10 ms frames.
  static let settledSilence = 24
  /// Speech that begins a segment, in 10 ms frames.
  static let leastSpeech = 2
  /// Steps after which any weak spot ends the segment, and after which it ends wherever it is.
  static let wishedSteps = 150
  static let mostSteps = 250

  private(set) var steps = 0

  package init() {}

  /// Whether a segment is open after the last step.
  package var isOpen: Bool { steps > 0 }

  package mutating func advance(_ activity: SpeechActivity) -> SegmentPhase {
    guard isOpen else {
      guard activity.frames >= Self.leastSpeech else { return .outside }
      steps = 1
      return .begins
    }
    steps += 1
    let isWeak = steps >= Self.wishedSteps && activity.silence > 0
    guard activity.silence >= Self.settledSilence || isWeak || steps >= Self.mostSteps else { return .inside }
    steps = 0
    return .ends
  }

  /// Ends the open segment here and now: its turn was ended by command.
  package mutating func abandon() {
    steps = 0
  }
}
