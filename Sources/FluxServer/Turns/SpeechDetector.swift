/// What was heard of speech in one 80 ms step.
package struct SpeechActivity: Sendable, Equatable {
  /// How many of the step's eight 10 ms frames carry speech.
  package var frames: Int
  /// How long no speech has been heard at the step's end, in 10 ms frames; since the stream began if there
  /// was none. What begins to sound like speech is no silence.
  package var silence: Int
  /// Frames before this step that turned out, with what it brought, to have been speech as well.
  package var earlier = 0
  /// The pitch at the end of the last phrase, as ``PhraseEnd`` has it; `nil` where nobody listened for it.
  package var lastPitch: Float?

  package init(frames: Int, silence: Int) {
    self.frames = frames
    self.silence = silence
  }

  package var isSpeech: Bool { frames > 0 }
}

/// Tells speech from everything else, one step of audio at a time.
///
/// The one thing the turn logic knows about sound, so that a better judge can take the place of ``SpeechDetector``.
package protocol SpeechJudge: Sendable {
  /// Judges the next step: ``AudioClock/stepSamples`` samples, 16 kHz mono.
  mutating func judge(_ step: Span<Int16>) -> SpeechActivity
}

/// Speech as what ``SpeechModel`` takes for speech for long enough.
///
/// Speech begins when the model's evidence, frame by frame, has added up; doubt adds up slower than certainty, so that
/// a voice is noticed in less than a tenth of a second and anything else needs to sound like a voice for longer than it does.
///
/// A plain value; judging a frame allocates nothing.
package struct SpeechDetector: SpeechJudge {
  /// Below this level nothing is speech, dB of full scale: digital silence, dither, the noise of a converter.
  static let quietest: Float = -66
  /// The evidence that begins speech, and that is enough soon after speech; in log odds added up over frames.
  static let certainty: Float = 20
  static let renewedCertainty: Float = 12
  /// Frames for which the lower of the two holds.
  static let renewal = 100
  /// Evidence that ends a silence of a few frames.
  static let continuation: Float = 7
  /// What a frame can add at most: no single one decides.
  static let mostEvidence: Float = 4
  /// Frames that still count as speech after the last of it: stops and weak consonants.
  static let hangover = 6
  /// Frames without speech after which it has to be found anew.
  static let forgetting = 20

  private var features = SoundFeatures()
  private var model = SpeechModel()
  private var phrase = PhraseEnd()
  private var evidence = Float(0)
  /// Frames since the evidence began to add up; not silence, as long as it does.
  private var suspected = 0
  private var isSpeaking = false
  private var silence = 0
  private var earlier = 0

  package init() {}

  package mutating func judge(_ step: Span<Int16>) -> SpeechActivity {
    var frames = 0
    var before = 0
    var start = 0
    while start + AudioClock.frameSamples <= step.count {
      if hear(step.extracting(start..<start + AudioClock.frameSamples)) {
        // What was speech before it was known to be.
        if earlier > 0 {
          frames = min(frames + earlier, start / AudioClock.frameSamples)
          before = max(0, earlier - start / AudioClock.frameSamples)
        }
        frames += 1
      }
      start += AudioClock.frameSamples
    }
    var activity = SpeechActivity(frames: frames, silence: silence - suspected)
    activity.earlier = before
    activity.lastPitch = phrase.pitch
    return activity
  }

  /// Judges one 10 ms frame.
  package mutating func hear(_ frame: Span<Int16>) -> Bool {
    features.hear(frame)
    let odds = model.hear(features)
    let isAudible = features.level > Self.quietest
    weigh(isAudible ? max(-Self.mostEvidence, min(Self.mostEvidence, odds)) : -Self.mostEvidence)
    phrase.hear(features.pitch, isSpeech: isSpeaking && silence == 0)
    return isSpeaking && silence <= Self.hangover
  }

  private mutating func weigh(_ odds: Float) {
    earlier = 0
    if isSpeaking {
      evidence = max(0, evidence + odds)
      if odds > 0, silence < Self.hangover || evidence >= Self.continuation {
        silence = 0
        evidence = 0
      } else {
        silence += 1
      }
      suspected = evidence > 0 ? suspected + 1 : 0
      if silence >= Self.forgetting { isSpeaking = false }
    } else {
      if silence < Int.max { silence += 1 }
      evidence = max(0, evidence + odds)
      suspected = evidence > 0 ? suspected + 1 : 0
      if evidence >= (silence < Self.renewal ? Self.renewedCertainty : Self.certainty) {
        isSpeaking = true
        silence = 0
        evidence = 0
        earlier = suspected - 1
      }
    }
  }
}
