internal import FluxGraph

/// A caption: what stands on the screen from one moment to another.
struct Caption: Sendable, Hashable {
  /// Milliseconds of stream time.
  var start: Int
  var end: Int
  /// When what it says was said; nil where it stands no longer than that.
  var spokenEnd: Int?
  /// Whose it is: nobody's captions overlap each other.
  var speaker = ""
  /// Who speaks, where that is told beside the text: the name given with `as=`.
  var voice: String?
  /// One or two lines of at most 42 characters.
  var lines: [String]
  /// The same on one line.
  var text: String
}

/// How captions say who speaks.
enum CaptionNaming: Sendable {
  case nobody
  /// Beside the text.
  case voice
  /// At the beginning of the text.
  case prefix
}

/// What makes a caption one that people can read.
struct CaptionLimits: Sendable {
  /// Characters of a line; wide ones count as two.
  var columns = 42
  var lines = 2
  /// Characters of a name that stands in the text.
  var name = 20
  /// Milliseconds a caption stands at most.
  var duration = 7000
  /// Milliseconds it stands at least, where the next one leaves room.
  var shortest = 1000
  /// Characters people read in a second (Netflix Timed Text Style Guide: 20 for adult programmes).
  var readingSpeed = 20
  /// A pause of so many milliseconds ends a caption.
  var pause = 700

  /// Characters without a width count as well: a line must not hold any number of them.
  static func columns(of character: Character) -> Int { max(1, displayWidth(character)) }

  static func columns(of text: String) -> Int { text.reduce(0) { $0 + columns(of: $1) } }
}

/// Seconds of stream time in whole milliseconds. Rounded here, once: a time whose parts were rounded one by one can come
/// out as `00:00:59,1000`.
func captionMilliseconds(_ seconds: Double) -> Int {
  // Times come from a service: whatever it says, they stay within a thousand hours.
  seconds.isNaN ? 0 : Int((min(max(0, seconds), 3_600_000) * 1000).rounded())
}
