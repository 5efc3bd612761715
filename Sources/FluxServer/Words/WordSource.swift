/// A word as a recogniser heard it; times in seconds of audio since the stream began.
package struct RecognisedWord: Sendable, Equatable {
  package var text: String
  package var start: Double
  package var end: Double
  /// 0 to 1.
  package var confidence: Double

  package init(text: String, start: Double, end: Double, confidence: Double) {
    self.text = text
    self.start = start
    self.end = end
    self.confidence = confidence
  }

  /// What stands for speech whose words are not known.
  package static func speechMark(start: Double, end: Double) -> RecognisedWord {
    RecognisedWord(text: "[speech]", start: start, end: end, confidence: 0)
  }

  package var isSpeechMark: Bool { text == "[speech]" }
}

/// One step of a speech segment, for a recogniser.
package struct SpeechBlock: Sendable, Equatable {
  /// Counts the blocks of a stream; the answer carries it back.
  package var number: Int
  /// The position of the first sample in the stream.
  package var start: Int
  /// 16 kHz mono. The first block of a segment also has up to 320 ms of what came before, so that no first sound is lost.
  package var samples: [Int16]
  package var begins: Bool
  package var ends: Bool

  package init(number: Int, start: Int, samples: [Int16], begins: Bool, ends: Bool) {
    self.number = number
    self.start = start
    self.samples = samples
    self.begins = begins
    self.ends = ends
  }

  /// The position after the last sample.
  package var end: Int { start + samples.count }
}

/// What a recogniser makes of a segment so far: every word of it, each time.
package struct WordAnswer: Sendable, Equatable {
  package enum Words: Sendable, Equatable {
    case heard([RecognisedWord])
    /// There will be no words for this segment; the reason is one plain sentence.
    case unavailable(String)
  }

  /// The number of the ``SpeechBlock`` answered.
  package var number: Int
  package var words: Words

  package init(number: Int, words: Words) {
    self.number = number
    self.words = words
  }
}

/// Where the words come from.
package protocol WordSource: Sendable {
  /// A judge that knows better than the sound where speech is, if this source does.
  func makeSpeechJudge() -> (any SpeechJudge)?

  /// Opens a stream of its own for one connection.
  ///
  /// `answer` is called once for each block, in order, from any thread or from within ``WordStream/hear(_:)``.
  func open(answer: @escaping @Sendable (WordAnswer) -> Void) -> any WordStream

  /// How long it may give no answer, in wall time; after that `[speech]` stands for the words. Until then the session
  /// waits, and holds its client back.
  var patience: Duration { get }

  /// Ends the source's threads and waits for them; streams still open answer no more.
  func stop()
}

extension WordSource {
  package func makeSpeechJudge() -> (any SpeechJudge)? { nil }
  package var patience: Duration { .seconds(10) }
  package func stop() {}
}

/// One connection's words. None of its methods blocks; they are called from one thread at a time.
package protocol WordStream: AnyObject, Sendable {
  func hear(_ block: SpeechBlock)

  /// Forgets the segment in hand: its turn was ended by command, or its words took too long. Blocks heard and
  /// not yet answered are answered soon, with whatever there is.
  func abandonSegment()

  /// Nothing will be heard any more and no answer is wanted.
  func close()
}
