/// The grid the server hears on: 16 kHz mono, cut into 80 ms steps of eight 10 ms frames.
///
/// Every time inside the server is a count on this grid, so that the same audio gives the same events however
/// fast it arrives and however it is cut into messages.
package enum AudioClock {
  /// Samples a second.
  package static let rate = 16_000
  /// Samples of a 10 ms frame, the unit of speech decisions.
  package static let frameSamples = 160
  /// Frames of a step.
  package static let stepFrames = 8
  /// Samples of an 80 ms step, the unit in which Flux listens and answers.
  package static let stepSamples = frameSamples * stepFrames

  /// The time in seconds of a sample position.
  package static func seconds(_ samples: Int) -> Double {
    Double(samples) / Double(rate)
  }
}
