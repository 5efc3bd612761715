import Foundation
import Testing

/// A file system that does not answer, as a file server that is gone: only what is written there waits, or is lost and told.
@Suite(.timeLimit(.minutes(10)), .serialized)
struct HangingDiskTests {
  private static let turns = 40

  /// Forty turns, a fifth of a second apart.
  private func heard(_ folder: Folder) throws -> String {
    let words = (0..<Self.turns).map {
      #"{"word":"word\#($0).","start":\#(Double($0) * 2),"end":\#(Double($0) * 2 + 0.5)}"#
    }
    try folder.write("[" + words.joined(separator: ",") + "]", to: "w.json")
    return "t = tone silence duration=80s rate=16k | pace 10x\n"
      + "h = t | flux endpoint=local words=script:w.json as=me | where event == EndOfTurn\n"
  }

  private func start(_ graph: String, _ disk: HeldDisk, in folder: Folder) async throws -> Program {
    try Program(
      Fluxgraph.path, ["run", "-e", graph],
      Fluxgraph.surroundings(try await disk.environment(), directory: folder.path))
  }

  private func lines(_ path: String) -> Int {
    ((try? Data(contentsOf: URL(fileURLWithPath: path))) ?? Data()).count { $0 == UInt8(ascii: "\n") }
  }

  private func wait(until condition: () -> Bool) async throws {
    for _ in 0..<500 where !condition() { try await Task.sleep(for: .milliseconds(20)) }
    #expect(condition())
  }

  @Test("for as long as it lasts every other file goes on, and afterwards nothing is missing anywhere")
  func aWhile() async throws {
    let (folder, disk) = (try Folder(), try HeldDisk())
    defer { disk.remove() }
    let graph =
      try heard(folder) + "h | jsonl \(disk.path("a.jsonl"))\nh | jsonl b.jsonl\nh | txt b.txt\n"
      + "h | webhook http://127.0.0.1:9/ spool=spool retry=[10m]\nt | wav b.wav"
    let program = try await start(graph, disk, in: folder)
    try await wait { lines(disk.path("a.jsonl")) > 2 }
    try disk.stop()
    let told = try await program.errorLine(containing: "has not answered for")
    #expect(told.contains(disk.path("a.jsonl")) && told.contains("jsonl"), "\(told)")
    let (held, free) = (lines(disk.path("a.jsonl")), lines(folder.path("b.jsonl")))
    let (spool, wave) = (
      try folder.bytes(of: "spool/webhook.spool").count, try folder.bytes(of: "b.wav").count
    )
    try await wait { lines(folder.path("b.jsonl")) > free + 5 }
    #expect(lines(disk.path("a.jsonl")) <= held + 1)
    #expect(try folder.bytes(of: "spool/webhook.spool").count > spool)
    #expect(try folder.bytes(of: "b.wav").count > wave)
    disk.goOn()
    let answer = try await program.errorLine(containing: "answers again, after")
    #expect(answer.contains(disk.path("a.jsonl")), "\(answer)")
    let outcome = try await program.outcome()
    #expect(outcome.status == 0, "\(outcome.errors)")
    for path in [disk.path("a.jsonl"), folder.path("b.jsonl"), folder.path("b.txt")] {
      #expect(lines(path) == Self.turns, "\(path)")
    }
    #expect(try folder.bytes(of: "b.wav").count == 80 * 32_000 + 80)
    let said = outcome.errors.split(separator: "\n")
    #expect(!outcome.errors.contains("dropped") && outcome.errors.contains(" 0 lost"), "\(outcome.errors)")
    #expect(said.count { $0.contains("answer") } == 2, "nobody else is blamed: \(outcome.errors)")
  }

  @Test("where it never answers again the graph ends all the same, and says what is missing and where")
  func forGood() async throws {
    let (folder, disk) = (try Folder(), try HeldDisk())
    defer { disk.remove() }
    let graph =
      try heard(folder)
      + "h | jsonl \(disk.path("a.jsonl"))\nh | vtt \(disk.path("a.vtt"))\nh | jsonl b.jsonl"
    let program = try await start(graph, disk, in: folder)
    try await wait { lines(disk.path("a.jsonl")) > 2 }
    try disk.stop()
    try await wait { lines(folder.path("b.jsonl")) == Self.turns }
    let outcome = try await program.outcome()
    #expect(outcome.status == 74, "\(outcome.errors)")
    let there = lines(disk.path("a.jsonl"))
    let lost = outcome.errors.firstMatch(of: /warning: jsonl: (\d+) events that waited for jsonl are lost/)
    let unwritten = outcome.errors.firstMatch(
      of: /error: jsonl: (\d+) events? could not be written: (\S+) has not answered for \d+ s/)
    let numbers = [lost?.1, unwritten?.1].compactMap { $0.flatMap { Int($0) } }
    #expect(numbers.count == 2 && there + numbers.reduce(0, +) == Self.turns, "\(there) \(outcome.errors)")
    #expect(unwritten?.2 == disk.path("a.jsonl")[...], "\(outcome.errors)")
    #expect(outcome.errors.contains(disk.path("a.vtt")), "\(outcome.errors)")
  }

  @Test("a recording there keeps no thread of the audio, from its beginning to its end")
  func recording() async throws {
    let (folder, disk) = (try Folder(), try HeldDisk())
    defer { disk.remove() }
    try disk.stop()
    let program = try await start(
      "t = tone sine live duration=4s rate=16k\nt | wav \(disk.path("a.wav"))\nt | wav b.wav", disk,
      in: folder)
    let told = try await program.errorLine(containing: "has not answered")
    #expect(told.contains(disk.path("a.wav")), "\(told)")
    let outcome = try await program.outcome()
    #expect(outcome.status == 74, "\(outcome.errors)")
    #expect(outcome.errors.contains("the last 4.00 s of audio could not be written"), "\(outcome.errors)")
    #expect(!outcome.errors.contains("blocked"), "\(outcome.errors)")
    #expect(try folder.bytes(of: "b.wav").count == 4 * 32_000 + 80)
  }
}
