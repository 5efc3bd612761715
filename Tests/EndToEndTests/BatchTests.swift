import Foundation
import Testing

/// `fluxgraph batch`, as a user runs it.
@Suite(.timeLimit(.minutes(10))) struct BatchTests {
  /// A folder with short recordings, and graphs for them.
  private static func folder(recordings: Int, seconds: Double = 0.4) throws -> Folder {
    let folder = try Folder()
    let sound = Self.tone(seconds: seconds)
    for number in 0..<recordings { try folder.write(sound, to: "in/\(number).wav") }
    try folder.write("param input\nfile $input | wav out/{$input.stem}.wav\n", to: "copy.graph")
    try folder.write(
      "param input\nparam endpoint = local\nparam speed = 1000x\n"
        + "t = file $input | pace $speed | flux endpoint=$endpoint words=none\n"
        + "t | vtt out/{$input.stem}.vtt\nt | jsonl out/{$input.stem}.jsonl\n", to: "turns.graph")
    try folder.write(
      "param input\nparam endpoint\nfile $input | flux endpoint=$endpoint | jsonl out/{$input.stem}.jsonl\n",
      to: "served.graph")
    return folder
  }

  /// A WAV file with a tone, 16 kHz mono.
  private static func tone(seconds: Double) -> Data {
    let samples = (0..<Int(seconds * 16_000)).map { Int16(8_000 * sin(Double($0) * 0.17)) }
    var file = Data("RIFF".utf8)
    func number(_ value: UInt32, _ bytes: Int = 4) {
      for shift in 0..<bytes { file.append(UInt8(truncatingIfNeeded: value >> (8 * UInt32(shift)))) }
    }
    number(UInt32(36 + samples.count * 2))
    file += Data("WAVEfmt ".utf8)
    for (value, bytes) in [(16, 4), (1, 2), (1, 2), (16_000, 4), (32_000, 4), (2, 2), (16, 2)] {
      number(UInt32(value), bytes)
    }
    file += Data("data".utf8)
    number(UInt32(samples.count * 2))
    for sample in samples { number(UInt32(UInt16(bitPattern: sample)), 2) }
    return file
  }

  private struct Line: Decodable {
    var input: String
    var state: String
    var code: Int?
    var error: String?
  }

  /// The last state of each input by its name, from all manifests.
  private func states(_ folder: Folder, _ manifests: String...) throws -> [String: String] {
    var states: [String: String] = [:]
    for manifest in manifests {
      for line in try folder.text(of: manifest).split(separator: "\n") {
        let line = try JSONDecoder().decode(Line.self, from: Data(line.utf8))
        states[String(line.input.split(separator: "/").last ?? ""), default: ""] = line.state
      }
    }
    return states
  }

  private func names(_ folder: Folder, _ directory: String) -> Set<String> {
    Set((try? FileManager.default.contentsOfDirectory(atPath: folder.path(directory))) ?? [])
  }

  private func batch(_ folder: Folder, _ arguments: [String], input: String = "") async throws
    -> Program.Outcome
  {
    try await Program.run(
      Fluxgraph.path, ["batch"] + arguments, .init(input: Array(input.utf8), directory: folder.path))
  }

  @Test("a thousand inputs in one process: all are done, in bounded memory, with few threads")
  func thousand() async throws {
    let folder = try Self.folder(recordings: 1_000, seconds: 0.1)
    let list = (0..<1_000).map { "in/\($0).wav" }.joined(separator: "\0")
    let measure =
      "import resource, subprocess, sys; code = subprocess.call(sys.argv[1:]); "
      + "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss); sys.exit(code)"
    let program = try Program(
      Peers.python,
      ["-c", measure, Fluxgraph.path, "batch", "copy.graph", "-", "--null", "--jobs", "8"],
      .init(input: Array(list.utf8), directory: folder.path, limit: 170))
    let outcome = try await program.outcome()
    #expect(outcome.status == 0, "\(outcome.errors.suffix(2_000))")
    // A graph that is not let go of keeps some 300 KB; one alone takes about 35 MB in a debug build.
    let kilobytes = try #require(Int(outcome.output.trimmingCharacters(in: .whitespacesAndNewlines)))
    #expect(kilobytes < 128 << 10, "\(kilobytes) KB")
    #expect(names(folder, "out").count == 1_000)
    #expect(try states(folder, "copy.batch.jsonl").values.filter { $0 == "done" }.count == 1_000)
    let last = try #require(outcome.errors.split(separator: "\n").last)
    #expect(last.contains(#""event":"Finished""#) && last.contains(#""done":1000,"failed":0"#), "\(last)")
  }

  @Test(
    "inputs that fail stop no other; the manifest and the exit code say so, and --resume does again what failed"
  )
  func failures() async throws {
    let folder = try Self.folder(recordings: 3)
    try folder.write("this is no sound\n", to: "in/bad.wav")
    let inputs = ["in/bad.wav", "in/0.wav", "in/missing.wav", "in/1.wav", "in/2.wav"]
    let first = try await batch(folder, ["turns.graph"] + inputs)
    #expect(first.status == 74, "\(first.errors)")
    #expect(
      try states(folder, "turns.batch.jsonl") == [
        "bad.wav": "failed", "missing.wav": "failed", "0.wav": "done", "1.wav": "done", "2.wav": "done",
      ])
    #expect(first.errors.contains("it is text, not sound") && first.errors.contains("No such file"))
    for line in first.errors.split(separator: "\n") {
      _ = try JSONSerialization.jsonObject(with: Data(line.utf8))
    }

    let refused = try await batch(folder, ["turns.graph"] + inputs)
    #expect(refused.status == 74 && refused.errors.contains("--resume"), "\(refused.errors)")

    let done = try folder.bytes(of: "out/0.jsonl")
    try folder.write(Self.tone(seconds: 0.4), to: "in/bad.wav")
    try folder.write(Self.tone(seconds: 0.4), to: "in/missing.wav")
    let second = try await batch(folder, ["turns.graph", "--resume"] + inputs)
    #expect(second.status == 0, "\(second.errors)")
    #expect(second.errors.contains(#""done":2,"failed":0,"skipped":3"#), "\(second.errors)")
    #expect(try folder.bytes(of: "out/0.jsonl") == done)
    #expect(try states(folder, "turns.batch.jsonl").values.allSatisfy { $0 == "done" })
    #expect(names(folder, "out").count == 10)
  }

  @Test("killed in the middle and gone on with, every output is there once and whole")
  func killed() async throws {
    let folder = try Self.folder(recordings: 12, seconds: 3)
    let inputs = (0..<12).map { "in/\($0).wav" }
    // Four rounds of three seconds.
    let program = try Program(
      Fluxgraph.path, ["batch", "turns.graph", "--jobs", "3", "--set", "speed=1x"] + inputs,
      .init(directory: folder.path))
    let deadline = Date(timeIntervalSinceNow: 60)
    while (try? states(folder, "turns.batch.jsonl"))?.values.contains("done") != true, Date() < deadline {
      try await Task.sleep(for: .milliseconds(20))
    }
    program.signal(9)
    _ = try await program.outcome()
    #expect(try states(folder, "turns.batch.jsonl").values.contains("started"))

    let resumed = try await batch(folder, ["turns.graph", "--resume", "--jobs", "6"] + inputs)
    #expect(resumed.status == 0, "\(resumed.errors)")
    #expect(try states(folder, "turns.batch.jsonl").values.filter { $0 == "done" }.count == 12)
    let reference = try folder.text(of: "out/0.jsonl").split(separator: "\n").count
    for number in 0..<12 {
      #expect(try folder.text(of: "out/\(number).jsonl").split(separator: "\n").count == reference)
      #expect(try folder.text(of: "out/\(number).vtt").hasPrefix("WEBVTT"))
    }
  }

  @Test("Ctrl-C begins no more inputs, stops those under way, and leaves a manifest to go on with")
  func interrupted() async throws {
    let folder = try Self.folder(recordings: 6, seconds: 20)
    let inputs = (0..<6).map { "in/\($0).wav" }
    let program = try Program(
      Fluxgraph.path, ["batch", "turns.graph", "--jobs", "2", "--set", "speed=1x"] + inputs,
      .init(directory: folder.path))
    _ = try await program.errorLine(containing: #""running":2"#)
    program.signal(2)
    let outcome = try await program.outcome()
    #expect(outcome.status == 130, "\(outcome.errors)")
    #expect(outcome.errors.contains("`--resume` goes on with them"), "\(outcome.errors)")
    let states = try states(folder, "turns.batch.jsonl")
    #expect(states.count == 2 && states.values.allSatisfy { $0 == "interrupted" }, "\(states)")
  }

  @Test("shards under GNU parallel do every input exactly once")
  func parallel() async throws {
    let folder = try Self.folder(recordings: 30)
    try folder.write((0..<30).map { "in/\($0).wav\n" }.joined(), to: "list")
    let outcome = try await Program.run(
      "/usr/bin/env",
      [
        "parallel", "--will-cite", "--jobs", "3", Fluxgraph.path, "batch", "copy.graph", "@list", "--shard",
        "{}/3", ":::", "1", "2", "3",
      ],
      .init(environment: ["HOME": folder.path], directory: folder.path))
    #expect(outcome.status == 0, "\(outcome.errors)")
    #expect(names(folder, "out").count == 30)
    let manifests = (1...3).map { "copy.batch.\($0)-of-3.jsonl" }
    let lines = try manifests.flatMap { try folder.text(of: $0).split(separator: "\n") }
    #expect(
      lines.filter { $0.contains(#""done""#) }.count == 30
        && Set(lines.filter { $0.contains(#""done""#) }).count == 30)
    // The parts of Slurm and of Kubernetes are the same.
    let slurm = try await Program.run(
      Fluxgraph.path, ["batch", "copy.graph", "@list", "--shard", "auto", "--resume"],
      .init(
        environment: [
          "SLURM_ARRAY_TASK_ID": "2", "SLURM_ARRAY_TASK_COUNT": "3", "SLURM_ARRAY_TASK_MIN": "1",
        ],
        directory: folder.path))
    #expect(slurm.status == 0 && slurm.errors.contains(#""total":0"#), "\(slurm.errors)")
    let pod = try await Program.run(
      Fluxgraph.path, ["batch", "copy.graph", "@list", "--shard", "auto/3", "--resume"],
      .init(environment: ["JOB_COMPLETION_INDEX": "2"], directory: folder.path))
    #expect(pod.status == 0 && pod.errors.contains(#""total":0"#), "\(pod.errors)")
  }

  /// Whether the service had no place; a time may have the number in its milliseconds.
  private func wasRefused(_ outcome: Program.Outcome) -> Bool {
    outcome.errors.replacing(/"time":"[^"]*"/, with: "").contains("429")
  }

  @Test("a service with too few places is asked again, later, until every input is done")
  func tooManyStreams() async throws {
    let folder = try Self.folder(recordings: 3, seconds: 0.5)
    let server = try Program(
      Fluxgraph.path, ["serve", "--port", "0", "--words", "none", "--max-streams", "1"])
    let url = try await server.line(containing: "ws://")
    let outcome = try await batch(
      folder, ["served.graph", "--jobs", "3", "--set", "endpoint=\(url)"] + (0..<3).map { "in/\($0).wav" })
    #expect(outcome.status == 0, "\(outcome.errors)")
    #expect(wasRefused(outcome), "\(outcome.errors)")
    #expect(try states(folder, "served.batch.jsonl").values.filter { $0 == "done" }.count == 3)
  }

  @Test("--max-sessions keeps within the service's places, so that nothing is refused")
  func sessions() async throws {
    let folder = try Self.folder(recordings: 4, seconds: 0.5)
    let server = try Program(
      Fluxgraph.path, ["serve", "--port", "0", "--words", "none", "--max-streams", "2"])
    let url = try await server.line(containing: "ws://")
    let outcome = try await batch(
      folder,
      ["served.graph", "--jobs", "4", "--max-sessions", "1", "--set", "endpoint=\(url)"]
        + (0..<4).map { "in/\($0).wav" })
    #expect(outcome.status == 0 && !wasRefused(outcome), "\(outcome.errors)")
  }

  @Test(
    "mistakes are told before anything runs",
    arguments: [
      (["turns.graph"], 64, "needs inputs"), ([], 64, "needs a graph"),
      (["turns.graph", "in/0.wav", "--shard", "3/2"], 64, "1/2 to 2/2"),
      (["turns.graph", "in/0.wav", "--jobs", "0"], 64, "from 1"),
      (["turns.graph", "in/0.wav", "--set", "input=x"], 64, "`batch` itself"),
      (["turns.graph", "@none"], 74, "cannot open none"),
      (["-e", "file x.wav | null", "in/0.wav"], 78, "`param input`"),
      (["-e", "param input; file x.wav | null", "in/0.wav"], 78, "does not use `$input`"),
      (["turns.graph", "in/0.wav", "x/0.wav"], 78, "both write"),
      (["-e", "param input; file $input | wav a.wav", "in/0.wav", "in/1.wav"], 78, "{$input.stem}"),
      (["-e", "param input; file $input | wav {$input.stm}.wav", "in/0.wav"], 78, "$input.stem"),
    ] as [([String], Int32, String)])
  func mistakes(_ arguments: [String], _ code: Int32, _ text: String) async throws {
    let folder = try Self.folder(recordings: 2)
    let outcome = try await batch(folder, arguments)
    #expect(outcome.status == code && outcome.errors.contains(text), "\(outcome.errors)")
    #expect(
      names(folder, "out").isEmpty
        && names(folder, "") == ["in", "copy.graph", "served.graph", "turns.graph"])
  }
}
