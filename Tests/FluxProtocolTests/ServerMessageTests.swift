import FluxGraph
import FluxProtocol
import TestSupport
import Testing

@Suite("Server messages")
struct ServerMessageTests {
  static func turn(_ text: String) throws -> TurnInfo {
    guard case .turnInfo(let info) = try ServerMessage(decoding: text) else {
      throw ServerMessageError.notAnObject
    }
    return info
  }

  @Test("names may have escapes, and numbers any form JSON knows; what is no number is refused")
  func forms() throws {
    func text(_ number: String) -> String {
      #"{"\u0074ype":"TurnInfo","event":"Update","turn_\u0069ndex":2.0,"audio_window_end":\#(number)}"#
    }
    let numbers = [
      ("12.5", 12.5), ("1.25e1", 12.5), ("125E-1", 12.5), ("-0.5", -0.5), ("0", 0), ("-0.0", 0),
      ("0.12345678901234567", 0.12345678901234567), ("123456789012345", 123_456_789_012_345),
      ("12345678901234567890", 12_345_678_901_234_567_168),
    ]
    for (number, value) in numbers {
      let info = try Self.turn(text(number))
      #expect(info.turnIndex == 2 && info.audioWindowEnd == value, "\(number)")
    }
    for number in ["01", "-01", "1.", ".5", "-", "1.2.3", "1e", "1-2", "+1", "--1", "0x1"] {
      #expect(throws: ServerMessageError.self, "\(number)") { try ServerMessage(decoding: text(number)) }
    }
  }

  @Test("a live message is read field by field")
  func liveTurn() throws {
    let info = try Self.turn(FluxVectors.live[3])
    #expect(info.event == .startOfTurn)
    #expect(info.requestID == "019f4c80-a061-72f2-9780-89f9950b1adb")
    #expect(info.sequenceID == 4)
    #expect(info.turnIndex == 0)
    #expect(info.audioWindowStart == 0)
    #expect(info.audioWindowEnd == 0.96)
    #expect(info.transcript == "We, the")
    #expect(info.endOfTurnConfidence == 0.0151)
    #expect(info.trigger == nil)
    #expect(info.languages == nil)
    #expect(
      info.words == [
        TurnEvent.Word(word: "We,", start: 0.31999997854232787, end: 0.7199999785423279, confidence: 0.9536),
        TurnEvent.Word(word: "the", start: 0.7199999785423279, end: 0.9599999785423279, confidence: 1.0),
      ])
    #expect(try info.message == JSONValue.parse(FluxVectors.live[3]))
  }

  @Test("live messages written again are the same text, byte for byte", arguments: FluxVectors.live)
  func liveRoundTrip(_ text: String) throws {
    #expect(try ServerMessage(decoding: text).encoded == text)
  }

  @Test("integers and missing word times are fine")
  func minimalTurn() throws {
    let infos = try FluxVectors.minimalTurn.map(Self.turn)
    #expect(infos.map(\.event) == [.startOfTurn, .update, .endOfTurn])
    #expect(infos.map(\.audioWindowStart) == [0, 0, 0])
    #expect(infos[0].words == [TurnEvent.Word(word: "Hello", confidence: 0.8)])
    #expect(infos[2].transcript == "Hello, how are you?")
  }

  @Test("trigger and languages are read, and written where they belong")
  func triggerAndLanguages() throws {
    let manual = try Self.turn(FluxVectors.manualEnd[0])
    #expect(manual.trigger == .manual)
    #expect(manual.turnIndex == 3)
    #expect(manual.words.count == 6)
    let multilingual = try Self.turn(FluxVectors.multilingual[0])
    #expect(multilingual.trigger == .model)
    #expect(multilingual.languages == ["en"])
    #expect(multilingual.languagesHinted == ["en", "es", "de"])
    let written = ServerMessage.turnInfo(multilingual).encoded
    #expect(
      written.contains(
        #""transcript":"Hello, how are you?","languages_hinted":["en","es","de"],"languages":["en"],"#))
    #expect(written.hasSuffix(#""end_of_turn_confidence":0.86,"trigger":"model","sequence_id":11}"#))
    var update = multilingual
    update.event = .update
    #expect(!ServerMessage.turnInfo(update).encoded.contains("trigger"))
  }

  @Test("silence yields empty updates")
  func silence() throws {
    let info = try Self.turn(FluxVectors.silence[0])
    #expect(info.event == .update)
    #expect(info.transcript == "")
    #expect(info.words == [])
    #expect(info.endOfTurnConfidence == 0.0044)
  }

  @Test("answers to Configure may lack fields")
  func configure() throws {
    guard case .configureSuccess(let success) = try ServerMessage(decoding: FluxVectors.configure[0]),
      case .configureFailure(let failure) = try ServerMessage(decoding: FluxVectors.configure[1])
    else {
      Issue.record("not an answer to Configure")
      return
    }
    #expect(success.requestID == nil)
    #expect(success.eagerEndOfTurnThreshold == 0.4)
    #expect(success.endOfTurnThreshold == 0.7)
    #expect(success.endOfTurnTimeout == 6000)
    #expect(success.keyterms == ["apple", "banana", "orange"])
    #expect(success.languageHints == ["en", "es"])
    #expect(failure.code == "INVALID_THRESHOLD")
    #expect(failure.description == "eager_eot_threshold must be less than or equal to eot_threshold")
    let bare = ServerMessage.ConfigureFailure(
      requestID: "ad12514a-0d38-4f7e-8fba-cce10d8f174c", sequenceID: 7)
    #expect(try ServerMessage(decoding: FluxVectors.configure[2]) == .configureFailure(bare))
  }

  @Test("warnings and errors carry code and description")
  func notices() throws {
    let warning = ServerMessage.ServiceNotice(
      requestID: "ad12514a-0d38-4f7e-8fba-cce10d8f174c", sequenceID: 43,
      code: ServerMessage.ServiceNotice.noActiveTurnCode,
      description: "ForceEndTurn received with no active turn.")
    #expect(try ServerMessage(decoding: FluxVectors.warningsAndErrors[0]) == .warning(warning))
    let ours = ServerMessage.ServiceNotice(
      sequenceID: 3, code: "UNPARSABLE_CLIENT_MESSAGE", description: "Could not deserialize last text message"
    )
    #expect(try ServerMessage(decoding: FluxVectors.warningsAndErrors[1]) == .error(ours))
    #expect(!ours.isRetryable)
    let fatal = try ServerMessage(decoding: #"{"type":"FatalError","code":"INTERNAL_SERVER_ERROR"}"#)
    let internalError = ServerMessage.ServiceNotice(code: "INTERNAL_SERVER_ERROR", description: nil)
    #expect(fatal == .error(internalError))
    #expect(internalError.isRetryable)
  }

  @Test("what a future service sends passes through")
  func forwardCompatibility() throws {
    let messages = try FluxVectors.forwardCompatibility.map { try ServerMessage(decoding: $0) }
    let types = ["SomeFutureFeature", "DebugInfo", "Heartbeat", "Analytics", nil]
    for (index, type) in types.enumerated() {
      let raw = FluxVectors.forwardCompatibility[index]
      #expect(messages[index] == .unknown(type: type, sequenceID: nil, raw: raw))
      #expect(messages[index].encoded == raw)
    }
    #expect(
      try Self.turn(FluxVectors.forwardCompatibility[5]).event == TurnEvent.Kind(rawValue: "BrandNewEvent"))
    let trigger = try Self.turn(#"{"type":"TurnInfo","event":"EndOfTurn","trigger":"somethingNew"}"#).trigger
    #expect(trigger == TurnEvent.Trigger(rawValue: "somethingNew"))
  }

  @Test("a turn without a type is a turn")
  func withoutType() throws {
    let info = try Self.turn(#"{"event":"Update","turn_index":2,"transcript":"hi","words":[{"word":"hi"}]}"#)
    #expect(info.turnIndex == 2)
    #expect(info.words == [TurnEvent.Word(word: "hi")])
  }

  @Test("fields of the wrong type count as missing")
  func wrongTypes() throws {
    let info = try Self.turn(
      #"{"type":"TurnInfo","event":"Update","turn_index":"2","transcript":7,"words":[1,{"word":2},{"word":"a"}],"sequence_id":1.5,"audio_window_end":null}"#
    )
    #expect(info.turnIndex == nil)
    #expect(info.transcript == "")
    #expect(info.words == [TurnEvent.Word(word: "a")])
    #expect(info.sequenceID == nil)
    #expect(info.audioWindowEnd == nil)
  }

  @Test(
    "a message that is not a JSON object is an error",
    arguments: ["", "[]", "null", "{", "\"x\"", "{\"a\":}"])
  func notAnObject(_ text: String) {
    #expect(throws: ServerMessageError.self) { try ServerMessage(decoding: text) }
  }

  @Test("ten thousand mutated messages are read or refused")
  func mutations() {
    var generator = SeededGenerator(seed: 2)
    let originals = FluxVectors.all.map { Array($0.utf8) }
    var read = 0
    for _ in 0..<10_000 {
      let bytes = mutated(originals.randomElement(using: &generator) ?? [], using: &generator)
      if let message = try? ServerMessage(decoding: String(decoding: bytes, as: UTF8.self)) {
        read += 1
        _ = message.encoded
      }
    }
    #expect((1000..<9500).contains(read))
  }

  @Test(
    "the live capture reads as the vendor's own parser reads it, and is written back byte for byte",
    .enabled(if: LiveCapture.directory != nil, "the capture is not part of the repository: FLUX_VECTORS"))
  func liveCapture() throws {
    let frames = try #require(try JSONValue.parse(try LiveCapture.read("frames.json"))["frames"]?.arrayValue)
    let golden = try #require(try JSONValue.parse(try LiveCapture.read("golden.json"))["events"]?.arrayValue)
    try #require(frames.count == golden.count && frames.count == 105)
    var sequence = SequenceTracker()
    for (frame, expected) in zip(frames, golden) {
      let text = try #require(frame.stringValue)
      let message = try ServerMessage(decoding: text)
      #expect(Self.golden(message) == Self.numbers(expected), "\(text)")
      #expect(message.encoded == text)
      #expect(sequence.receive(message.sequenceID) == nil)
    }
  }

  /// A message in the shape of the vendor's parse.
  static func golden(_ message: ServerMessage) -> JSONValue {
    switch message {
    case .connected(let message):
      return [
        "kind": "Connected", "request_id": .string(message.requestID ?? ""),
        "sequence_id": number(message.sequenceID),
      ]
    case .turnInfo(let info):
      return [
        "kind": "TurnInfo", "request_id": .string(info.requestID ?? ""),
        "sequence_id": number(info.sequenceID),
        "event": .string(info.event.rawValue), "turn_index": number(info.turnIndex),
        "audio_window_start": number(info.audioWindowStart), "audio_window_end": number(info.audioWindowEnd),
        "transcript": .string(info.transcript),
        "words": .array(
          info.words.map { word in
            [
              "word": .string(word.word), "confidence": number(word.confidence), "start": number(word.start),
              "end": number(word.end),
            ]
          }), "end_of_turn_confidence": number(info.endOfTurnConfidence),
        "languages": strings(info.languages), "languages_hinted": strings(info.languagesHinted),
      ]
    case .configureSuccess(let message):
      return [
        "kind": "ConfigureSuccess", "request_id": .string(message.requestID ?? ""),
        "sequence_id": number(message.sequenceID),
        "eager_eot_threshold": number(message.eagerEndOfTurnThreshold),
        "eot_threshold": number(message.endOfTurnThreshold),
        "eot_timeout_ms": number(message.endOfTurnTimeout),
        "keyterms": strings(message.keyterms), "language_hints": strings(message.languageHints),
      ]
    default: return .null
    }
  }

  static func number(_ value: Int?) -> JSONValue { number(value.map(Double.init)) }
  static func number(_ value: Double?) -> JSONValue { value.map { JSONValue($0) } ?? .null }
  static func strings(_ value: [String]?) -> JSONValue {
    value.map { .array($0.map(JSONValue.string)) } ?? .null
  }

  /// With every number in the form of a Double.
  static func numbers(_ value: JSONValue) -> JSONValue {
    switch value {
    case .number: number(value.doubleValue)
    case .array(let elements): .array(elements.map(numbers))
    case .object(let members): .object(members.map { ($0.0, numbers($0.1)) })
    default: value
    }
  }
}
