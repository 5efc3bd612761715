import Foundation
import Glibc
import Testing

/// Files that cannot grow for a while, as on a full disk, and files that are taken away while they are written. The disk is the
/// machine's own; the limit is one the system sets to the size of a program's files.
@Suite(.timeLimit(.minutes(10)))
struct FullDiskTests {
  /// Starts a graph whose files cannot get longer than so many bytes.
  private func start(_ graph: String, limit: Int, in folder: Folder) throws -> Program {
    try Program(
      "/usr/bin/prlimit", ["--fsize=\(limit):unlimited", Fluxgraph.path, "run", "-e", graph],
      Fluxgraph.surroundings(directory: folder.path))
  }

  private func makeRoom(_ program: Program) async throws {
    let outcome = try await Program.run(
      "/usr/bin/prlimit", ["--pid", "\(program.process)", "--fsize=unlimited"])
    #expect(outcome.status == 0, "\(outcome.errors)")
  }

  @Test("a recording goes on when there is room again, without a hole")
  func recording() async throws {
    let folder = try Folder()
    let program = try start("tone sine live duration=6s rate=16k | wav a.wav", limit: 40_000, in: folder)
    let line = try await program.errorLine(containing: "File too large")
    #expect(line.contains("wav") && line.contains("tried again every second"), "\(line)")
    try await makeRoom(program)
    _ = try await program.errorLine(containing: "nothing was lost")
    let outcome = try await program.outcome()
    #expect(outcome.status == 0, "\(outcome.errors)")
    let whole = try await Fluxgraph.run(
      "tone sine duration=6s rate=16k | wav b.wav", directory: folder.path)
    #expect(whole.status == 0)
    #expect(try folder.bytes(of: "a.wav") == folder.bytes(of: "b.wav"))
  }

  @Test("captions and lines wait, whole, and come in order")
  func captions() async throws {
    let folder = try Folder()
    let words = (0..<40).map {
      #"{"word":"word\#($0).","start":\#(Double($0) * 2),"end":\#(Double($0) * 2 + 0.5)}"#
    }
    try folder.write("[" + words.joined(separator: ",") + "]", to: "w.json")
    let graph =
      "t = tone silence duration=80s | pace 20x | flux endpoint=local words=script:w.json as=me\n"
      + "t | vtt a.vtt\nt | txt a.txt\nt | where event == EndOfTurn | jsonl a.jsonl"
    let program = try start(graph, limit: 200, in: folder)
    _ = try await program.errorLine(containing: "a.vtt: File too large")
    try await makeRoom(program)
    let outcome = try await program.outcome()
    #expect(outcome.status == 0, "\(outcome.errors)")
    #expect(outcome.errors.contains("writing again; nothing was lost"))
    let text = try folder.text(of: "a.txt").split(separator: "\n").map(String.init)
    #expect(text == (0..<40).map { "me: word\($0)." })
    let cues = try folder.text(of: "a.vtt").split(separator: "\n\n")
    #expect(
      cues.count == 41 && cues.dropFirst().allSatisfy { $0.contains(" --> ") && $0.contains("<v me>word") })
    #expect(try folder.text(of: "a.jsonl").split(separator: "\n").count == 40)
  }

  @Test(
    "a disk that stays full ends a recording with a sentence that names it, and what is there can be played")
  func staysFull() async throws {
    let folder = try Folder()
    let program = try start("tone duration=1s rate=16k | wav a.wav", limit: 20_000, in: folder)
    let outcome = try await program.outcome()
    outcome.expectFailure(74, saying: "wav: cannot write a.wav: File too large", "can be played")
    #expect(try folder.bytes(of: "a.wav").count == 20_000)
  }

  @Test("a recording that is deleted or moved away is told, and goes on", arguments: ["deleted", "moved"])
  func takenAway(_ fate: String) async throws {
    let folder = try Folder()
    let program = try Fluxgraph.start(
      "tone sine live duration=4s rate=16k | wav a.wav", directory: folder.path)
    for _ in 0..<300 where ((try? folder.bytes(of: "a.wav").count) ?? 0) < 20_000 {
      try await Task.sleep(for: .milliseconds(20))
    }
    if fate == "moved" {
      rename(folder.path("a.wav"), folder.path("b.wav"))
    } else {
      unlink(folder.path("a.wav"))
    }
    _ = try await program.errorLine(containing: "goes on in a.wav")
    let outcome = try await program.outcome()
    #expect(outcome.status == 0, "\(outcome.errors)")
    let rest = try folder.bytes(of: "a.wav").count
    #expect(rest > 30_000)
    if fate == "moved" {
      // Not a sample between the two is lost.
      let header = try folder.bytes(of: "b.wav").count + rest - 4 * 32_000
      #expect(header == 2 * 80)
    }
  }

  @Test(
    "of every event it is known what became of it, when the spool is full and when its disk is",
    arguments: [("", 3000), ("--fsize=30000:unlimited", 300)])
  func balance(limit: String, length: Int) async throws {
    let folder = try Folder()
    let words = (0..<40).map {
      #"{"word":"word\#($0)\#(String(repeating: "x", count: length)).","start":\#(Double($0) * 2),"end":\#(Double($0) * 2 + 0.5)}"#
    }
    try folder.write("[" + words.joined(separator: ",") + "]", to: "w.json")
    let graph = """
      t = tone silence duration=80s | pace 20x | flux endpoint=local words=script:w.json
      crm = t | where event == EndOfTurn | webhook http://127.0.0.1:9/ spool=spool spool_limit=100kB retry=[10m]
      """
    let program = try Program(
      "/usr/bin/prlimit", (limit.isEmpty ? [] : [limit]) + [Fluxgraph.path, "run", "--stats", "-e", graph],
      Fluxgraph.surroundings(directory: folder.path))
    let outcome = try await program.outcome()
    #expect(outcome.status == 69, "\(outcome.errors)")
    #expect(outcome.errorLines.count < 25, "\(outcome.errors)")
    let pattern = /crm: (\d+) accepted: (\d+) delivered, (\d+) waiting, (\d+) dead letters?, (\d+) lost/
    let match = try #require(outcome.errors.firstMatch(of: pattern), "\(outcome.errors)")
    let numbers = [match.1, match.2, match.3, match.4, match.5].compactMap { Int($0) }
    #expect(numbers[0] == 40 && numbers.dropFirst().reduce(0, +) == 40 && numbers[4] > 0, "\(numbers)")
    #expect(outcome.errors.contains("\(numbers[4]) events were not delivered"), "\(outcome.errors)")
    let listing = try await Fluxgraph.command(["spool", "ls", "spool"], directory: folder.path).output
    #expect(listing.hasPrefix("crm  \(numbers[2]) waiting"), "\(listing) \(numbers)")
    #expect(listing.hasSuffix(" \(numbers[3]) dead\n"), "\(listing) \(numbers)")
  }
}
