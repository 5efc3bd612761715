import FluxGraph
import FluxProtocol
import StageTesting
import Testing

@testable import FluxClient

@Suite("Commands to a session")
struct CommandTests {
  private static let live = SessionStage.Source(liveness: .live)

  private func set(_ settings: String...) -> StageCommand {
    .set(
      settings.map { text in
        let halves = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        return StageCommand.Setting(String(halves[0]), String(halves[1]))
      })
  }

  @Test("end-turn ends the open turn, and says so when there is none")
  func endTurn() {
    let stage = SessionStage(Self.live)
    stage.run(0.5)
    #expect(!stage.session.command(.endTurn).isAccepted)
    stage.run(1)
    #expect(stage.session.command(.endTurn).isAccepted)
    stage.run(0.2)
    #expect(stage.turns == ["1 one two"])
    #expect(stage.events.last { $0.kind == .endOfTurn }?.trigger == "manual")
  }

  @Test("one change is under way at a time; what comes meanwhile is put together")
  func coalesced() {
    let stage = SessionStage(Self.live)
    stage.run(0.5)
    #expect(stage.session.command(set("eot_threshold=0.8")).isAccepted)
    #expect(stage.session.command(set("eot_timeout=6s", "keyterm=C++")).isAccepted)
    #expect(stage.session.command(set("eager_eot_threshold=0.5", "keyterm=")).isAccepted)
    #expect(stage.connections[0].sentTexts.count == 1)
    stage.run(0.2)
    #expect(
      stage.connections[0].sentTexts == [
        #"{"type":"Configure","thresholds":{"eot_threshold":0.8}}"#,
        #"{"type":"Configure","thresholds":{"eager_eot_threshold":0.5,"eot_timeout_ms":6000},"keyterms":[]}"#,
      ])
    #expect(stage.notices == ["configured", "configured"])
  }

  @Test("changes survive a lost connection, the unanswered ones too")
  func survives() {
    let stage = SessionStage(Self.live, faults: [.cut(after: 2)], answersConfigure: false)
    stage.run(0.5)
    #expect(stage.session.command(set("eot_threshold=0.85", "keyterm=a b")).isAccepted)
    #expect(stage.session.command(set("numerals=true")).isAccepted)
    while stage.connections.count < 2, stage.now < 20 { stage.run(0.02) }
    let url = stage.connections[1].request.url
    #expect(url.contains("eot_threshold=0.85&"))
    #expect(url.contains("keyterm=a%20b"))
    #expect(url.contains("numerals=true"))
    #expect(!stage.connections[0].request.url.contains("eot_threshold"))
  }

  @Test("an answer that does not come is told of after 5 s, and holds up nothing")
  func unanswered() {
    let stage = SessionStage(Self.live, answersConfigure: false)
    stage.run(0.5)
    _ = stage.session.command(set("eot_threshold=0.8"))
    _ = stage.session.command(set("eot_threshold=0.9"))
    stage.run(4.8)
    #expect(stage.notices == [])
    stage.run(0.4)
    #expect(stage.notices == ["configure-unanswered"])
    #expect(stage.connections[0].sentTexts.count == 2)
  }

  @Test(
    "what cannot be is refused before it is sent",
    arguments: [
      ("eot_threshold=2", "out of range: it goes from 0.5 to 1.0"),
      ("eager_eot_threshold=0.8", "less than or equal"),
      ("model=flux-general-multi", "restart"), ("redact=numbers", "restart"), ("colour=red", "no setting"),
      ("eot_timeout=5", "duration"), ("eager_eot_threshold=off", "restart"), ("numerals=1", "true or false"),
      ("language_hint=en", "not supported"), ("eot_threshold=nan", "number"),
      ("eot_timeout=99999999999999999h", "duration"), ("eot_timeout=100h", "out of range"),
    ])
  func refused(_ setting: String, _ words: String) {
    let stage = SessionStage(Self.live)
    stage.run(0.5)
    let reply = stage.session.command(set(setting))
    #expect(!reply.isAccepted)
    #expect(reply.message.contains(words), "\(reply.message)")
    #expect(stage.connections[0].sentTexts == [])
  }

  @Test("status tells of connection, position and backlog")
  func status() throws {
    let stage = SessionStage(Self.live, faults: [.cut(after: 2)])
    stage.run(1)
    #expect(stage.session.command(.status).message.hasPrefix("connected to flux.test, at 0:0"))
    stage.run(1.6)
    let reply = stage.session.command(.status)
    #expect(reply.message.hasPrefix("waiting to try flux.test again"))
    let backlog = try #require(reply.details.first { $0.name == "backlog" }?.value.doubleValue)
    #expect(backlog > 0.3)
  }
}
