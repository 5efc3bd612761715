import Glibc

/// Follows a speaker's pitch to know, when a phrase stops, whether the voice fell.
///
/// Of what else was tried with the corpus of `tools/bench turns`, nothing told ends from pauses with voices it had not been
/// fitted to: the pitch's slope, the loudness, the length of the last vowel and of the phrase, the noise.
package struct PhraseEnd: Sendable {
  /// Frames of silence that separate phrases.
  private static let pause = 10
  /// The periodicity of a voiced frame.
  private static let voiced = Float(0.55)
  /// Voiced frames that the speaker's usual pitch is the mean of.
  private static let memory = Float(400)

  /// The phrase's last pitch against the speaker's usual one, octaves; 0 as long as neither is known.
  package private(set) var pitch = Float(0)

  private var usualPitch = Float(0)
  private var voicedFrames = Float(0)
  private var lastPitch = Float(0)
  private var silence = PhraseEnd.pause

  package init() {}

  mutating func hear(_ voice: VoicePitch, isSpeech: Bool) {
    guard isSpeech else {
      silence = min(silence + 1, Self.pause)
      return
    }
    if silence >= Self.pause { lastPitch = 0 }
    silence = 0
    if voice.periodicity > Self.voiced {
      voicedFrames = min(voicedFrames + 1, Self.memory)
      usualPitch += (voice.pitch - usualPitch) / voicedFrames
      // The mean of the last tenth of a second or so.
      lastPitch = lastPitch == 0 ? voice.pitch : lastPitch + (voice.pitch - lastPitch) * 0.15
    }
    pitch = lastPitch > 0 && usualPitch > 0 ? max(-0.6, min(0.6, log2f(lastPitch / usualPitch))) : 0
  }
}
