import Testing

@testable import FluxServer

@Suite("Turn pipeline", .enabled(if: Flite.isUsable))
struct TurnPipelineTests {
  /// A recogniser under the test's control: nothing is answered unless it says so.
  struct Session {
    var pipeline = TurnPipeline(thresholds: TurnThresholds(), wordLimit: .seconds(10))
    var outputs: [TurnPipeline.Output] = []

    mutating func hear(_ drawing: String, now: Duration = .zero) {
      pipeline.hear(signal(drawing))
      drain(now: now)
    }

    mutating func drain(now: Duration) {
      while let output = pipeline.next(now: now) { outputs.append(output) }
    }

    var blocks: [SpeechBlock] {
      outputs.compactMap { if case .recognise(let block) = $0 { block } else { nil } }
    }
    var reports: [TurnReport] {
      outputs.compactMap { if case .report(let report) = $0 { report } else { nil } }
    }
    var notices: [String] { outputs.compactMap { if case .notice(let notice) = $0 { notice } else { nil } } }
  }

  @Test("a recogniser hears each segment once, whole, with up to 320 ms from before it")
  func blocks() {
    var session = Session()
    session.hear("________ssssssss_______")
    let blocks = session.blocks
    #expect(blocks.first?.begins == true && blocks.last?.ends == true)
    #expect(blocks.dropFirst().allSatisfy { !$0.begins } && blocks.dropLast().allSatisfy { !$0.ends })
    #expect(blocks.first?.samples.count == 5 * 1280)
    for (block, next) in zip(blocks, blocks.dropFirst()) { #expect(block.end == next.start) }
    let start = AudioClock.seconds(blocks.first?.start ?? 0)
    let end = AudioClock.seconds(blocks.last?.end ?? 0)
    #expect((0.3...0.7).contains(start) && (1.7...2.0).contains(end))
  }

  @Test("events wait for their words, and words that do not come become [speech] with one notice")
  func late() {
    var session = Session()
    session.hear("___ssssssss____________")
    #expect(session.reports.count == 1, "only the Update before the speech")
    #expect(session.pipeline.deadline == .seconds(10))
    session.pipeline.expire(now: .seconds(9))
    session.drain(now: .seconds(9))
    #expect(session.reports.count == 1)
    session.pipeline.expire(now: .seconds(10))
    session.drain(now: .seconds(10))
    #expect(session.outputs.contains(.abandonSegment))
    #expect(session.notices.count == 1)
    let end = session.reports.first { $0.kind == .endOfTurn(.model) }
    #expect(end?.transcript == "[speech]")
  }

  @Test("a recogniser that is slow but answers is waited for")
  func slow() {
    var session = Session()
    session.hear("___ssssssss____________")
    let first = session.blocks[0]
    session.pipeline.take(WordAnswer(number: first.number, words: .heard([])), now: .seconds(9))
    session.pipeline.expire(now: .seconds(18))
    session.drain(now: .seconds(18))
    #expect(session.notices.isEmpty)
    #expect(session.pipeline.deadline == .seconds(19))
  }

  @Test("a recogniser that catches up is used again")
  func recovery() {
    var session = Session()
    session.hear("___ssssssss____________")
    let late = session.blocks
    session.pipeline.expire(now: .seconds(10))
    session.drain(now: .seconds(10))
    session.hear("___sssssss______", now: .seconds(11))
    #expect(session.blocks.count == late.count, "it is still busy")
    for block in late {
      session.pipeline.take(WordAnswer(number: block.number, words: .heard([])), now: .zero)
    }
    session.hear("___sssssss______", now: .seconds(12))
    #expect(session.blocks.count > late.count)
  }

  @Test("a missing recogniser makes whole turns of [speech]")
  func absent() {
    let run = PipelineRun(
      signal("___ssssss___ssssss__________ssssss__________"), words: AbsentWords(reason: "There is none."))
    #expect(run.transcripts == ["[speech]", "[speech]"])
    #expect(run.notices == ["There is none."])
  }

  @Test("at the end of the stream the open segment is settled and reported, but no turn ends")
  func finish() {
    let words = ScriptedWords([RecognisedWord(text: "hello", start: 0.3, end: 1.0, confidence: 1)])
    let run = PipelineRun([Int16](repeating: 0, count: 16_500), words: words)
    #expect(run.reports.last?.kind == .update)
    #expect(run.reports.last?.transcript == "hello")
    #expect(run.reports.last?.windowEnd == 16_500)
  }

  @Test("audio beyond what the recogniser has in hand waits, and is counted")
  func backlog() {
    let script = ScriptedWords([RecognisedWord(text: "word", start: 0, end: 10, confidence: 1)])
    var session = Session()
    session.pipeline = TurnPipeline(
      thresholds: TurnThresholds(), judge: ScriptedSpeech(words: script.words), wordLimit: .seconds(10))
    session.hear(String(repeating: "_", count: 100))
    #expect(session.blocks.count == TurnPipeline.mostPending)
    #expect(session.pipeline.backlogSamples == 160_000)
    for block in session.blocks {
      session.pipeline.take(WordAnswer(number: block.number, words: .heard([])), now: .zero)
    }
    session.drain(now: .zero)
    #expect(session.blocks.count == 2 * TurnPipeline.mostPending)
    #expect(session.pipeline.backlogSamples == 160_000 - TurnPipeline.mostPending * 1280)
  }
}
