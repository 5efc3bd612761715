import FluxGraph
import FluxProtocol
import FluxServer
import Foundation
import TestSupport
import Testing

@Suite("Session machine")
struct ServedSessionMachineTests {
  /// A session whose words come from a script at once.
  final class Session {
    var machine: ServedSessionMachine
    var stream: (any WordStream)?
    var sent: [ServerMessage] = []
    var notices: [String] = []
    var closed: String?
    var now = Duration.zero
    private let answers = AnswerBox()

    init(
      _ query: String = "model=flux-general-en&encoding=linear16&sample_rate=16000",
      words: [RecognisedWord] = []
    )
      throws
    {
      let script = ScriptedWords(words)
      machine = ServedSessionMachine(
        parameters: try ListenParameters(query: query), requestID: "id",
        judge: try #require(script.makeSpeechJudge()), wordLimit: .seconds(10), now: .zero)
      let answers = answers
      stream = script.open { answers.pending.append($0) }
      perform(machine.start())
    }

    func text(_ text: String) { perform(machine.receive(text: text, now: now)) }
    func audio(_ bytes: [UInt8]) { perform(machine.receive(binary: bytes, now: now)) }
    func silence(_ seconds: Double) { audio([UInt8](repeating: 0, count: Int(seconds * 16_000) * 2)) }

    func tick(at time: Duration) {
      now = time
      perform(machine.tick(now: now))
    }

    private func perform(_ actions: [ServedSessionMachine.Action]) {
      for action in actions {
        #expect(closed == nil, "nothing follows the close")
        switch action {
        case .send(let text):
          if let message = try? JSONValue.parse(text) {
            let problem = MessageSchema.problem(with: message)
            #expect(problem == nil, "\(text)")
          }
          do { sent.append(try ServerMessage(decoding: text)) } catch { Issue.record("\(error): \(text)") }
        case .recognise(let block): stream?.hear(block)
        case .abandonSegment: stream?.abandonSegment()
        case .notice(let notice): notices.append(notice)
        case .close(_, let reason), .drop(let reason): closed = reason
        }
      }
      while !answers.pending.isEmpty { perform(machine.take(answers.pending.removeFirst(), now: now)) }
    }

    var turns: [TurnInfo] { sent.compactMap { if case .turnInfo(let info) = $0 { info } else { nil } } }
    var ends: [TurnInfo] { turns.filter { $0.event == .endOfTurn } }
  }

  /// Unchecked: one test, one thread.
  final class AnswerBox: @unchecked Sendable {
    var pending: [WordAnswer] = []
  }

  static let hello = [
    RecognisedWord(text: "hello", start: 0.5, end: 0.9, confidence: 0.9),
    RecognisedWord(text: "world", start: 1.0, end: 1.4, confidence: 0.8),
  ]

  @Test("keyterms change nothing, and whoever gives some is told so, at the beginning and later")
  func keyterms() throws {
    let query = "model=flux-general-en&encoding=linear16&sample_rate=16000"
    let without = try Session(query)
    without.text(#"{"type":"Configure","thresholds":{"eot_threshold":0.6}}"#)
    #expect(without.notices.isEmpty)
    without.text(#"{"type":"Configure","keyterms":["Zürich"]}"#)
    #expect(without.notices == ["keyterm has no effect on the local Flux."])
    #expect(try Session(query + "&keyterm=Smith").notices == without.notices)
  }

  @Test("a session begins with Connected and numbers its messages without gaps")
  func sequence() throws {
    let session = try Session(words: Self.hello)
    session.silence(3)
    session.text(#"{"type":"Configure","thresholds":{"eot_threshold":0.8}}"#)
    session.text(#"{"type":"CloseStream"}"#)
    #expect(session.sent.map(\.sequenceID) == (0..<session.sent.count).map { $0 })
    guard case .connected(let connected) = session.sent.first else { return #expect(Bool(false)) }
    #expect(connected.requestID == "id")
    #expect(session.turns.allSatisfy { $0.requestID == "id" })
  }

  @Test("a turn has its words, its window and a trigger")
  func turn() throws {
    let session = try Session(words: Self.hello)
    session.silence(3)
    let end = try #require(session.ends.first)
    #expect(end.transcript == "hello world")
    #expect(end.trigger == .model && end.turnIndex == 0 && end.audioWindowStart == 0)
    #expect(end.words.map(\.start) == [0.5, 1.0] && end.words.map(\.confidence) == [0.9, 0.8])
    let next = try #require(session.turns.last)
    #expect(next.turnIndex == 1 && next.audioWindowStart == end.audioWindowEnd && next.trigger == nil)
  }

  @Test("CloseStream ends with an Update, no EndOfTurn, and a close")
  func closeStream() throws {
    let session = try Session(words: Self.hello)
    session.silence(1.45)
    session.text(#"{"type":"CloseStream"}"#)
    #expect(session.closed == "the client closed the stream")
    #expect(session.turns.last?.event == .update)
    #expect(session.turns.last?.transcript == "hello world")
    #expect(session.turns.last?.audioWindowEnd == 1.45)
    #expect(session.ends.isEmpty)
    let count = session.sent.count
    session.text(#"{"type":"ForceEndTurn"}"#)
    #expect(session.sent.count == count)
  }

  @Test("ForceEndTurn ends the active turn, and without one is answered by a Warning")
  func forceEndTurn() throws {
    let session = try Session(words: Self.hello)
    session.silence(1.45)
    session.text(#"{"type":"ForceEndTurn"}"#)
    session.text(#"{"type":"ForceEndTurn"}"#)
    #expect(session.ends.map(\.trigger) == [.manual])
    #expect(session.ends.first?.transcript == "hello world")
    guard case .warning(let warning) = session.sent.last else { return #expect(Bool(false)) }
    #expect(warning.code == "FORCE_END_TURN_NO_ACTIVE_TURN")
    session.silence(1)
    #expect(session.turns.last?.turnIndex == 1)
    #expect(session.closed == nil)
  }

  @Test("Configure is applied whole or not at all, and answered with all settings")
  func configure() throws {
    let session = try Session(words: Self.hello)
    session.text(
      #"{"type":"Configure","thresholds":{"eot_threshold":0.6,"eager_eot_threshold":0.9},"keyterms":["a"]}"#)
    guard case .configureFailure(let failure) = session.sent.last else { return #expect(Bool(false)) }
    #expect(failure.code == "INVALID_THRESHOLD")
    session.text(#"{"type":"Configure","thresholds":{"eot_threshold":1.0,"eot_timeout_ms":600}}"#)
    guard case .configureSuccess(let success) = session.sent.last else { return #expect(Bool(false)) }
    #expect(success.endOfTurnThreshold == 1 && success.endOfTurnTimeout == 600 && success.keyterms == [])
    session.silence(3)
    #expect(session.ends.map(\.trigger) == [.timeout])
  }

  @Test(
    "any other text message is fatal",
    arguments: [
      #"{"type":"KeepAlive"}"#, #"{"type":"Finalize"}"#, "{", "null", #"{"type":"Configure","features":{}}"#,
    ])
  func fatal(text: String) throws {
    let session = try Session()
    session.silence(0.5)
    session.text(text)
    guard case .error(let error) = session.sent.last else { return #expect(Bool(false)) }
    #expect(error.code == "UNPARSABLE_CLIENT_MESSAGE")
    #expect(session.closed != nil)
  }

  @Test("a minute without a sign of the client ends the session, a ping prevents that")
  func idle() throws {
    let session = try Session()
    session.tick(at: .seconds(59))
    #expect(session.closed == nil)
    session.machine.noteSign(now: .seconds(59))
    session.tick(at: .seconds(118))
    #expect(session.closed == nil)
    session.tick(at: .seconds(119))
    #expect(session.closed != nil)
  }

  @Test("a client whose words are not there yet hears the same Update again, is read, and is not let go")
  func slowWords() throws {
    var machine = ServedSessionMachine(
      parameters: try ListenParameters(query: "model=flux-general-en&encoding=linear16&sample_rate=16000"),
      requestID: "id", judge: try #require(ScriptedWords(Self.hello).makeSpeechJudge()),
      wordLimit: .seconds(120), now: .zero)
    _ = machine.start()
    // Four minutes at once, and nobody answers.
    let bytes = [UInt8](repeating: 0, count: 32_000)
    for _ in 0..<240 { _ = machine.receive(binary: bytes, now: .zero) }
    let isHeldBack = machine.holdsBack()
    #expect(!isHeldBack)
    #expect(machine.deadline == .seconds(2))
    for second in 1...100 {
      let said = machine.tick(now: .seconds(second)).compactMap { action -> TurnInfo? in
        guard case .send(let text) = action, case .turnInfo(let info)? = try? ServerMessage(decoding: text)
        else { return nil }
        return info
      }
      #expect(said.map(\.event) == (second.isMultiple(of: 2) ? [.update] : []))
      #expect(said.allSatisfy { $0.transcript.isEmpty && ($0.audioWindowEnd ?? 1) < 0.6 })
    }
    for _ in 0..<70 { _ = machine.receive(binary: bytes, now: .seconds(100)) }
    let isHeldBackNow = machine.holdsBack()
    #expect(isHeldBackNow)
  }

  @Test("an empty binary message means nothing, and odd bytes are put together")
  func oddBytes() throws {
    let session = try Session(words: Self.hello)
    session.audio([])
    for _ in 0..<100 { session.audio([UInt8](repeating: 0, count: 961)) }
    #expect(session.ends.map(\.transcript) == ["hello world"])
  }

  @Test(
    "audio time is the client's in every format",
    arguments: [
      ("linear16", 8000, 2), ("linear16", 24_000, 2), ("linear16", 44_100, 2), ("linear16", 48_000, 2),
      ("mulaw", 8000, 1), ("alaw", 8000, 1),
    ])
  func formats(encoding: String, rate: Int, size: Int) throws {
    let session = try Session(
      "model=flux-general-en&encoding=\(encoding)&sample_rate=\(rate)", words: Self.hello)
    for _ in 0..<30 { session.audio([UInt8](repeating: 0, count: rate * size * 8 / 100)) }
    session.text(#"{"type":"CloseStream"}"#)
    #expect(session.ends.count == 1)
    #expect(abs((session.turns.last?.audioWindowEnd ?? 0) - 2.4) < 0.001)
  }

  @Test("a container is recognised by its beginning, anything else without an encoding is fatal")
  func container() throws {
    let header: [UInt8] =
      Array("RIFF".utf8) + [0xFF, 0xFF, 0xFF, 0xFF] + Array("WAVEfmt ".utf8) + [16, 0, 0, 0, 1, 0, 1, 0]
      + [0x40, 0x1F, 0, 0, 0x80, 0x3E, 0, 0, 2, 0, 16, 0] + Array("data".utf8) + [0xFF, 0xFF, 0xFF, 0xFF]
    let session = try Session("model=flux-general-en", words: Self.hello)
    for byte in header { session.audio([byte]) }
    for _ in 0..<30 { session.audio([UInt8](repeating: 0, count: 1280)) }
    #expect(session.ends.map(\.transcript) == ["hello world"])
    let garbage = try Session("model=flux-general-en")
    garbage.audio(Array("<html>".utf8))
    guard case .error = garbage.sent.last else { return #expect(Bool(false)) }
    #expect(garbage.closed != nil)
  }

  @Test(
    "random messages never trap and never say anything after the end",
    arguments: 1...20 as ClosedRange<UInt64>)
  func mutations(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    let query = [
      "model=flux-general-en", "model=flux-general-en&encoding=linear16&sample_rate=44100",
      "model=flux-general-en&encoding=ogg-opus&sample_rate=16000",
    ]
    let session = try Session(query.randomElement(using: &random) ?? query[0], words: Self.hello)
    let starts: [[UInt8]] = [Array("RIFF".utf8), Array("OggS".utf8), Array("WAVEfmt ".utf8), []]
    for _ in 0..<60 {
      switch Int.random(in: 0..<8, using: &random) {
      case 0:
        session.text(#"{"type":"ForceEndTurn"}"#)
      case 1:
        session.text(#"{"type":"Configure","keyterms":["x"]}"#)
      default:
        let start = starts.randomElement(using: &random) ?? []
        session.audio(
          start
            + (0..<Int.random(in: 0...3000, using: &random)).map { _ in
              UInt8.random(in: 0...255, using: &random)
            })
      }
    }
    session.text(#"{"type":"CloseStream"}"#)
    #expect(session.closed != nil)
  }
}
