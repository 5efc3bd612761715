import FluxGraph
import FluxProtocol
import Testing

@Suite("Client messages")
struct ClientMessageTests {
  static let full = """
    {"type":"Configure","thresholds":{"eager_eot_threshold":0.4,"eot_threshold":0.7,"eot_timeout_ms":6000},\
    "keyterms":["apple","banana","customer service"],"language_hints":["en","es"],"numerals":true}
    """

  static var fullRequest: ConfigureRequest {
    var request = ConfigureRequest()
    request.eagerEndOfTurnThreshold = 0.4
    request.endOfTurnThreshold = 0.7
    request.endOfTurnTimeout = 6000
    request.keyterms = ["apple", "banana", "customer service"]
    request.languageHints = ["en", "es"]
    request.numerals = true
    return request
  }

  @Test("the three messages are written as documented and read back")
  func roundTrip() throws {
    #expect(ClientMessage.configure(Self.fullRequest).encoded == Self.full)
    for message in [
      .forceEndTurn, .closeStream, .configure(ConfigureRequest()), ClientMessage.configure(Self.fullRequest),
    ] {
      #expect(try ClientMessage(decoding: message.encoded) == message)
    }
    #expect(ClientMessage.forceEndTurn.encoded == #"{"type":"ForceEndTurn"}"#)
    #expect(ClientMessage.closeStream.encoded == #"{"type":"CloseStream"}"#)
    #expect(ClientMessage.configure(ConfigureRequest()).encoded == #"{"type":"Configure"}"#)
  }

  @Test("an empty list is sent, because it clears")
  func clearing() throws {
    var request = ConfigureRequest()
    request.keyterms = []
    #expect(ClientMessage.configure(request).encoded == #"{"type":"Configure","keyterms":[]}"#)
    #expect(!request.isEmpty)
  }

  @Test("a single keyterm may be a string, null leaves a field as it is")
  func leniency() throws {
    var request = ConfigureRequest()
    request.keyterms = ["x"]
    let text =
      #"{"keyterms":"x","language_hints":null,"thresholds":{"eot_threshold":null},"type":"Configure"}"#
    #expect(try ClientMessage(decoding: text) == .configure(request))
  }

  static let prefix = "Could not deserialize last text message: "

  @Test(
    "any other text is fatal, in the service's words",
    arguments: [
      (
        #"{"type":"KeepAlive"}"#,
        "unknown variant `KeepAlive`, expected one of `CloseStream`, `ForceEndTurn`, `Configure`"
      ),
      (
        #"{"type":"Finalize"}"#,
        "unknown variant `Finalize`, expected one of `CloseStream`, `ForceEndTurn`, `Configure`"
      ),
      (#"{}"#, "missing field `type`"),
      (#"{"type":1}"#, "invalid type for `type`, expected a string"),
      (#"[]"#, "invalid type, expected a message object"),
      (
        #"{"type":"Configure","features":{}}"#,
        "unknown field `features`, expected one of `type`, `thresholds`, `keyterms`, `language_hints`, `numerals`"
      ),
      (
        #"{"type":"Configure","thresholds":{"eot":1}}"#,
        "unknown field `eot`, expected one of `eager_eot_threshold`, `eot_threshold`, `eot_timeout_ms`"
      ),
      (#"{"type":"Configure","numerals":"true"}"#, "invalid type for `numerals`, expected a boolean"),
      (
        #"{"type":"Configure","thresholds":{"eot_threshold":"0.7"}}"#,
        "invalid type for `eot_threshold`, expected a number"
      ),
      (
        #"{"type":"Configure","thresholds":{"eot_timeout_ms":0.5}}"#,
        "invalid type for `eot_timeout_ms`, expected an integer"
      ),
      (
        #"{"type":"Configure","keyterms":[1]}"#, "invalid type for `keyterms`, expected a sequence of strings"
      ),
      (#"{"type":"Configure","keyterms":["a"],"keyterms":[]}"#, "duplicate field `keyterms`"),
      (#"{"type":"ForceEndTurn","turn":1}"#, "unknown field `turn`, expected one of `type`"),
      ("hello", "invalid JSON: unexpected character at byte 0"),
    ])
  func fatal(_ text: String, _ detail: String) {
    do throws(ClientMessageError) {
      _ = try ClientMessage(decoding: text)
      Issue.record("was accepted")
    } catch {
      #expect(error.description == Self.prefix + detail)
    }
    #expect(ClientMessageError.code == "UNPARSABLE_CLIENT_MESSAGE")
  }

  @Test("changes merge, the later one wins field by field")
  func merging() {
    var first = ConfigureRequest()
    first.endOfTurnThreshold = 0.8
    first.keyterms = ["a"]
    var second = ConfigureRequest()
    second.keyterms = []
    second.numerals = false
    let merged = first.merging(second)
    #expect(merged.endOfTurnThreshold == 0.8)
    #expect(merged.keyterms == [])
    #expect(merged.numerals == false)
  }

  @Test("a change is checked against the settings it meets")
  func refusals() {
    let current = ListenParameters(model: "flux-general-en")
    func refusal(_ change: (inout ConfigureRequest) -> Void) -> ConfigureRefusal? {
      var request = ConfigureRequest()
      change(&request)
      return request.refusal(for: current)
    }
    #expect(refusal { _ in } == nil)
    #expect(refusal { $0.endOfTurnThreshold = 1.0 } == nil)
    #expect(refusal { $0.endOfTurnThreshold = 0.4 } == .thresholdOutOfRange("eot_threshold"))
    #expect(refusal { $0.endOfTurnTimeout = 60001 } == .thresholdOutOfRange("eot_timeout_ms"))
    #expect(refusal { $0.eagerEndOfTurnThreshold = 0.71 } == .eagerAboveEndOfTurn)
    #expect(refusal { $0.keyterms = Array(repeating: "x", count: 101) } == .tooManyKeyterms(101))
    #expect(refusal { $0.keyterms = [""] } == .emptyKeyterm)
    #expect(refusal { $0.languageHints = ["en"] } == .languageHintsUnsupported(model: "flux-general-en"))
    #expect(refusal { $0.languageHints = [] } == nil)
    #expect(ConfigureRefusal.eagerAboveEndOfTurn.code == "INVALID_THRESHOLD")
    let multilingual = ListenParameters(model: "flux-general-multi")
    #expect(Self.fullRequest.refusal(for: multilingual) == nil)
    var applied = multilingual
    applied.apply(Self.fullRequest)
    #expect(applied.endOfTurnTimeout == 6000)
    #expect(applied.languageHints == ["en", "es"])
  }
}
