import FluxGraph
import Foundation
import GraphLanguage
import Testing

@testable import FluxGraphCLI

/// The parts of `batch` that decide: inputs, outputs, the manifest, when to begin.
@Suite struct BatchTests {
  @Test("names in lists, and what `$input` is")
  func inputs() throws {
    #expect(
      BatchInputs.names(in: Array("a.wav\r\n\nb c.wav\n".utf8), UInt8(ascii: "\n")) == ["a.wav", "b c.wav"])
    #expect(BatchInputs.names(in: Array("a\nb\0c".utf8), 0) == ["a\nb", "c"])
    #expect(BatchInputs.value(of: "./x//a.wav", in: "/home/u") == "/home/u/x/a.wav")
    #expect(BatchInputs.value(of: "/a.wav", in: "/home/u") == "/a.wav")
    #expect(BatchInputs.value(of: "https://h/a.mp3?x=/y", in: "/home/u") == "https://h/a.mp3?x=/y")
    let (inputs, repetitions) = try BatchInputs.read(["a", "./a", "b"], separator: 10, directory: "/d")
    #expect(inputs.map(\.value) == ["/d/a", "/d/b"] && inputs.map(\.name) == ["a", "b"] && repetitions == 1)
  }

  private func collide(_ graph: String, _ names: [String]) -> String? {
    let inputs = names.map { BatchInput(name: $0, value: BatchInputs.value(of: $0, in: "/d")) }
    func outputs(_ value: String) -> [BatchOutput] {
      let options = Checker.Options(parameters: ["input": value])
      let source = GraphSource(name: "t", text: "param input\n" + graph, directory: "/g")
      return Checker(catalogue: .standard, options: options).check(source).plan?.outputs(in: "/d") ?? []
    }
    let common = Set(outputs("/1/x.wav").map(\.path)).intersection(outputs("/2/y.wav").map(\.path))
    var collisions = BatchCollisions(inputs: inputs, common: common)
    for input in inputs {
      if let (problem, _) = collisions.add(input, outputs(input.value)) { return problem }
    }
    return nil
  }

  @Test(
    "inputs that would write the same file are found, whichever sink writes it; lines may be shared on purpose"
  )
  func collisions() {
    let turns = "t = file $input | flux endpoint=local\n"
    for sink in ["vtt", "srt", "txt", "jsonl"] {
      let graph = turns + "t | \(sink) out/{$input.stem}.x"
      #expect(collide(graph, ["a/1.wav", "b/2.wav"]) == nil)
      let problem = collide(graph, ["a/1.wav", "b/1.wav"])
      #expect(problem == "a/1.wav and b/1.wav would both write /g/out/1.x with `\(sink)`")
    }
    #expect(collide(turns + "t | jsonl all.jsonl", ["a.wav", "b.wav"]) == nil)
    #expect(
      collide(turns + "t | vtt all.vtt", ["a.wav", "b.wav"])
        == "every input would write /g/all.vtt with `vtt`")
    #expect(collide(turns + "t | stdout", ["a.wav", "b.wav"]) == nil)
    let dated = turns + "t | jsonl {$input.stem}-{date}.jsonl"
    #expect(collide(dated, ["a/1.wav", "b/1.wav"]) != nil && collide(dated, ["1.wav", "2.wav"]) == nil)
    let spool = turns + "t | webhook https://h.example/x spool=./spool"
    #expect(collide(spool, ["a.wav", "b.wav"]) == "every input would write /g/spool with `webhook`")
    let copy = "file $input | wav {$input.directory}/{$input.name} overwrite"
    #expect(collide(copy, ["a.wav"]) == "`wav` would write /d/a.wav, which is an input")
  }

  @Test("a manifest that was torn says what its whole lines say, and goes on")
  func manifest() async throws {
    let directory = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString).path
    try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: directory) }
    let path = directory + "/m.jsonl"
    do {
      let manifest = try await BatchManifest.whenFree(path: path)
      try manifest.append(.init("/a", .started, [("makes", .array(["/a.vtt"]))]))
      try manifest.append(.init("/a", .done))
      try manifest.append(.init("/b", .started, [("makes", .array(["/b.vtt"]))]))
      await #expect(throws: StageError.self, "two batches write one manifest") {
        try await BatchManifest.whenFree(path: path)
      }
    }
    let whole = try Data(contentsOf: URL(filePath: path))
    // Cut at every byte, as a kill in the middle of a write may leave it.
    for count in 0...whole.count {
      try whole.prefix(count).write(to: URL(filePath: path))
      do {
        let manifest = try await BatchManifest.whenFree(path: path)
        try manifest.append(.init("/c", .failed))
      }
      let again = try await BatchManifest.whenFree(path: path)
      #expect(again.past["/c"]?.state == .failed)
      let isDone =
        try #require(String(data: whole, encoding: .utf8)).utf8.prefix(count).split(separator: 10).count > 2
      if isDone && count > 200 { #expect(again.past["/a"]?.state == .done) }
    }
    try whole.write(to: URL(filePath: path))
    let past = try await BatchManifest.whenFree(path: path).past
    #expect(
      past["/a"] == .init(state: .done, made: ["/a.vtt": ""])
        && past["/b"] == .init(state: .started, made: ["/b.vtt": ""]))
  }

  @Test("lines that are no lines of a manifest say nothing, whatever they are")
  func hostileManifest() {
    let good = Array(#"{"v":1,"time":"t","input":"/a","state":"done","makes":["/x"]}"#.utf8)
    var generator = SystemRandomNumberGenerator()
    for seed in 0..<2_000 {
      var bytes = good + [10] + good
      for _ in 0..<(1 + seed % 5) {
        bytes[Int.random(in: 0..<bytes.count, using: &generator)] = UInt8.random(in: 0...255)
      }
      _ = BatchManifest.past(in: bytes)
    }
    #expect(
      BatchManifest.past(
        in: Array("{}\n[]\n\"x\"\n{\"input\":1,\"state\":\"done\"}\n{\"input\":\"a\",\"state\":\"x\"}".utf8)
      ).isEmpty)
  }

  // MARK: - When to begin

  private func at(_ seconds: Double) -> Instant { Instant(nanoseconds: 0).advanced(by: .seconds(seconds)) }

  @Test("no more inputs than jobs, nor than sessions allow")
  func places() {
    var schedule = BatchSchedule(.init(jobs: 8, sessions: 5), sessionsEach: 2)
    for _ in 0..<2 {
      #expect(schedule.next(at(0)) == .now)
      schedule.begin(at(0))
    }
    #expect(schedule.next(at(0)) == .later)
    schedule.end(at(1))
    #expect(schedule.next(at(1)) == .now)
    // A graph without Flux has no sessions to count.
    let other = BatchSchedule(.init(jobs: 8, sessions: 1), sessionsEach: 0)
    #expect(other.most == 8)
  }

  @Test("sessions begin at their rate, and time that was not used is not made up for")
  func rate() {
    var schedule = BatchSchedule(.init(jobs: 100, startRate: 4), sessionsEach: 1)
    var starts: [Double] = []
    var now = 0.0
    while starts.count < 9 {
      switch schedule.next(at(now)) {
      case .now:
        schedule.begin(at(now))
        starts.append(now)
      case .at(let time): now = Double(time.nanoseconds) / 1e9
      case .later: Issue.record("there is room")
      }
    }
    #expect(starts == (0..<9).map { Double($0) / 4 })
    schedule.begin(at(100))
    #expect(schedule.next(at(100)) == .at(at(100.25)))
  }

  @Test("after a 429 inputs wait, longer each time, come fewer at a time, and more again when all is well")
  func backOff() {
    var schedule = BatchSchedule(.init(jobs: 8), sessionsEach: 1)
    for _ in 0..<8 { schedule.begin(at(0)) }
    schedule.refused(at(1))
    schedule.refused(at(1.5))
    #expect(schedule.most == 8)
    for _ in 0..<5 { schedule.end(at(2), wasRefused: true) }
    #expect(schedule.most == 3 && schedule.next(at(2)) == .later)
    schedule.end(at(3))
    #expect(schedule.next(at(3)) == .at(at(6)))
    #expect(schedule.next(at(6)) == .now)
    schedule.refused(at(7))
    #expect(schedule.next(at(7)) == .at(at(17)))
    #expect(schedule.next(at(68)) == .now && schedule.most == 4)
    #expect(schedule.next(at(129)) == .now && schedule.most == 5)
  }

  @Test("the bar fits its line and fills as inputs end")
  func bar() {
    var progress = BatchProgress(total: 200, skipped: 10)
    #expect(progress.line(1, width: 80) == "[" + String(repeating: ".", count: 40) + "] 0/200")
    progress.done = 90
    progress.failed = 10
    progress.running = 4
    progress.audio = 3_000
    let line = progress.line(10, width: 120)
    #expect(
      line.hasPrefix(
        "[####################....................] 100/200  10 failed  4 running  10.0/s  300.0x real time"))
    #expect(line.hasSuffix("ETA 0:10"))
    for width in 1...120 { #expect(progress.line(10, width: width).count < max(2, width)) }
    #expect(progress.remaining(10) == 10)
  }
}
