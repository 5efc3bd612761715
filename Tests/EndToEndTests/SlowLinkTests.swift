import Foundation
import Testing

/// Links that take less than the real time of linear16, between the program and the local Flux.
@Suite(.timeLimit(.minutes(10)), .enabled(if: Peers.areThere, "needs Python, ffmpeg and flite"))
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

  /// Sends the dialogue, again and again, in real time over a link that takes so many bytes a second.
  private func run(_ options: String, _ repetitions: Int, bytes: Int) async throws -> Course {
    let folder = try Folder()
    let samples = try dialogue.samples()
    try folder.write(Data((0..<repetitions).flatMap { _ in samples }), to: "all.raw")
    let server = try Program(
      Fluxgraph.path, ["serve", "--port", "0", "--words", "none"],
      Fluxgraph.surroundings(holdsInput: true, limit: 600))
    defer { server.signal(SIGTERM) }
    let url = try await server.line(containing: "ws://")
    let port = try #require(url.split(separator: ":").last?.split(separator: "/").first)
    let link = try Peers.start("slow_link.py", [String(port), String(bytes)])
    let front = try await link.line(containing: "port").split(separator: " ")[1]
    let outcome = try await Fluxgraph.run(
      """
      heard = file all.raw | decode raw=pcm(s16le, 16k, mono) | flux endpoint=ws://127.0.0.1:\(front) \(options)
      heard | stdout json
      heard.notices | jsonl notices.jsonl
      """, directory: folder.path)
    let notices = (try? folder.text(of: "notices.jsonl")) ?? ""
    link.endInput()
    let lines = try await link.outcome().output.split(separator: "\n")
    return Course(
      outcome: outcome,
      requests: lines.filter { $0.hasPrefix("request") }.map { String($0.dropFirst(8)) },
      notices: try notices.split(separator: "\n").map {
        try JSONDecoder().decode(Told.self, from: Data($0.utf8)).notice
      })
  }

  private struct Told: Decodable { var notice: String }

  /// Whether two courses told of the same turns, at the same times but for a step or two of the service. Without words a turn begins where
  /// the service's window does, which another connection begins anew.
  private func expectSame(_ one: Course, _ other: Course) throws {
    let (turns, others) = (try one.ends(), try other.ends())
    #expect(turns.count > 3 && turns.count == others.count, "\(turns.map(\.end)) \(others.map(\.end))")
    for (turn, other) in zip(turns, others) {
      #expect(
        (one.requests.count > 1 || abs(turn.start - other.start) < 0.17) && abs(turn.end - other.end) < 0.25,
        "\(turn) \(other)")
      #expect(turn.final == true)
    }
  }

  @Test(
    "half of linear16's real time is enough for encoding=ogg-opus, and for encoding=auto: nothing is lost")
  func halfOfRealTime() async throws {
    async let linear = run("", 4, bytes: 1_000_000)
    async let byHand = run("encoding=ogg-opus", 4, bytes: 16_000)
    async let automatic = run("encoding=auto", 4, bytes: 16_000)
    // The kernel takes nothing for many seconds on end, while it sends what it holds.
    async let slow = run("encoding=auto", 4, bytes: 6_000)
    let (one, two, three, four) = try await (linear, byHand, automatic, slow)
    for course in [one, two, three, four] {
      #expect(course.outcome.status == 0, "\(course.outcome.errors)")
      try expectSame(course, one)
    }
    #expect(two.notices == [])
    #expect(two.requests == ["/v2/listen?model=flux-general-en"])
    for course in [three, four] {
      #expect(course.notices == ["encoding-changed", "reconnected"])
      #expect(
        course.requests == [
          "/v2/listen?model=flux-general-en&encoding=linear16&sample_rate=16000",
          "/v2/listen?model=flux-general-en",
        ])
    }
  }
}
