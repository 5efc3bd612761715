import FluxGraph
import FluxProtocol
import FluxServer
import Foundation
import Synchronization
import TestSupport
import Testing

/// The programs are Python scripts, so the same peers are needed.
@Suite("Words from a command", .enabled(if: Peers.havePython))
struct CommandWordsTests {
  /// Answers of a stream, in order.
  final class Answers: Sendable {
    private let all = Mutex<[WordAnswer]>([])
    private let more = AsyncStream<Void>.makeStream()

    func add(_ answer: WordAnswer) {
      all.withLock { $0.append(answer) }
      more.continuation.yield()
    }

    /// The first `count` answers.
    func first(_ count: Int) async -> [WordAnswer] {
      let there = all.withLock { $0 }
      if there.count >= count { return there }
      for await _ in more.stream {
        let all = all.withLock { $0 }
        if all.count >= count { return all }
      }
      return []
    }
  }

  static func script(_ name: String) throws -> CommandLineText {
    let path = URL(filePath: #filePath).appending(path: "../Peers/\(name)").standardized.path
    let python = Peers.python
    return try #require(CommandLineText("\"\(python)\" '\(path)'"))
  }

  static func blocks(from start: Int, count: Int, first number: Int) -> [SpeechBlock] {
    (0..<count).map { index in
      SpeechBlock(
        number: number + index, start: start + index * 1280, samples: [Int16](repeating: 500, count: 1280),
        begins: index == 0, ends: index == count - 1)
    }
  }

  static func words(_ answer: WordAnswer) -> [RecognisedWord] {
    if case .heard(let words) = answer.words { words } else { [] }
  }

  @Test("the program in the README hears what is said, and when", .enabled(if: Flite.isUsable))
  func readme() throws {
    let root = URL(filePath: #filePath).appending(path: "../../..").standardized
    let readme = try String(contentsOf: root.appending(path: "README.md"), encoding: .utf8)
    let program = try #require(
      readme.split(separator: "```python\n").dropFirst().first?.split(separator: "```").first)
    let file = FileManager.default.temporaryDirectory.appending(path: "words-\(UUID().uuidString).py")
    defer { try? FileManager.default.removeItem(at: file) }
    try program.write(to: file, atomically: true, encoding: .utf8)
    let python = Peers.python
    let source = CommandWords(try #require(CommandLineText("\"\(python)\" '\(file.path)'")))
    defer { source.stop() }
    let pause = [Int16](repeating: 0, count: 20_000)
    let said = ["i need to cancel my subscription please", "the weather will be cold and windy"]
    let audio = try said.flatMap { try pause + Flite.say($0, voice: "rms") } + pause
    let run = PipelineRun(audio, words: source)
    let ends = run.reports.filter { $0.kind == .endOfTurn(.model) }
    try #require(ends.count == 2, "\(run.reports) \(run.notices)")
    var errors = WordErrors()
    for (text, end) in zip(said, ends) { errors.add(said: text, heard: end.transcript) }
    #expect(errors.errors <= 3, "\(ends.map(\.transcript))")
    // 1.25 s of silence come first; flite itself is silent for up to a quarter of a second.
    #expect((1.2...1.7).contains(ends[0].words.first?.start ?? 0))
    #expect(ends.flatMap(\.words).allSatisfy { $0.confidence > 0 && $0.start < $0.end })
  }

  @Test("a program's words get the stream's time, segment by segment")
  func words() async throws {
    let source = CommandWords(try Self.script("recogniser.py"))
    let answers = Answers()
    let stream = source.open { answers.add($0) }
    // The program says a word for each 0.4 s of sound, numbered from its own start.
    for block in Self.blocks(from: 16_000, count: 10, first: 0) { stream.hear(block) }
    let first = await answers.first(10)
    #expect(first.map(\.number) == Array(0..<10))
    #expect(Self.words(first[9]).map(\.text) == ["word0", "word1"])
    #expect(Self.words(first[9]).map(\.start) == [1, 1.4])
    for block in Self.blocks(from: 160_000, count: 10, first: 10) { stream.hear(block) }
    let second = await answers.first(20)
    #expect(Self.words(second[19]).map(\.text) == ["word2", "word3"])
    let starts = Self.words(second[19]).map(\.start)
    #expect(zip(starts, [10, 10.4]).allSatisfy { abs($0 - $1) < 1e-9 })
    stream.close()
    source.stop()
  }

  @Test("a program that is a piece of speech behind loses no words of it")
  func behind() async throws {
    let source = CommandWords(try Self.script("recogniser.py"))
    let answers = Answers()
    let stream = source.open { answers.add($0) }
    // All of it is there before the program has said anything.
    for round in 0..<3 {
      for block in Self.blocks(from: round * 160_000, count: 10, first: round * 10) { stream.hear(block) }
    }
    let all = await answers.first(30)
    #expect(all.map(\.number) == Array(0..<30))
    for round in 0..<3 {
      let words = Self.words(all[round * 10 + 9])
      #expect(words.map(\.text) == ["word\(2 * round)", "word\(2 * round + 1)"])
      #expect(words.allSatisfy { (0..<1).contains($0.start - Double(round * 10)) })
    }
    stream.close()
    source.stop()
  }

  @Test("a program that is long in loading its model loses no words of the first piece of speech")
  func late() async throws {
    let source = CommandWords(try Self.script("late_recogniser.py"))
    let answers = Answers()
    let stream = source.open { answers.add($0) }
    for block in Self.blocks(from: 0, count: 10, first: 0) { stream.hear(block) }
    let all = await answers.first(10)
    #expect(Self.words(all[9]).map(\.text) == ["late"])
    stream.close()
    source.stop()
  }

  @Test("a program that ends gives a reason instead of words, and is started again for the next speech")
  func restart() async throws {
    let source = CommandWords(try #require(CommandLineText("sh -c 'exit 3'")))
    let answers = Answers()
    let stream = source.open { answers.add($0) }
    for round in 0..<6 {
      for block in Self.blocks(from: round * 32_000, count: 2, first: round * 2) { stream.hear(block) }
      _ = await answers.first(round * 2 + 2)
    }
    let all = await answers.first(12)
    // Within speech a program that says no `until` is not waited for; at its end it is.
    guard case .unavailable(let reason) = all[1].words, case .unavailable(let last) = all[11].words else {
      Issue.record("words from a program that printed none: \(all)")
      return
    }
    #expect(reason.contains("ended with status 3"))
    #expect(last.contains("is not started again"))
    source.stop()
  }

  @Test(
    "a program that cannot be found or prints nonsense is named", arguments: ["/nowhere/x", "echo nonsense"])
  func nonsense(command: String) async throws {
    let source = CommandWords(try #require(CommandLineText(command)))
    let answers = Answers()
    let stream = source.open { answers.add($0) }
    for block in Self.blocks(from: 0, count: 2, first: 0) { stream.hear(block) }
    let all = await answers.first(2)
    guard case .unavailable(let reason) = all[1].words else {
      Issue.record("words out of nothing")
      return
    }
    #expect(reason.contains(command.split(separator: " ")[0]))
    source.stop()
  }

  @Test("the end of the stream ends the program and what it started")
  func end() async throws {
    let file = FileManager.default.temporaryDirectory.appending(path: "words-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: file) }
    let command = try #require(
      CommandLineText("sh -c \"sleep 1000 & echo $! > \(file.path); cat >/dev/null; wait\""))
    let source = CommandWords(command)
    let answers = Answers()
    let stream = source.open { answers.add($0) }
    for block in Self.blocks(from: 0, count: 2, first: 0) { stream.hear(block) }
    _ = await answers.first(2)
    stream.close()
    source.stop()
    let child = try #require(
      pid_t(try String(contentsOf: file, encoding: .utf8).trimmingCharacters(in: .newlines)))
    // It has been sent SIGKILL; when the kernel gets to it is its own affair.
    let deadline = ContinuousClock.now.advanced(by: .seconds(20))
    func isGone() -> Bool {
      // A zombie waits for init only.
      let status = (try? String(contentsOfFile: "/proc/\(child)/stat", encoding: .utf8)) ?? "() Z"
      return status.contains(") Z") || kill(child, 0) != 0
    }
    while !isGone(), ContinuousClock.now < deadline { try await Task.sleep(for: .milliseconds(10)) }
    #expect(isGone())
  }

  @Test("what a program prints is read in any cuts", arguments: 1...20 as ClosedRange<UInt64>)
  func cuts(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    let text = """
      {"word": "a", "start": 0, "end": 1, "confidence": 0.5}
      [{"word": " b c", "start": 1, "end": 2}]

      {"words": [{"word": "d", "start": 2, "end": 3}], "until": 3.5}
      {"partial": "e"}

      """
    var transcript = CommandTranscript()
    var rest = Array(text.utf8)[...]
    while !rest.isEmpty {
      let count = Int.random(in: 1...min(20, rest.count), using: &random)
      #expect(transcript.receive(rest.prefix(count)) == nil)
      rest = rest.dropFirst(count)
    }
    #expect(transcript.words.map(\.text) == ["a", "b", "c", "d"] && transcript.until == 3.5)
    var bytes = Array(text.utf8)
    for _ in 0..<10 {
      bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
    }
    _ = transcript.receive(bytes)
    #expect(transcript.words.count <= 12)
  }

  @Test("a command is cut at blanks outside of quotes")
  func commandLine() {
    #expect(CommandLineText(" a  'b c' \"d'e\"f ")?.words == ["a", "b c", "d'ef"])
    #expect(CommandLineText("a ''")?.words == ["a", ""])
    #expect(CommandLineText("") == nil && CommandLineText("a 'b") == nil && CommandLineText("''") == nil)
  }

  @Test("the program has the environment it is given and no other, and its complaints are told line by line")
  func surroundings() async throws {
    let lines = Mutex<[String]>([])
    let command = try #require(
      CommandLineText("/bin/sh -c 'echo $ROOM $DEEPGRAM_API_KEY >&2; echo gone >&2; exit 3'"))
    let source = CommandWords(
      .init(command, environment: ["ROOM": "seven"]) { line in lines.withLock { $0.append(line) } })
    let answers = Answers()
    let stream = source.open { answers.add($0) }
    for block in Self.blocks(from: 0, count: 2, first: 0) { stream.hear(block) }
    _ = await answers.first(2)
    source.stop()
    #expect(lines.withLock { $0 } == ["/bin/sh: seven", "/bin/sh: gone"])
  }
}

extension CommandWords {
  /// With this process's environment, and nobody who hears its complaints.
  fileprivate convenience init(_ command: CommandLineText) {
    self.init(Program(command, environment: ProcessInfo.processInfo.environment) { _ in })
  }
}
