/// What ffmpeg says on its standard error, with `-loglevel level+info`: what is wrong, and how long the header says the sound is.
///
///     [mov @ 0x55e9…] [error] moov atom not found
///     [info]   Duration: 00:00:08.83, start: 0.025057, bitrate: 76 kb/s
package final class FFmpegReport {
  /// Seconds of sound the header promises; nil where it says nothing, where ffmpeg has guessed, and where it may be another stream
  /// that lasts so long.
  package var promised: Double? { isGuess || hasOtherStreams ? nil : duration }
  /// Whether there is more than the one stream of sound, such as a picture that moves: complaints may be of that.
  package var hasOtherStreams: Bool { streams > 1 }
  /// Lines that tell of something wrong.
  package private(set) var complaints = 0
  private var duration: Double?
  private var isGuess = false
  private var streams = 0
  private var isInput = true

  package init() {}

  /// Takes a line in, and returns what of it people should see; nil for nothing.
  package func take(_ line: String) -> String? {
    let (level, text) = Self.parts(line)
    switch level {
    case "error", "fatal", "panic":
      complaints += 1
      return text
    case "warning":
      // Of damage in the middle it only warns.
      if text.lowercased().contains("corrupt") {
        complaints += 1
        return text
      }
      if text.contains("Estimating duration") || text.contains("using bitrate for duration") {
        isGuess = true
      }
    // The cover is no stream that lasts.
    case "info"
    where isInput && text.hasPrefix("Stream #0:") && !text.contains("(attached pic)")
      && !text.contains(" -> "):
      streams += 1
    case "info" where text.hasPrefix("Output #0"): isInput = false
    case "info" where duration == nil && text.hasPrefix("Duration: "):
      duration = Self.seconds(text.dropFirst("Duration: ".count).prefix { $0 != "," })
    case nil: return text
    default: break
    }
    return nil
  }

  /// The level of a line, and the line without what only its writer understands: the place in its memory, and the name it knows its
  /// input by.
  private static func parts(_ line: String) -> (level: String?, text: String) {
    var rest = line[...]
    var level: String?
    while rest.hasPrefix("["), let end = rest.firstRange(of: "] ") {
      let word = rest[rest.index(after: rest.startIndex)..<end.lowerBound]
      let isPlace = word.contains(" @ 0x")
      guard isPlace || level == nil && word.allSatisfy({ $0.isLetter }) else { break }
      if !isPlace { level = String(word) }
      rest = rest[end.upperBound...]
    }
    rest = rest.drop { $0 == " " }
    for input in ["file:/proc/self/fd/0: ", "pipe:0: "] where rest.hasPrefix(input) {
      rest = rest.dropFirst(input.count)
    }
    return (level, String(rest))
  }

  /// `00:01:05.29` in seconds.
  private static func seconds(_ text: Substring) -> Double? {
    let parts = text.split(separator: ":", omittingEmptySubsequences: false).map { Double($0) }
    guard parts.count == 3, let hours = parts[0], let minutes = parts[1], let seconds = parts[2] else {
      return nil
    }
    let total = hours * 3600 + minutes * 60 + seconds
    return total.isFinite && total > 0 ? total : nil
  }
}
