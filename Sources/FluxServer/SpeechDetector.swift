import Glibc

/// What was heard of speech in one 80 ms step.
package struct SpeechActivity: Sendable, Equatable {
  /// How many of the step's eight 10 ms frames carry speech.
  package var frames: Int
  /// How long no speech has been heard at the step's end, in 10 ms frames; since the stream began if there
  /// was none.
  package var silence: Int

  package init(frames: Int, silence: Int) {
    self.frames = frames
    self.silence = silence
  }

  package var isSpeech: Bool { frames > 0 }
}

/// Tells speech from everything else, one step of audio at a time.
///
/// The one thing the turn logic knows about sound, so that a better judge can take the place of
/// ``SpeechDetector``.
package protocol SpeechJudge: Sendable {
  /// Judges the next step: ``AudioClock/stepSamples`` samples, 16 kHz mono.
  mutating func judge(_ step: Span<Int16>) -> SpeechActivity
}

/// Speech as energy well above the background.
///
/// The background is the lowest smoothed level of the last 2.4 s: speech dips between syllables and words, a
/// fan does not. Before anything is known it is taken as quiet, so that speech in the very first frame counts
/// at once; a stream that begins with steady noise is mistaken for speech until the window has passed.
///
/// A plain value; judging a frame allocates nothing.
package struct SpeechDetector: SpeechJudge {
  /// Below this level nothing is speech, dB of full scale: digital silence, dither, the noise of a converter.
  static let quietest: Float = -58
  /// The background assumed before any was heard, and the lowest believed later.
  static let lowestFloor: Float = -64
  /// How far above the background speech begins, and how far it may sink before it ends, dB.
  static let onset: Float = 9
  static let release: Float = 6
  /// So many frames of the last five have to be loud before speech begins: a click is not speech.
  static let loudFrames = 4
  /// Frames that still count as speech after the level has sunk: stops and weak consonants.
  static let hangover = 6
  /// The window of the background: slots of 160 ms.
  static let slotFrames = 16

  private var floors = InlineArray<15, Float>(repeating: SpeechDetector.lowestFloor)
  private var slot = 0
  private var slotLevel: Float = 0
  private var framesInSlot = 0
  private var smoothed = SpeechDetector.lowestFloor
  private var lastSample: Float = 0
  private var highPassed: Float = 0
  private var loudHistory: UInt8 = 0
  private var isSpeaking = false
  private var framesSinceLoud = 0
  private var silence = 0

  package init() {}

  package mutating func judge(_ step: Span<Int16>) -> SpeechActivity {
    var frames = 0
    var start = 0
    while start + AudioClock.frameSamples <= step.count {
      if hear(step.extracting(start..<start + AudioClock.frameSamples)) { frames += 1 }
      start += AudioClock.frameSamples
    }
    return SpeechActivity(frames: frames, silence: silence)
  }

  /// Judges one 10 ms frame.
  package mutating func hear(_ frame: Span<Int16>) -> Bool {
    let level = self.level(of: frame)
    // Full scale is 0 dB, so the first frame of a slot always replaces the 0 a slot begins with.
    smoothed += (level - smoothed) * 0.3
    slotLevel = min(slotLevel, max(smoothed, Self.lowestFloor))
    framesInSlot += 1
    if framesInSlot == Self.slotFrames {
      floors[slot] = slotLevel
      slot = (slot + 1) % floors.count
      slotLevel = 0
      framesInSlot = 0
    }
    return decide(level: level, above: floor)
  }

  private var floor: Float {
    var lowest = slotLevel
    for index in floors.indices { lowest = min(lowest, floors[index]) }
    return lowest
  }

  private mutating func decide(level: Float, above floor: Float) -> Bool {
    let isLoud = level > max(floor + (isSpeaking ? Self.release : Self.onset), Self.quietest)
    loudHistory = (loudHistory << 1 | (isLoud ? 1 : 0)) & 0b11111
    if isLoud {
      framesSinceLoud = 0
      if loudHistory.nonzeroBitCount >= Self.loudFrames { isSpeaking = true }
    } else {
      framesSinceLoud = min(framesSinceLoud + 1, Self.hangover + 1)
      if framesSinceLoud > Self.hangover { isSpeaking = false }
    }
    if isSpeaking {
      silence = framesSinceLoud
    } else if silence < Int.max {
      silence += 1
    }
    return isSpeaking
  }

  /// The frame's level in dB of full scale, without what lies below speech (a 77 Hz high-pass takes offset
  /// and hum).
  private mutating func level(of frame: Span<Int16>) -> Float {
    var energy: Float = 0
    var last = lastSample
    var passed = highPassed
    for index in frame.indices {
      let sample = Float(frame[index])
      passed = sample - last + 0.97 * passed
      last = sample
      energy += passed * passed
    }
    lastSample = last
    highPassed = passed
    let mean = energy / Float(max(frame.count, 1)) / (32_768 * 32_768)
    return 10 * log10f(mean + 1e-12)
  }
}
