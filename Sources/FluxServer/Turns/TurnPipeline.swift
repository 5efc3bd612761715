/// From sound to turn events for one stream, as a value: audio and commands go in, in order; blocks for a
/// recogniser and reports come out.
///
/// Audio time is the only clock of its decisions. An event waits for the words of its step. Wall time matters
/// only once the recogniser has answered nothing for ``wordLimit``: then the segment's transcript is
/// `[speech]` and a notice says so. A recogniser that is slow but moving is waited for; the caller then holds
/// the client back. The caller takes every output with ``next(now:)`` after each call.
package struct TurnPipeline: Sendable {
  package enum Output: Sendable, Equatable {
    case recognise(SpeechBlock)
    /// For ``WordStream/abandonSegment()``.
    case abandonSegment
    case report(TurnReport)
    /// A command's turn has come: everything heard before it has been dealt with.
    case reached(Int)
    /// Something the user should know, one plain sentence; never the same one twice in a stream.
    case notice(String)
    /// The last output.
    case finished
  }

  /// Steps that may be with the recogniser at once, 4 s.
  static let mostPending = 50
  /// Audio from before a segment that its recogniser hears, in samples: four steps.
  static let leadIn = 4 * AudioClock.stepSamples

  private enum Input: Sendable {
    case audio([Int16])
    case command(Int)
    case finish
  }

  private struct Pending: Sendable {
    var end: Int
    var activity: SpeechActivity
    var phase: SegmentPhase
    var segmentStart: Int
    /// The block whose answer is awaited.
    var number: Int?
    var submitted: Duration
    var words: [RecognisedWord]?
    var isLast: Bool
  }

  /// How long the next words may take, in wall time.
  package let wordLimit: Duration
  private var detector: TurnDetector
  private var judge: any SpeechJudge
  private var tracker = SegmentTracker()
  private var inputs: [Input] = []
  /// Samples of the first input that have been taken.
  private var firstOffset = 0
  private var pending: [Pending] = []
  private var outputs: [Output] = []
  private var step: [Int16] = []
  private var recent: [Int16] = []
  private var position = 0
  private var segmentStart = 0
  private var blockNumber = 0
  private var lastAnswer = Duration.zero
  /// Answers that will still come for blocks nobody waits for any more.
  private var unwanted = 0
  private var isSegmentLost = false
  private var backlog = 0
  private var isFinished = false
  private var said: Set<String> = []

  package init(thresholds: TurnThresholds, judge: any SpeechJudge = SpeechDetector(), wordLimit: Duration) {
    detector = TurnDetector(thresholds: thresholds)
    self.judge = judge
    self.wordLimit = wordLimit
    step.reserveCapacity(AudioClock.stepSamples)
  }

  package var thresholds: TurnThresholds {
    get { detector.thresholds }
    set { detector.thresholds = newValue }
  }

  /// Samples taken and not yet heard, because the recogniser is behind. The caller stops reading when this grows.
  package var backlogSamples: Int { backlog + pending.count * AudioClock.stepSamples }

  /// Samples heard so far.
  package var heardSamples: Int { position }

  /// Since when what was heard waits for words; `nil` if it does not.
  package var waitingSince: Duration? { pending.first { $0.number != nil }?.submitted }

  /// What is known of the turn under way.
  package var present: TurnReport { detector.present }

  /// When ``expire(now:)`` is due.
  package var deadline: Duration? {
    pending.first { $0.number != nil }.map { max($0.submitted, lastAnswer) + wordLimit }
  }

  /// 16 kHz mono audio, any number of samples.
  package mutating func hear(_ samples: [Int16]) {
    guard !samples.isEmpty else { return }
    inputs.append(.audio(samples))
    backlog += samples.count
  }

  /// A command that has to wait for everything heard before it; comes back as ``Output/reached(_:)``.
  package mutating func mark(_ command: Int) {
    inputs.append(.command(command))
  }

  /// The end of the stream: what is left is heard, then ``Output/finished`` follows.
  package mutating func finish() {
    inputs.append(.finish)
  }

  /// Ends the active turn with what was heard; `nil` if no turn is active. To be called on ``Output/reached(_:)``.
  package mutating func forceEndTurn() -> TurnReport? {
    guard let report = detector.forceEnd() else { return nil }
    if tracker.isOpen {
      tracker.abandon()
      if !isSegmentLost { outputs.append(.abandonSegment) }
    }
    isSegmentLost = false
    recent.removeAll(keepingCapacity: true)
    return report
  }

  package mutating func take(_ answer: WordAnswer, now: Duration) {
    lastAnswer = now
    guard let index = pending.firstIndex(where: { $0.number == answer.number }) else {
      unwanted = max(unwanted - 1, 0)
      return
    }
    pending[index].number = nil
    switch answer.words {
    case .heard(let words):
      pending[index].words = words
    case .unavailable(let reason):
      say(reason)
      pending[index].words = [speechMark(pending[index])]
    }
  }

  /// Gives up on words that took too long.
  package mutating func expire(now: Duration) {
    guard let deadline, deadline <= now else { return }
    let seconds = wordLimit.components.seconds
    say("The local recogniser gave no answer for \(seconds) s: speech is shown as [speech].")
    for index in pending.indices where pending[index].number != nil {
      pending[index].number = nil
      pending[index].words = [speechMark(pending[index])]
      unwanted += 1
    }
    if tracker.isOpen { isSegmentLost = true }
    outputs.append(.abandonSegment)
  }

  /// The next thing to do; `nil` until something goes in again.
  package mutating func next(now: Duration) -> Output? {
    while outputs.isEmpty {
      if let first = pending.first, first.number == nil {
        pending.removeFirst()
        settle(first)
      } else if !advance(now: now) {
        return nil
      }
    }
    return outputs.removeFirst()
  }

  private mutating func settle(_ step: Pending) {
    let report =
      step.isLast
      ? detector.finish(at: step.end, activity: step.activity, phase: step.phase, words: step.words)
      : detector.advance(to: step.end, activity: step.activity, phase: step.phase, words: step.words)
    if let report { outputs.append(.report(report)) }
    if step.isLast {
      isFinished = true
      outputs.append(.finished)
    }
  }

  /// Takes one piece of input as far as it goes; false if nothing can be done before an answer comes.
  private mutating func advance(now: Duration) -> Bool {
    guard let input = inputs.first, !isFinished, pending.count < Self.mostPending else { return false }
    switch input {
    case .audio(let samples):
      let taken = min(samples.count - firstOffset, AudioClock.stepSamples - step.count)
      step += samples[firstOffset..<firstOffset + taken]
      backlog -= taken
      firstOffset += taken
      if firstOffset == samples.count {
        inputs.removeFirst()
        firstOffset = 0
      }
      if step.count == AudioClock.stepSamples { hearStep(isLast: false, now: now) }
      return true
    case .command(let command):
      guard pending.isEmpty else { return false }
      inputs.removeFirst()
      outputs.append(.reached(command))
      return true
    case .finish:
      inputs.removeFirst()
      hearStep(isLast: true, now: now)
      return true
    }
  }

  private mutating func hearStep(isLast: Bool, now: Duration) {
    let real = step.count
    let heard = step + repeatElement(0, count: AudioClock.stepSamples - real)
    step.removeAll(keepingCapacity: true)
    let activity = judge.judge(heard.span)
    let wasOpen = tracker.isOpen
    var phase = tracker.advance(activity)
    if isLast {
      // Nothing more comes: an open segment ends here; one that would begin is over before it has a word.
      phase = wasOpen ? .ends : .outside
    }
    if phase == .begins {
      segmentStart =
        position + (AudioClock.stepFrames - activity.frames - activity.earlier) * AudioClock.frameSamples
      isSegmentLost = unwanted > 0
      if isSegmentLost { say("The local recogniser is still busy with earlier speech.") }
    }
    var number: Int?
    if phase != .outside, !isSegmentLost {
      number = blockNumber
      blockNumber += 1
      let before = phase == .begins ? recent : []
      outputs.append(
        .recognise(
          SpeechBlock(
            number: blockNumber - 1, start: position - before.count, samples: before + heard,
            begins: phase == .begins, ends: phase == .ends)))
    }
    position += real
    var pendingStep = Pending(
      end: position, activity: activity, phase: phase, segmentStart: segmentStart, number: number,
      submitted: now, words: nil, isLast: isLast)
    if phase != .outside, number == nil { pendingStep.words = [speechMark(pendingStep)] }
    pending.append(pendingStep)
    remember(heard, phase: phase)
  }

  /// Keeps what a segment beginning next would want to hear first: no audio is heard twice.
  private mutating func remember(_ heard: [Int16], phase: SegmentPhase) {
    guard phase == .outside else {
      recent.removeAll(keepingCapacity: true)
      return
    }
    recent += heard
    if recent.count > Self.leadIn { recent.removeFirst(recent.count - Self.leadIn) }
  }

  private func speechMark(_ step: Pending) -> RecognisedWord {
    let end = step.end - step.activity.silence * AudioClock.frameSamples
    return .speechMark(
      start: AudioClock.seconds(step.segmentStart), end: AudioClock.seconds(max(end, step.segmentStart)))
  }

  private mutating func say(_ notice: String) {
    if said.insert(notice).inserted { outputs.append(.notice(notice)) }
  }
}
