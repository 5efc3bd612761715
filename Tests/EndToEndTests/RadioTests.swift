import Foundation
import Testing

/// Sound from the web, over real connections to a server in Python.
@Suite(.timeLimit(.minutes(10)), .enabled(if: Peers.areThere, "needs Python and ffmpeg"))
struct RadioTests {
  private let folder: Folder
  private let server: Program
  private let address: String

  init() async throws {
    let sounds = try Folder()
    let recordings = try await Recordings.shared.value
    try sounds.write(try recordings.bytes(of: "stereo.wav"), to: "talk.wav")
    try sounds.write(try recordings.bytes(of: "noise.opus"), to: "talk.opus")
    try sounds.write(try recordings.bytes(of: "noise.opus.raw"), to: "talk.raw")
    folder = sounds
    server = try Peers.start("radio.py", [sounds.path])
    let port = try await server.line(containing: "port").dropFirst(5)
    address = "http://127.0.0.1:\(port)"
  }

  /// The samples a graph's source gives, as 16-bit numbers.
  private func samples(of source: String, _ name: String) async throws -> (Data, Program.Outcome) {
    let outcome = try await Fluxgraph.run("\(source) | wav \(name) overwrite", directory: folder.path)
    guard outcome.status == 0 else { return (Data(), outcome) }
    try await Peers.shell("ffmpeg -nostdin -v error -y -i \(name) -f s16le \(name).raw", in: folder.path)
    return (try folder.bytes(of: "\(name).raw"), outcome)
  }

  @Test("a file from the web gives what the file itself gives: WAV, Ogg Opus and raw, behind redirects too")
  func files() async throws {
    let formats = [
      ("talk.wav", ""), ("talk.opus", ""), ("talk.raw", " | decode raw=pcm(s16le, 16k, mono)"),
    ]
    for (name, decoder) in formats {
      let (expected, _) = try await samples(of: "file \(name)\(decoder)", "local.wav")
      #expect(expected.count > 50_000)
      for path in [name, "to/to/to/\(name)", "icy/\(name)"] {
        let (given, outcome) = try await samples(of: "http \(address)/\(path)\(decoder)", "web.wav")
        #expect(outcome.status == 0, "\(path): \(outcome.errors)")
        #expect(given == expected, "\(path): \(given.count) bytes instead of \(expected.count)")
      }
    }
    _ = try await server.line(containing: "/talk.wav titles")
  }

  @Test("a station's titles are told once each, also when it answers ICY instead of HTTP")
  func titles() async throws {
    let (_, outcome) = try await samples(of: "http \(address)/icy/talk.wav", "radio.wav")
    let titles = outcome.errors.split(separator: "\n").filter { $0.contains("now: ") }
    #expect(titles.count >= 2, "\(outcome.errors)")
    #expect(titles.allSatisfy { $0.contains("now: It's on") || $0.contains("now: Next") })
    let repeated = zip(titles, titles.dropFirst()).filter { $0 == $1 }
    #expect(repeated.isEmpty, "\(titles)")
  }

  @Test("what is not there, and what breaks off, ends with one line that says so")
  func failures() async throws {
    let (_, gone) = try await samples(of: "http \(address)/gone", "gone.wav")
    gone.expectFailure(69, saying: "/gone answered 404")
    let (_, cut) = try await samples(of: "http \(address)/cut/talk.wav", "cut.wav")
    cut.expectFailure(69, saying: "/cut/talk.wav", "was lost")
    let loop = String(repeating: "to/", count: 9)
    let (_, redirects) = try await samples(of: "http \(address)/\(loop)talk.wav", "loop.wav")
    redirects.expectFailure(69, saying: "redirect")
  }

  @Test("a live stream that breaks is connected again, and goes on where the station is then")
  func reconnect() async throws {
    let program = try Fluxgraph.start(
      "http \(address)/live/talk.raw live | decode raw=pcm(s16le, 16k, mono) | wav live.wav",
      directory: folder.path)
    _ = try await program.errorLine(containing: "connecting again in 1s")
    // The second time is told ten seconds later, with how many there were by then.
    for _ in 0..<1000 where ((try? folder.bytes(of: "live.wav").count) ?? 0) < 64_000 {
      try await Task.sleep(for: .milliseconds(10))
    }
    program.signal(SIGINT)
    let outcome = try await program.outcome()
    #expect(outcome.status == 0, "\(outcome.errors)")
    #expect(outcome.errors.contains("ended the stream; connecting again in 1s"), "\(outcome.errors)")
    // The file has two seconds, and the first two connections got them.
    try await Peers.shell("ffmpeg -nostdin -v error -y -i live.wav -f s16le live.raw", in: folder.path)
    let recorded = try folder.bytes(of: "live.raw")
    let isExact = recorded == (try folder.bytes(of: "talk.raw").prefix(64_000))
    #expect(isExact, "\(recorded.count) bytes")
  }
}
