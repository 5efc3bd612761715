/// Notices when a source gives nothing but zeros: a device that works never does for long, so something is amiss.
struct DigitalSilence: Sendable {
  /// How long it has to last, in seconds.
  static let limit = 10

  private let frameLimit: Int
  private var silentFrames = 0
  private var isReported = false

  init(rate: Int) {
    frameLimit = rate * Self.limit
  }

  /// Frames have come, all zero or not. Returns whether to tell the user: once for each spell of silence.
  mutating func heard(_ frames: Int, areSilent: Bool) -> Bool {
    guard areSilent else {
      silentFrames = 0
      isReported = false
      return false
    }
    silentFrames += frames
    guard silentFrames >= frameLimit, !isReported else { return false }
    isReported = true
    return true
  }
}
