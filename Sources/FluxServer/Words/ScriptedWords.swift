import FluxGraph
import FluxProtocol

/// Words known beforehand, each heard when the audio reaches its end: the same answers for any audio.
///
/// The script also says where speech is, so it works over silence as well.
package struct ScriptedWords: WordSource {
  package let words: [RecognisedWord]

  /// A day is more than any stream lasts, and its samples are countable.
  static let mostSeconds = 86_400

  /// - Parameter words: in any order.
  package init(_ words: [RecognisedWord]) {
    self.words = words.sorted { $0.start < $1.start }
  }

  /// Reads a JSON array of objects with `word`, `start`, `end` and, if wanted, `confidence` (1 without).
  package init(json: [UInt8]) throws(ScriptError) {
    let entries: [JSONValue]?
    do throws(JSONError) {
      entries = try JSONValue.parse(json).arrayValue
    } catch {
      throw ScriptError(entry: nil, problem: "is not JSON: \(error)")
    }
    guard let entries else { throw ScriptError(entry: nil, problem: "is not an array of words") }
    var words: [RecognisedWord] = []
    for (index, entry) in entries.enumerated() { words.append(try Self.word(entry, at: index)) }
    self.init(words)
  }

  package func makeSpeechJudge() -> (any SpeechJudge)? {
    ScriptedSpeech(words: words)
  }

  package func open(answer: @escaping @Sendable (WordAnswer) -> Void) -> any WordStream {
    ScriptedWordStream(words: words, answer: answer)
  }

  private static func word(_ entry: JSONValue, at index: Int) throws(ScriptError) -> RecognisedWord {
    guard let word = entry["word"]?.stringValue, !word.isEmpty, !word.contains(where: \.isWhitespace) else {
      throw ScriptError(entry: index, problem: "needs a \"word\" without blanks")
    }
    guard let start = entry["start"]?.doubleValue, let end = entry["end"]?.doubleValue, start >= 0,
      end >= start,
      end <= Double(mostSeconds)
    else { throw ScriptError(entry: index, problem: "needs 0 <= \"start\" <= \"end\", in seconds") }
    let confidence = entry["confidence"].map(\.doubleValue) ?? 1
    guard let confidence, (0...1).contains(confidence) else {
      throw ScriptError(entry: index, problem: "has a \"confidence\" that is no number from 0 to 1")
    }
    return RecognisedWord(text: word, start: start, end: end, confidence: confidence)
  }
}

/// What is wrong with a script of words.
package struct ScriptError: Error, Equatable, CustomStringConvertible {
  /// The offending entry, counted from 0; `nil` if the whole is not a script.
  package var entry: Int?
  package var problem: String

  package var description: String {
    entry.map { "Entry \($0) of the word script \(problem)." } ?? "The word script \(problem)."
  }
}

/// Speech wherever a script has a word.
struct ScriptedSpeech: SpeechJudge {
  /// A word is heard as at least this long, so that none is too short to be noticed; in 10 ms frames.
  private static let leastFrames = 5

  private let spans: [Range<Int>]
  private var next = 0
  private var frame = 0
  private var spokenUntil = 0
  private var silence = 0

  init(words: [RecognisedWord]) {
    spans = words.map { word in
      let first = Int(word.start * 100)
      return first..<max(Int((word.end * 100).rounded(.up)), first + Self.leastFrames)
    }
  }

  mutating func judge(_ step: Span<Int16>) -> SpeechActivity {
    var frames = 0
    for _ in 0..<step.count / AudioClock.frameSamples {
      while next < spans.count, spans[next].lowerBound <= frame {
        spokenUntil = max(spokenUntil, spans[next].upperBound)
        next += 1
      }
      if frame < spokenUntil {
        frames += 1
        silence = 0
      } else {
        silence += 1
      }
      frame += 1
    }
    return SpeechActivity(frames: frames, silence: silence)
  }
}

/// One connection's run through a script.
///
/// Unchecked: its state belongs to the one thread that calls it at a time.
private final class ScriptedWordStream: WordStream, @unchecked Sendable {
  private let words: [RecognisedWord]
  private let answer: @Sendable (WordAnswer) -> Void
  /// The words of earlier segments end here.
  private var first = 0
  private var heard = 0

  init(words: [RecognisedWord], answer: @escaping @Sendable (WordAnswer) -> Void) {
    self.words = words
    self.answer = answer
  }

  func hear(_ block: SpeechBlock) {
    let now = AudioClock.seconds(block.end)
    while heard < words.count, words[heard].end <= now || (block.ends && words[heard].start < now) {
      heard += 1
    }
    answer(WordAnswer(number: block.number, words: .heard(Array(words[first..<heard]))))
    if block.ends { first = heard }
  }

  func abandonSegment() {
    first = heard
  }

  func close() {}
}
