public import FluxGraph

/// The stage `redact`: numbers and names become a mask, in transcripts, in words, and in what the service sent.
public struct Redact: EventTransform {
  public static let description = StageDescription<Redact>(
    "redact", "Puts a mask in the place of numbers and of names.",
    details: """
      Numbers are words with a digit, and English number words. Transcripts and words are masked; the service's own fields \
      lose both, because they say the same once more.
      """,
    examples: [
      "file call.wav | flux | redact | jsonl safe.jsonl",
      #"file call.wav | flux | redact names=["Bell", "Watson"] mask="(…)" | stdout"#,
    ]
  ) {
    Option("names", \Redact.names, "Names to mask, one word each; case makes no difference.")
    Option("mask", \Redact.mask, "What stands in the place of a word.")
  }

  public var names: [String] = []
  public var mask = "[redacted]"

  public init() {}

  public mutating func process(_ event: Event, emit: (Event) -> Void) {
    guard case .turn(var turn) = event else { return emit(event) }
    turn.transcript = turn.transcript.split(separator: " ", omittingEmptySubsequences: false)
      .map { masked($0) }.joined(separator: " ")
    turn.words = turn.words.map { word in
      var word = word
      word.word = masked(Substring(word.word))
      return word
    }
    if case .object(let members)? = turn.service {
      turn.service = .object(members.filter { $0.0 != "transcript" && $0.0 != "words" })
    }
    emit(.turn(turn))
  }

  /// The word, or the mask with the punctuation around the word.
  private func masked(_ word: Substring) -> String {
    let isInside = { (character: Character) in character.isLetter || character.isNumber }
    guard let first = word.firstIndex(where: isInside), let last = word.lastIndex(where: isInside) else {
      return String(word)
    }
    let core = word[first...last]
    let plain = core.lowercased()
    let isNumber =
      core.contains(where: \.isNumber)
      || plain.split(separator: "-").allSatisfy { Self.numbers.contains(String($0)) }
    let isName = names.contains { plain == $0.lowercased() || plain == $0.lowercased() + "'s" }
    return isNumber || isName ? word[..<first] + mask + word[word.index(after: last)...] : String(word)
  }

  private static let numbers: Set<String> = [
    "zero", "oh", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven",
    "twelve",
    "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen", "twenty", "thirty",
    "forty",
    "fifty", "sixty", "seventy", "eighty", "ninety", "hundred", "thousand", "million", "double", "triple",
  ]
}
