import FluxGraph
import FluxGraphHost
import Foundation
import Synchronization
import TestSupport
import Testing

/// A graph inside a Swift program, as a program of another package sees it.
@Suite(.timeLimit(.minutes(10))) struct GraphTests {
  @Test("events of a named stream arrive, typed, and end with it")
  func events() async throws {
    let graph = try Graph(text: "heard = tone duration=500ms | sounds\nheard | null", catalogue: stages)
    let heard = try graph.events(of: "heard")
    async let end: Void = graph.run()
    var kinds: [TurnEvent.Kind] = []
    for await case .turn(let turn) in heard { kinds.append(turn.kind) }
    try await end
    #expect(kinds == [.startOfTurn, .endOfTurn])
  }

  @Test("audio of the program's own goes in, and the sender waits for the graph")
  func feed() async throws {
    let graph = try Graph(text: "voice = feed rate=8k\nheard = voice | sounds", catalogue: stages)
    let voice = try graph.feed("voice")
    let heard = try graph.events(of: "heard")
    async let end: Void = graph.run()
    // Ten seconds: more than is kept, so that it has to be waited for.
    let sender = Task {
      for _ in 0..<10 { try await voice.send([Float](repeating: 0.5, count: 8_000)) }
      voice.finish()
    }
    var turns: [TurnEvent] = []
    for await case .turn(let turn) in heard { turns.append(turn) }
    try await sender.value
    try await end
    #expect(turns.last?.end == 10)
    #expect(graph.metrics.samples.first { $0.name == "heard_frames_total" }?.value == 80_000)
  }

  @Test("cancelling the task stops the graph in order: the end of the turn still arrives")
  func cancelled() async throws {
    let graph = try Graph(text: "heard = tone live | sounds", catalogue: stages)
    let heard = try graph.events(of: "heard")
    let run = Task { try await graph.run() }
    var kinds: [TurnEvent.Kind] = []
    for await case .turn(let turn) in heard {
      kinds.append(turn.kind)
      run.cancel()
    }
    try await run.value
    #expect(kinds == [.startOfTurn, .endOfTurn])
  }

  @Test("a program can do what `ctl` can: ask, change settings, end a turn")
  func commands() async throws {
    let graph = try Graph(text: "heard = tone live | flux endpoint=local words=none\nheard | null")
    await #expect(throws: GraphError.self, "it does not run yet") { try await graph.give(.status) }
    let run = Task { try await graph.run() }
    var state = ""
    while state != "streaming" {
      try await Task.sleep(for: .milliseconds(20))
      let answers = try? await graph.give(.status, to: "heard")
      state = answers?.first?.reply.details.first { $0.name == "state" }?.value.stringValue ?? ""
    }
    let set = try await graph.give(.set([.init("eot_threshold", "0.9")]))
    #expect(set.map(\.stage) == ["heard"] && set.allSatisfy(\.reply.isAccepted))
    let refused = try await graph.give(.set([.init("eot_threshold", "much")]))
    #expect(refused.allSatisfy { !$0.reply.isAccepted })
    let ended = try await graph.give(.endTurn)
    #expect(ended.count == 1)
    let error = await #expect(throws: GraphError.self) { try await graph.give(.endTurn, to: "hear") }
    #expect(error?.kind == .unknownName && error?.message.contains("there are: heard") == true)
    // Whoever asks in the moment in which the graph ends is told so, and not kept waiting.
    let asking = Task { while (try? await graph.give(.status)) != nil {} }
    graph.stop()
    try await run.value
    await asking.value
    await #expect(throws: GraphError.self, "it is over") { try await graph.give(.status) }
  }

  @Test("a wrong text is told as check tells it")
  func wrongText() {
    do {
      _ = try Graph(text: "heard = tone | gian 6dB | null")
      Issue.record("there is no such stage")
    } catch {
      #expect(error.kind == .invalid && error.code == .badGraph)
      #expect(error.message.contains("gain") && error.message.contains("graph:1:"), "\(error)")
    }
  }

  @Test("a name the graph does not have is told with those it has")
  func unknownName() throws {
    let graph = try Graph(text: "heard = tone | sounds", catalogue: stages)
    do {
      _ = try graph.events(of: "herd")
      Issue.record("there is no such stream")
    } catch {
      #expect(error.kind == .unknownName && error.message.contains("heard"))
    }
    #expect(throws: GraphError.self) { _ = try graph.feed("heard") }
  }

  @Test("a stage that fails is named, with its code and its place")
  func failure() async throws {
    let graph = try Graph(text: "gone = file /nonexistent/talk.wav\ngone | null")
    do {
      try await graph.run()
      Issue.record("there is no such file")
    } catch {
      #expect(error.kind == .failed && error.code == .inputOutput)
      #expect(error.stage == "gone" && error.location?.hasPrefix("graph:1:") == true)
    }
  }

  @Test("a program that runs a graph is told nothing of what is secret in it")
  func secrets() async throws {
    let folder = try TemporaryFolder()
    try folder.write(Array("ROOM_KEY=s3cr3t-0f-m1ne\n".utf8), to: ".env")
    let notices = Mutex<[Notice]>([])
    let graph = try Graph(
      text:
        "gone = exec [sh, \"-c\", \"echo $0 >&2; exit 3\", env(ROOM_KEY)] live\ngone | flux endpoint=local | null",
      directory: folder.path
    ) { notice in notices.withLock { $0.append(notice) } }
    do {
      try await graph.run()
      Issue.record("the program fails")
    } catch {
      #expect(error.description.contains("•••") && !error.description.contains("s3cr3t"), "\(error)")
    }
    let told = notices.withLock { $0 }.map(\.message)
    #expect(told.contains { $0.contains("•••") } && !told.contains { $0.contains("s3cr3t") }, "\(told)")
  }

  @Test("a key that cannot be meant ends a graph before it begins, with the code of a refused key")
  func unusableKey() async throws {
    let folder = try TemporaryFolder()
    try folder.write(Array("ROOM_KEY=\"s3cr3t \"\n".utf8), to: ".env")
    do {
      _ = try Graph(text: "tone | flux key=env(ROOM_KEY) | null", directory: folder.path)
      Issue.record("it begins")
    } catch {
      #expect(error.code == .refused && error.message.contains("ROOM_KEY ends with a blank"))
    }
    try folder.write(Array("s3cr3t\t\n".utf8), to: "key.txt")
    let graph = try Graph(text: "tone | flux key=secret(file:key.txt) | null", directory: folder.path)
    do {
      try await graph.run()
      Issue.record("it begins")
    } catch {
      #expect(error.code == .refused && error.message.hasSuffix("key.txt) ends with a tab"), "\(error)")
    }
  }

  @Test("a graph runs once")
  func once() async throws {
    let graph = try Graph(text: "tone duration=10ms | null")
    try await graph.run()
    do {
      try await graph.run()
      Issue.record("it ran before")
    } catch {
      #expect(error.kind == .invalid)
    }
  }
}

private let stages = Catalogue.standard.adding(Sounds.self)

/// A recogniser for these tests: all there is is one turn.
private struct Sounds: Recogniser {
  static let description = StageDescription<Sounds>("sounds", "Makes one turn of all it hears.")

  var accepts: AudioRequirement { .float }

  mutating func run(_ audio: AudioInlet, into events: EventOutlet, _ context: StageContext) async throws {
    let heard = context.metrics.counter("heard_frames_total", "Frames heard.")
    var end: Int64 = 0
    func emit(_ kind: TurnEvent.Kind) {
      events.emit(
        .turn(
          TurnEvent(
            kind: kind, session: "s", turn: 1, start: 0, end: Double(end) / Double(audio.format.rate),
            time: context.clock.wallTime(), transcript: "")))
    }
    while let block = await audio.next() {
      if end == 0 { emit(.startOfTurn) }
      end = block.position + Int64(block.frames)
      heard.add(block.frames)
    }
    emit(.endOfTurn)
  }
}
