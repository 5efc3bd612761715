import AudioCodecs
import FluxGraph
import FluxProtocol
import StageTesting
import Testing

@testable import FluxClient

@Suite("Audio that is sent as Ogg Opus")
struct EncodingTests {
  private static let speech = Speech((1..<30).map { "w\($0)@\(Double($0) * 3)" }.joined(separator: " "))
  /// Half of what 16 kHz linear16 needs.
  private static let half = 16_000.0

  private func stage(
    _ encoding: AudioEncoding, liveness: Liveness = .live, speech: Speech = speech, seconds: Double = 92,
    slow: [(during: ClosedRange<Double>, bytes: Double)] = [(3...1000, half)],
    outages: [ClosedRange<Double>] = [],
    faults: [Fault] = [], opus: ScriptedFlux.Opus = .heard,
    adjust: (inout FluxSessionSettings) -> Void = { _ in }
  ) -> SessionStage {
    let source = SessionStage.Source(
      liveness: liveness, speech: speech, seconds: seconds, outages: outages, slow: slow)
    return SessionStage(source, faults: faults, encoding: encoding, opus: opus, adjust: adjust)
  }

  @Test("at half of the real time of linear16 nothing waits and nothing is lost")
  func byHand() {
    let stage = stage(.oggOpus).runToEnd()
    #expect(stage.notices == [])
    #expect(stage.unheard == [])
    #expect(stage.places.count == 29)
    #expect(stage.connections.map(\.request.url) == ["ws://flux.test/v2/listen?model=flux-general-en"])
    #expect(stage.brokenPromises == [])
  }

  @Test("the words are where linear16 has them", arguments: [Liveness.live, .finite])
  func places(_ liveness: Liveness) {
    let linear = stage(.samples, liveness: liveness, slow: []).runToEnd()
    let opus = stage(.oggOpus, liveness: liveness, slow: []).runToEnd()
    #expect(opus.places == linear.places)
    #expect(opus.turns == linear.turns)
    #expect(opus.events.map(\.end) == linear.events.map(\.end))
  }

  @Test("every chunk is a message of its own, and the stream is ended before it is closed")
  func messages() throws {
    let stage = stage(.oggOpus, seconds: 10, slow: []).runToEnd()
    let lengths = stage.connections[0].sentLengths
    #expect(lengths.count == 126)
    #expect(lengths[1..<125].allSatisfy { $0 < 400 })
    let bytes = stage.connections[0].sentBytes
    #expect(bytes.starts(with: "OggS".utf8))
    // The flags of the last page.
    #expect(bytes[bytes.count - lengths[125] + 5] == 4)
  }

  @Test(
    "a link too slow for linear16 is found out, told of once, and loses nothing",
    arguments: [Liveness.live, .finite], [half, 6_000, 28_000])
  func automatic(_ liveness: Liveness, _ bytes: Double) {
    let stage = stage(.automatic, liveness: liveness, slow: [(3...1000, bytes)]).runToEnd()
    #expect(stage.notices.filter { $0 == "encoding-changed" }.count == 1)
    #expect(
      stage.notices.filter { $0 != "backlog" && $0 != "caught-up" } == ["encoding-changed", "reconnected"])
    #expect(stage.services.map(\.isSentOpus) == [false, true])
    #expect(stage.unheard == [])
    #expect(stage.told == [])
    #expect(Set(stage.places.map { $0.prefix { $0 != "@" } }).count == 29)
    #expect(stage.brokenPromises == [])
    // Between two turns: none is cut.
    #expect(stage.turns.allSatisfy { !$0.contains("[disconnected]") }, "\(stage.turns)")
  }

  @Test("where no turn ends the open one is not waited for beyond 10 s of audio")
  func endlessTurn() {
    let words = (0..<150).map { "w\($0)@\(Double($0) * 0.6)" }.joined(separator: " ")
    let stage = stage(.automatic, speech: Speech(words))
    while !stage.notices.contains("encoding-changed"), stage.now < 92 { stage.run(0.1) }
    // And what was under way is sent again.
    #expect((10...14).contains(stage.session.waitingSeconds), "\(stage.session.waitingSeconds)")
    _ = stage.runToEnd()
    #expect(stage.unheard == [])
    #expect(Set(stage.places.map { $0.prefix { $0 != "@" } }).count == 150)
    #expect(stage.turns.filter { $0.contains("[disconnected]") }.count == 1)
    #expect(stage.brokenPromises == [])
  }

  @Test(
    "what is not a slow link changes nothing: outages, moments without the network, a link just fast enough")
  func notSlow() {
    let courses: [([(during: ClosedRange<Double>, bytes: Double)], [ClosedRange<Double>])] = [
      ([], [5...45]), ([(20...24, 0)], []), ([(20...23, 0), (30...34, 0), (50...54.5, 0)], []),
      ([(3...1000, 42_000)], [10...30]), ([(10...13, 8_000), (40...43, 8_000)], []),
    ]
    for (slow, outages) in courses {
      let stage = stage(.automatic, slow: slow, outages: outages).runToEnd()
      #expect(!stage.notices.contains("encoding-changed"), "\(slow) \(outages)")
      #expect(stage.unheard == [])
      #expect(stage.brokenPromises == [])
    }
  }

  @Test("however the link behaves, it is changed to at most once, and what is lost is told")
  func random() {
    for seed in 0..<30 as Range<UInt64> {
      var generator = SplitMix64(state: seed)
      var slow: [(during: ClosedRange<Double>, bytes: Double)] = []
      var time = 1.0
      while time < 80 {
        let length = Double(generator.next() % 150) / 10 + 0.1
        slow.append((time...(time + length), Double(generator.next() % 40_000)))
        time += length + Double(generator.next() % 80) / 10
      }
      let stage = stage(.automatic, slow: slow) { $0.seed = seed }.runToEnd()
      #expect(stage.notices.filter { $0 == "encoding-changed" }.count <= 1, "seed \(seed)")
      #expect(stage.unheard == [], "seed \(seed)")
      #expect(stage.brokenPromises == [], "seed \(seed)")
    }
  }

  @Test(
    "a service that does not take it gets linear16 again, for good, and is asked once",
    arguments: [.refused(400), .refused(415), .closed(1008), .ignored] as [ScriptedFlux.Opus])
  func refused(_ opus: ScriptedFlux.Opus) {
    let stage = stage(.automatic, opus: opus) { $0.limits.buffer = .seconds(60) }.runToEnd()
    #expect(stage.notices.filter { $0 == "encoding-changed" }.count == 1)
    #expect(stage.notices.filter { $0 == "encoding-refused" }.count == 1)
    #expect(stage.services.filter(\.isSentOpus).count == 1)
    #expect(stage.services.last?.isSentOpus == false)
    #expect(stage.connections.last?.request.url.contains("encoding=linear16&sample_rate=16000") == true)
    #expect(stage.unheard.isEmpty)
    #expect(stage.places.count == 29)
    #expect(stage.brokenPromises == [])
  }

  @Test("asked for by hand, a refusal is the end, in the service's words")
  func refusedByHand() {
    let stage = stage(.oggOpus, opus: .refused(400)).runToEnd()
    guard case .failed(let error) = stage.outcome else { return #expect(Bool(false), "it goes on") }
    #expect(error.message.contains("no such encoding"))
    #expect(stage.services.count == 1)
  }

  @Test("busy and broken services are not taken for one that refuses it", arguments: [429, 503, 401])
  func otherRefusals(_ status: Int) {
    let stage = stage(.automatic, opus: .refused(status)).runToEnd()
    #expect(!stage.notices.contains("encoding-refused"))
  }

  @Test("a lost connection goes on where it was heard to, with headers of its own")
  func reconnect() {
    let finite = stage(.oggOpus, liveness: .finite, slow: [], faults: [.cut(after: 10.0), .cut(after: 20.0)])
      .runToEnd()
    let linear = stage(.samples, liveness: .finite, slow: [], faults: [.cut(after: 10.0), .cut(after: 20.0)])
      .runToEnd()
    #expect(finite.unheard == [])
    #expect(finite.places == linear.places)
    #expect(finite.turns == linear.turns)
    #expect(finite.connections.allSatisfy { $0.sentBytes.starts(with: "OggS".utf8) })
    #expect(Set(finite.connections.map { Array($0.sentBytes[14..<18]) }).count == 3)
    let live = stage(.oggOpus, outages: [20...40]).runToEnd()
    #expect(live.unheard == [])
    #expect(live.places.count == 29)
    #expect(finite.brokenPromises + live.brokenPromises == [])
  }

  @Test("the state is told as what the audio is sent as")
  func status() {
    for (encoding, name) in [(AudioEncoding.oggOpus, "ogg-opus"), (.automatic, "linear16")] {
      let stage = stage(encoding, slow: [])
      stage.run(2)
      let reply = stage.session.command(.status)
      #expect(reply.details.first { $0.name == "encoding" }?.value.stringValue == name)
      #expect(reply.message.contains("ogg-opus") == (name == "ogg-opus"))
    }
  }
}
