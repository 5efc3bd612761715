/// No recogniser: there is speech, but no words.
package struct AbsentWords: WordSource {
  package let reason: String

  package func open(answer: @escaping @Sendable (WordAnswer) -> Void) -> any WordStream {
    AbsentWordStream(reason: reason, answer: answer)
  }
}

private final class AbsentWordStream: WordStream {
  private let reason: String
  private let answer: @Sendable (WordAnswer) -> Void

  init(reason: String, answer: @escaping @Sendable (WordAnswer) -> Void) {
    self.reason = reason
    self.answer = answer
  }

  func hear(_ block: SpeechBlock) {
    answer(WordAnswer(number: block.number, words: .unavailable(reason)))
  }

  func abandonSegment() {}
  func close() {}
}
