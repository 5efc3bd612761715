import Foundation
import Testing

/// Files of events under what happens to files.
@Suite(.timeLimit(.minutes(10)), .enabled(if: Peers.areThere, "needs Python's websockets and ffmpeg"))
struct JSONLinesTests {
  private let sound: String
  private let flux: FakeFlux

  init() async throws {
    sound = try await Recordings.shared.value.path("minute.wav")
    flux = try await FakeFlux.shared.value
  }

  /// A minute of events in a few seconds.
  private func graph(_ sink: String) -> String {
    "file \(sound) | pace 10x | flux endpoint=\(flux.call("normal").url) | \(sink)"
  }

  /// Waits for a file to have this many lines.
  private func lines(_ folder: Folder, _ name: String, atLeast count: Int) async throws {
    for _ in 0..<3000 {
      if let text = try? folder.text(of: name), text.utf8.count(where: { $0 == 10 }) >= count { return }
      try await Task.sleep(for: .milliseconds(10))
    }
    Issue.record("\(name) never had \(count) lines")
  }

  private func isWhole(_ folder: Folder, _ name: String) async throws {
    try await Peers.shell(
      "jq -e . \(name) > /dev/null && test \"$(tail -c 1 \(name) | od -An -c)\" = '  \\n'", in: folder.path)
  }

  @Test(
    "a live file has only whole lines after kill -9, and the next run goes on behind them, whatever is torn")
  func killed() async throws {
    let folder = try Folder()
    var before = 0
    for (round, rest) in ["", #"{"v":1,"event":"Upda"#, #"{"other":1}"#].enumerated() {
      let program = try Fluxgraph.start(graph("jsonl all.jsonl fsync=never"), directory: folder.path)
      try await lines(folder, "all.jsonl", atLeast: before + 5 + 40 * round)
      program.signal(SIGKILL)
      _ = try await program.outcome()
      try await isWhole(folder, "all.jsonl")
      before = try folder.text(of: "all.jsonl").split(separator: "\n").count + (round == 2 ? 1 : 0)
      // What a power failure, or another program, leaves.
      try folder.write(try folder.text(of: "all.jsonl") + rest, to: "all.jsonl")
    }
    let last = try await Fluxgraph.run(
      "file \(sound) | pace 50x | flux endpoint=\(flux.call("normal").url) | jsonl all.jsonl",
      directory: folder.path)
    #expect(last.status == 0, "\(last.errors)")
    try await isWhole(folder, "all.jsonl")
    #expect(try folder.text(of: "all.jsonl").contains(#"{"other":1}"# + "\n"))
    #expect(try !folder.text(of: "all.jsonl").contains("Upda\n"))
  }

  @Test("a log rotation moves the file and sends SIGHUP: nothing is lost, nothing is there twice")
  func rotated() async throws {
    let folder = try Folder()
    let program = try Fluxgraph.start(
      """
      heard = file \(sound) | pace 6x | flux endpoint=\(flux.call("normal").url)
      heard | jsonl log.jsonl
      heard | stdout json
      """, directory: folder.path)
    for number in 1...3 {
      try await lines(folder, "log.jsonl", atLeast: 10)
      try FileManager.default.moveItem(
        atPath: folder.path("log.jsonl"), toPath: folder.path("log.jsonl.\(number)"))
      program.signal(SIGHUP)
      try await lines(folder, "log.jsonl", atLeast: 1)
    }
    let outcome = try await program.outcome()
    #expect(outcome.status == 0, "\(outcome.errors)")
    let parts =
      try (1...3).map { try folder.text(of: "log.jsonl.\($0)") } + [try folder.text(of: "log.jsonl")]
    #expect(parts.joined() == outcome.output)
    #expect(parts.allSatisfy { !$0.isEmpty })
  }

  @Test("a file that may not grow keeps whole lines; what found no room is counted, and the exit code is 74")
  func limited() async throws {
    let folder = try Folder()
    let outcome = try await Program.run(
      "/bin/bash",
      ["-c", "ulimit -f 8; exec \"$0\" run -e \"$1\"", Fluxgraph.path, graph("jsonl all.jsonl")],
      Fluxgraph.surroundings(directory: folder.path))
    #expect(outcome.status == 74, "\(outcome.errors)")
    #expect(
      outcome.errors.contains("File too large") && outcome.errors.contains("events could not be written"))
    #expect(try folder.bytes(of: "all.jsonl").count <= 8192)
    try await isWhole(folder, "all.jsonl")
    outcome.expectNoCrash()
  }

  @Test("the graph's own input, or any other file, is not taken for a log")
  func input() async throws {
    let folder = try Folder()
    try folder.write(try Data(contentsOf: URL(filePath: sound)), to: "call.wav")
    let before = try folder.bytes(of: "call.wav")
    let outcome = try await Fluxgraph.run(
      "file call.wav | flux endpoint=\(flux.call("normal").url) | jsonl call.wav", directory: folder.path)
    outcome.expectFailure(65, saying: "call.wav holds something else than lines of events", "file of its own")
    #expect(try folder.bytes(of: "call.wav") == before)
  }

  @Test(
    "a dead, a hanging, a slow and a full sink in one graph: the healthy ones have the same, and the end comes"
  )
  func isolation() async throws {
    let folder = try Folder()
    let hook = try Peers.start("hang.py")
    let port = try await hook.line(containing: "port").dropFirst(5)
    let outcome = try await Fluxgraph.run(
      """
      heard = file \(sound) | pace 10x | flux endpoint=\(flux.call("normal").url)
      heard | stdout json
      heard | jsonl healthy.jsonl
      heard | jsonl /dev/full
      heard | webhook http://127.0.0.1:1/turns
      hang = heard | webhook http://127.0.0.1:\(port)/turns spool=spool
      heard | command ["sh", "-c", "while read line; do sleep 5; done"]
      """, directory: folder.path)
    hook.signal(SIGKILL)
    #expect(outcome.status == 69, "\(outcome.errors)")
    #expect(outcome.output.split(separator: "\n").count > 500)
    #expect(try folder.text(of: "healthy.jsonl") == outcome.output)
    #expect(outcome.errors.contains("No space left on device"))
    #expect(outcome.errors.contains("stay in the spool"))
    outcome.expectNoCrash()
  }
}
