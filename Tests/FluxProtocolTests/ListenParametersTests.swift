import FluxGraph
import FluxProtocol
import TestSupport
import Testing

@Suite("Query parameters")
struct ListenParametersTests {
  static func parameters(_ change: (inout ListenParameters) -> Void) -> ListenParameters {
    var parameters = ListenParameters(model: "flux-general-en")
    change(&parameters)
    return parameters
  }

  @Test("the query holds what was set and nothing else")
  func query() {
    #expect(ListenParameters(model: "flux-general-en").query() == "model=flux-general-en")
    let parameters = Self.parameters {
      $0.encoding = "linear16"
      $0.sampleRate = 16000
      $0.endOfTurnThreshold = 0.7
      $0.eagerEndOfTurnThreshold = 0.5
      $0.endOfTurnTimeout = 5000
      $0.keyterms = ["C++", "naïve café", "a&b=c,d"]
      $0.profanityFilter = true
      $0.modelImprovementOptOut = false
      $0.tags = ["one", "two"]
    }
    #expect(
      parameters.query()
        == "model=flux-general-en&encoding=linear16&sample_rate=16000&eot_threshold=0.7&eager_eot_threshold=0.5"
        + "&eot_timeout_ms=5000&keyterm=C%2B%2B&keyterm=na%C3%AFve%20caf%C3%A9&keyterm=a%26b%3Dc%2Cd"
        + "&profanity_filter=true&mip_opt_out=false&tag=one&tag=two")
  }

  @Test("Cloudflare gets no model and only what it knows")
  func cloudflareQuery() {
    let parameters = Self.parameters {
      $0.encoding = "linear16"
      $0.sampleRate = 16000
      $0.numerals = true
    }
    #expect(parameters.query(for: .cloudflare) == "encoding=linear16&sample_rate=16000")
    #expect(parameters.problems(for: .cloudflare).map(\.parameter) == ["numerals"])
    let noModel = Self.parameters { $0.model = nil }
    #expect(noModel.problems(for: .cloudflare) == [])
    #expect(noModel.problems().map(\.parameter) == ["model"])
  }

  @Test("what the client writes, the server reads")
  func roundTrip() throws {
    let parameters = Self.parameters {
      $0.model = "flux-general-multi"
      $0.encoding = "mulaw"
      $0.sampleRate = 8000
      $0.endOfTurnThreshold = 0.85
      $0.eagerEndOfTurnThreshold = 0.3
      $0.endOfTurnTimeout = 9000
      $0.keyterms = ["C++", " 100% \"ö\" ", "a+b c"]
      $0.languageHints = ["en", "pt-BR"]
      $0.profanityFilter = false
      $0.numerals = true
      $0.redact = "aggressive_numbers"
      $0.modelImprovementOptOut = true
      $0.tags = ["x"]
    }
    #expect(try ListenParameters(query: parameters.query()) == parameters)
    #expect(parameters.problems() == [])
  }

  @Test("both encodings of a blank are read")
  func blanks() throws {
    let query = "model=flux-general-en&keyterm=a+b&keyterm=a%20b&keyterm=a%2Bb"
    #expect(try ListenParameters(query: query).keyterms == ["a b", "a b", "a+b"])
  }

  struct Refusal: Sendable, CustomTestStringConvertible {
    let query: String
    let refusal: QueryRefusal
    var testDescription: String { String(query.prefix(60)) }

    init(_ query: String, _ refusal: QueryRefusal) {
      self.query = query
      self.refusal = refusal
    }
  }

  static let model = "model=flux-general-en"
  static let refusals = [
    Refusal("\(model)&channels=1", .invalidParameter("Unknown query parameters: channels")),
    Refusal(
      "language=en&\(model)&punctuate=true&language=de",
      .invalidParameter("Unknown query parameters: language, punctuate")),
    Refusal(
      "model=nova-3",
      .invalidParameter(
        "Failed to deserialize query parameters: Model must have exactly 3 parts separated by hyphens, such as \"flux-general-en\". Got: nova-3"
      )),
    Refusal("", .invalidParameter("Failed to deserialize query parameters: missing field `model`")),
    Refusal("model=flux-general-de", .modelNotAccessible),
    Refusal("\(model)&eot_threshold=0.49", .invalidParameter("eot_threshold must be between 0.5 and 1.0.")),
    Refusal("\(model)&eot_threshold=1.01", .invalidParameter("eot_threshold must be between 0.5 and 1.0.")),
    Refusal(
      "\(model)&eot_threshold=0,7",
      .invalidParameter("Failed to deserialize query parameters: eot_threshold: invalid float literal")),
    Refusal(
      "\(model)&eot_threshold=0x1p-1",
      .invalidParameter("Failed to deserialize query parameters: eot_threshold: invalid float literal")),
    Refusal(
      "\(model)&eot_threshold=nan",
      .invalidParameter("Failed to deserialize query parameters: eot_threshold: invalid float literal")),
    Refusal(
      "\(model)&eager_eot_threshold=0.29",
      .invalidParameter("eager_eot_threshold must be between 0.3 and 0.9.")),
    Refusal(
      "\(model)&eager_eot_threshold=0.8",
      .invalidParameter("eager_eot_threshold must be less than or equal to eot_threshold")),
    Refusal(
      "\(model)&eager_eot_threshold=0.7&eot_threshold=0.6",
      .invalidParameter("eager_eot_threshold must be less than or equal to eot_threshold")),
    Refusal(
      "\(model)&eot_timeout_ms=499", .invalidParameter("eot_timeout_ms must be between 500 and 60000.")),
    Refusal(
      "\(model)&eot_timeout_ms=5000.5",
      .invalidParameter(
        "Failed to deserialize query parameters: eot_timeout_ms: invalid digit found in string")),
    Refusal(
      "\(model)&eot_threshold=0.7&eot_threshold=0.7",
      .invalidParameter("Failed to deserialize query parameters: duplicate field `eot_threshold`")),
    Refusal(
      "\(model)" + String(repeating: "&keyterm=a", count: 101),
      .invalidParameter("Received 101 keyterms, which is more than the limit of 100.")),
    Refusal("\(model)&keyterm=", .invalidParameter("Keyterms must not be empty.")),
    Refusal(
      "\(model)&language_hint=en", .unsupported("language_hint is not supported for model flux-general-en")),
    Refusal(
      "model=flux-general-multi&language_hint=xx",
      .unsupported("language_hint 'xx' is not supported for model flux-general-multi")),
    Refusal(
      "model=flux-general-multi&language_hint=",
      .unsupported("language_hint '' is not supported for model flux-general-multi")),
    Refusal(
      "\(model)&redact=pci",
      .invalidParameter(
        "Invalid 'redact' value: pci. Supported values are `numbers` and `aggressive_numbers`.")),
    Refusal(
      "\(model)&encoding=linear16", .invalidParameter("`sample_rate` is required when `encoding` is given.")),
    Refusal(
      "\(model)&sample_rate=16000", .invalidParameter("`encoding` is required when `sample_rate` is given.")),
    Refusal(
      "\(model)&encoding=linear16&sample_rate=22050", .invalidParameter("Invalid 'sample_rate' value: 22050")),
    Refusal(
      "\(model)&encoding=linear32&sample_rate=16000", .invalidParameter("Invalid 'encoding' value: linear32")),
    Refusal("\(model)&encoding=opus&sample_rate=48000", .invalidParameter("Invalid 'encoding' value: opus")),
    Refusal("\(model)&encoding=webm", .invalidParameter("Invalid 'encoding' value: webm")),
    Refusal(
      "\(model)&numerals=True",
      .invalidParameter(
        "Failed to deserialize query parameters: numerals: provided string was not `true` or `false`")),
    Refusal(
      "\(model)&keyterm=%zz",
      .invalidParameter("Failed to deserialize query parameters: invalid percent-encoding")),
    Refusal(
      "\(model)&keyterm=%FF",
      .invalidParameter("Failed to deserialize query parameters: invalid percent-encoding")),
  ]

  @Test("the server refuses what the service refuses, in its words", arguments: refusals)
  func refusal(_ refusal: Refusal) {
    #expect(throws: refusal.refusal) { try ListenParameters(query: refusal.query) }
  }

  @Test("bodies of refusals have the service's shapes")
  func bodies() {
    #expect(
      QueryRefusal.invalidParameter("Unknown query parameters: channels").body(requestID: "r")
        == #"{"err_code":"INVALID_QUERY_PARAMETER","err_msg":"Unknown query parameters: channels","request_id":"r"}"#
    )
    #expect(
      QueryRefusal.unsupported("language_hint is not supported for model flux-general-en").body(
        requestID: "r")
        == #"{"code":"INVALID_PARAMETER","description":"language_hint is not supported for model flux-general-en"}"#
    )
    #expect(
      QueryRefusal.modelNotAccessible.body(requestID: "r")
        == #"{"err_code":"INSUFFICIENT_PERMISSIONS","err_msg":"Project does not have access to the requested model.","request_id":"r"}"#
    )
    #expect(QueryRefusal.modelNotAccessible.status == 403)
    #expect(QueryRefusal.invalidParameter("").status == 400)
  }

  @Test("a container needs neither encoding nor sample rate")
  func container() throws {
    let parameters = try ListenParameters(query: Self.model)
    #expect(parameters.encoding == nil)
    #expect(parameters.problems() == [])
  }

  @Test("an eager threshold is compared with the threshold in force, the default included")
  func eagerAboveDefault() {
    let alone = Self.parameters { $0.eagerEndOfTurnThreshold = 0.8 }
    #expect(
      alone.problems() == [
        ParameterProblem("eager_eot_threshold", .error, "0.8 is above the default eot_threshold of 0.7")
      ])
    let both = Self.parameters {
      $0.eagerEndOfTurnThreshold = 0.8
      $0.endOfTurnThreshold = 0.8
    }
    #expect(both.problems() == [])
  }

  @Test("ranges that have been widened are warnings, ranges that are known are errors")
  func ranges() {
    func severities(_ change: (inout ListenParameters) -> Void) -> [ParameterProblem.Severity] {
      Self.parameters(change).problems().map(\.severity)
    }
    #expect(severities { $0.endOfTurnThreshold = 0.9 } == [])
    #expect(severities { $0.endOfTurnThreshold = 0.95 } == [.warning])
    #expect(severities { $0.endOfTurnThreshold = 1.0 } == [.warning, .warning])
    #expect(severities { $0.endOfTurnThreshold = 1.01 } == [.error])
    #expect(severities { $0.endOfTurnTimeout = 10000 } == [])
    #expect(severities { $0.endOfTurnTimeout = 10001 } == [.warning])
    #expect(severities { $0.endOfTurnTimeout = 60001 } == [.error])
    #expect(severities { $0.keyterms = [String(repeating: "x", count: 101)] } == [.warning])
    #expect(severities { $0.keyterms = [" "] } == [.error])
    #expect(severities { $0.keyterms = Array(repeating: "x", count: 101) } == [.error])
    #expect(severities { $0.model = "flux" } == [.error])
    #expect(severities { $0.model = "flux-medical-en" } == [.warning])
    #expect(severities { $0.languageHints = ["en"] } == [.error])
    #expect(severities { $0.sampleRate = 16000 } == [.error])
    #expect(severities { $0.encoding = "linear16" } == [.error])
    #expect(severities { $0.redact = "pci" } == [.error])
    #expect(severities { $0.tags = [String(repeating: "x", count: 129)] } == [.warning])
  }

  @Test("ten thousand mutated queries are read or refused, and what is read is written back the same")
  func mutations() {
    var generator = SeededGenerator(seed: 23)
    let original = Array(
      "model=flux-general-multi&encoding=linear16&sample_rate=16000&eot_threshold=0.7&keyterm=a%20b&language_hint=en"
        .utf8)
    var read = 0
    for _ in 0..<10_000 {
      let query = String(decoding: mutated(original, using: &generator), as: UTF8.self)
      guard let parameters = try? ListenParameters(query: query) else { continue }
      read += 1
      #expect((try? ListenParameters(query: parameters.query())) == parameters, "\(query)")
    }
    #expect((100..<5000).contains(read))
  }
}
