import Foundation
import Testing

/// Links that take less than the real time of linear16, between the program and the local Flux.
@Suite(.timeLimit(.minutes(4)), .enabled(if: Peers.areThere, "needs Python, ffmpeg and flite"))
struct SlowLinkTests {
  private let dialogue: Dialogue

  init() async throws {
    dialogue = try await Dialogue.shared.value
  }

  private struct Course {
    var outcome: Program.Outcome
    /// The addresses of its connections.
    var requests: [String]
    var notices: [String]

    func ends() throws -> [Program.Outcome.Event] { try outcome.events().filter { $0.event == "EndOfTurn" } }
  }

  /// Sends the dialogue, again and again, as from a microphone, over a link that takes so many bytes a second.
  private func run(
    _ options: String, seconds: Int, bytes: Int, serve: [String] = ["--words", "none"]
  ) async throws -> Course {
    let folder = try Folder()
    try Data(try dialogue.samples()).write(to: URL(filePath: folder.path("all.raw")))
    let server = try Program(
      Fluxgraph.path, ["serve", "--port", "0"] + serve, Fluxgraph.surroundings(holdsInput: true, limit: 600))
    defer { server.signal(SIGTERM) }
    let url = try await server.line(containing: "ws://")
    let port = try #require(url.split(separator: ":").last?.split(separator: "/").first)
    let link = try Peers.start("slow_link.py", [String(port), String(bytes)])
    defer { link.signal(SIGTERM) }
    let front = try await link.line(containing: "port").split(separator: " ")[1]
    let source = Peers.folder.appending(path: "paced.py").path
    let outcome = try await Fluxgraph.run(
      """
      sound = exec ["\(Peers.python)", "\(source)", "all.raw", "\(seconds)"] emits=pcm(s16le, 16k, mono) live
      heard = sound | flux endpoint=ws://127.0.0.1:\(front) \(options)
      heard | stdout json
      heard.notices | jsonl notices.jsonl
      """, directory: folder.path)
    let notices = (try? folder.text(of: "notices.jsonl")) ?? ""
    return Course(
      outcome: outcome,
      requests: link.lines.filter { $0.hasPrefix("request") }.map { String($0.dropFirst(8)) },
      notices: try notices.split(separator: "\n").map {
        try JSONDecoder().decode(Told.self, from: Data($0.utf8)).notice
      })
  }

  private struct Told: Decodable { var notice: String }

  /// Whether two courses told of the same turns, at the same times but for a step of the service.
  private func expectSame(_ one: Course, _ other: Course) throws {
    let (turns, others) = (try one.ends(), try other.ends())
    #expect(turns.count > 3 && turns.count == others.count, "\(turns.map(\.end)) \(others.map(\.end))")
    for (turn, other) in zip(turns, others) {
      #expect(abs(turn.start - other.start) < 0.17 && abs(turn.end - other.end) < 0.25, "\(turn) \(other)")
      #expect(turn.final == true)
    }
  }

  @Test("half of linear16's real time is enough for encoding=ogg-opus, and for encoding=auto: nothing is lost")
  func halfOfRealTime() async throws {
    let seconds = 32
    async let linear = run("", seconds: seconds, bytes: 1_000_000)
    async let byHand = run("encoding=ogg-opus", seconds: seconds, bytes: 16_000)
    async let automatic = run("encoding=auto", seconds: seconds, bytes: 16_000)
    let (one, two, three) = try await (linear, byHand, automatic)
    for course in [one, two, three] { #expect(course.outcome.status == 0, "\(course.outcome.errors)") }
    try expectSame(two, one)
    try expectSame(three, one)
    #expect(two.notices == [] && two.requests == ["/v2/listen?model=flux-general-en"])
    #expect(three.notices.filter { $0 != "caught-up" } == ["backlog", "encoding-changed", "reconnected"])
    #expect(
      three.requests == [
        "/v2/listen?model=flux-general-en&encoding=linear16&sample_rate=16000",
        "/v2/listen?model=flux-general-en",
      ])
  }
}
