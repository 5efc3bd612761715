import FluxGraph

@testable import GraphLanguage

// Stages with the names and options of the standard ones, small enough to run nothing.

struct FileSource: ByteSource {
  static let description = StageDescription<FileSource>("file", "Reads a file.") {
    Option("path", \FileSource.path, "The file to read.", positional: true, required: true)
  }
  var path = Path("")
  var output: ByteStreamType { ByteStreamType(liveness: .finite) }
  mutating func open(_ context: StageContext) throws {}
  mutating func read(into bytes: inout ByteBuffer) throws -> SourceProgress { .finished }
}

struct StdinSource: ByteSource {
  static let description = StageDescription<StdinSource>("stdin", "Reads standard input.") {
    Option("emits", \StdinSource.emits, "The format of raw samples.")
    Option("live", \StdinSource.isLive, "Whether the input comes at its own pace.")
  }
  var emits: AudioFormat?
  var isLive = false
  var output: ByteStreamType { ByteStreamType(liveness: isLive ? .live : .finite) }
  var exclusiveInput: String? { "standard input" }
  mutating func open(_ context: StageContext) throws {}
  mutating func read(into bytes: inout ByteBuffer) throws -> SourceProgress { .finished }
}

struct ToneSource: AudioSource {
  static let description = StageDescription<ToneSource>("tone", "A test tone.") {
    Option("frequency", \ToneSource.frequency, "Hertz.", in: 1...20_000, positional: true)
    Option("rate", \ToneSource.rate, "Frames a second.")
    Option("channels", \ToneSource.channels, "Channels.", in: 1...32)
  }
  var frequency = 440.0
  var rate = SampleRate(48_000)
  var channels = 1
  var output: AudioStreamType {
    AudioStreamType(AudioFormat(.f32le, rate: rate.hertz, channels: channels), liveness: .finite)
  }
  mutating func open(_ context: StageContext) throws -> AudioFormat {
    AudioFormat(.f32le, rate: rate.hertz, channels: channels)
  }
  mutating func read(into audio: inout AudioBuffer) throws -> SourceProgress { .finished }
}

struct MicSource: AudioSource {
  static let description = StageDescription<MicSource>("mic", "A microphone.") {
    Option("device", \MicSource.device, "The device.")
  }
  var device = ""
  var output: AudioStreamType { AudioStreamType(sample: .s16le, liveness: .live) }
  mutating func open(_ context: StageContext) throws -> AudioFormat {
    AudioFormat(.s16le, rate: 48_000, channels: 2)
  }
  mutating func read(into audio: inout AudioBuffer) throws -> SourceProgress { .waiting }
}

struct MonitorSource: AudioSource {
  static let description = StageDescription<MonitorSource>("monitor", "What the computer plays.")
  var output: AudioStreamType {
    AudioStreamType(AudioFormat(.s16le, rate: 44_100, channels: 2), liveness: .live)
  }
  mutating func open(_ context: StageContext) throws -> AudioFormat {
    AudioFormat(.s16le, rate: 44_100, channels: 2)
  }
  mutating func read(into audio: inout AudioBuffer) throws -> SourceProgress { .waiting }
}

struct Decode: AudioDecoder {
  static let description = StageDescription<Decode>("decode", "Decodes WAV and Opus.", role: .decode())
  var output: AudioStreamType { AudioStreamType(liveness: .finite) }
  mutating func prepare(wanted: AudioRequirement, _ context: StageContext) throws {}
  mutating func decode(_ bytes: inout ByteBuffer, isLast: Bool, into audio: inout AudioBuffer) throws
    -> DecodeProgress
  { .finished }
}

enum Layout: String, OptionEnumeration { case mono, left }

struct Mix: AudioConverter, AudioJoiner {
  static let description = StageDescription<Mix>("mix", "Mixes channels.", role: .mix(setting: "channel")) {
    Option("channel", \Mix.channel, "The channels that come out.", positional: true)
  }
  var channel = Layout.mono
  var accepts: AudioRequirement { .float }
  func output(for input: AudioStreamType) -> AudioStreamType {
    var output = input
    output.channels = 1
    return output
  }
  mutating func prepare(input: AudioFormat, _ context: StageContext) throws -> (
    output: AudioFormat, capacity: Int
  ) {
    (input, 0)
  }
  mutating func prepare(
    inputs: [(format: AudioFormat, liveness: Liveness)], _ context: StageContext
  ) throws -> AudioFormat {
    inputs[0].format
  }
  func room(of input: Int) -> Int { 0 }
  mutating func take(_ audio: borrowing AudioBuffer, from input: Int) {}
  mutating func inputEnded(_ input: Int) {}
  mutating func read(into output: inout AudioBuffer) -> SourceProgress { .finished }
  mutating func convert(_ input: inout AudioBuffer, into output: inout AudioBuffer) {}
}

struct Resample: AudioConverter {
  static let description = StageDescription<Resample>(
    "resample", "Changes the rate.", role: .resample(setting: "rate")
  ) {
    Option("rate", \Resample.rate, "The rate that comes out.", positional: true, required: true)
  }
  var rate = SampleRate(16_000)
  var accepts: AudioRequirement { .float }
  func output(for input: AudioStreamType) -> AudioStreamType {
    var output = input
    output.rate = rate.hertz
    return output
  }
  mutating func prepare(input: AudioFormat, _ context: StageContext) throws -> (
    output: AudioFormat, capacity: Int
  ) {
    (input, 0)
  }
  mutating func convert(_ input: inout AudioBuffer, into output: inout AudioBuffer) {}
}

enum Sample: String, OptionEnumeration { case s16le, f32le, mulaw, alaw }

struct Format: AudioConverter {
  static let description = StageDescription<Format>(
    "format", "Changes the sample format.", role: .format(setting: "format")
  ) {
    Option("format", \Format.format, "The format that comes out.", positional: true, required: true)
  }
  var format = Sample.s16le
  var accepts: AudioRequirement { .any }
  func output(for input: AudioStreamType) -> AudioStreamType {
    var output = input
    output.sample = SampleFormat(rawValue: format.rawValue)
    return output
  }
  mutating func prepare(input: AudioFormat, _ context: StageContext) throws -> (
    output: AudioFormat, capacity: Int
  ) {
    (input, 0)
  }
  mutating func convert(_ input: inout AudioBuffer, into output: inout AudioBuffer) {}
}

struct Chunk: AudioConverter {
  static let description = StageDescription<Chunk>(
    "chunk", "Cuts blocks of one length.", role: .chunk(setting: "length")
  ) {
    Option(
      "length", \Chunk.length, "The length of a block.", in: .milliseconds(10)...(.seconds(1)),
      positional: true)
  }
  var length = Duration.milliseconds(80)
  var accepts: AudioRequirement { .any }
  func output(for input: AudioStreamType) -> AudioStreamType {
    var output = input
    output.chunk = length
    return output
  }
  mutating func prepare(input: AudioFormat, _ context: StageContext) throws -> (
    output: AudioFormat, capacity: Int
  ) {
    (input, 0)
  }
  mutating func convert(_ input: inout AudioBuffer, into output: inout AudioBuffer) {}
}

struct Pace: AudioTransform {
  static let description = StageDescription<Pace>(
    "pace", "Slows down to real time.", role: .pace(setting: "speed")
  ) {
    Option("speed", \Pace.speed, "How fast.", in: .times(0.1)...(.times(16)), positional: true)
  }
  var speed = Speed(1)
  var accepts: AudioRequirement { .any }
  mutating func process(_ audio: inout AudioBuffer) {}
}

struct TestGain: AudioTransform {
  static let description = StageDescription<TestGain>("gain", "Scales the signal by a fixed gain.") {
    Option("level", \TestGain.level, "Gain.", in: .decibels(-60)...(.decibels(60)), positional: true)
  }
  var level = Decibels(0)
  mutating func process(_ audio: inout AudioBuffer) {}
}

/// A stage that takes nothing but stereo.
struct Widen: AudioTransform {
  static let description = StageDescription<Widen>("widen", "Widens the stereo image.")
  var accepts: AudioRequirement { AudioRequirement(sample: .f32le, channels: 2) }
  mutating func process(_ audio: inout AudioBuffer) {}
}

struct Flux: Recogniser {
  static let description = StageDescription<Flux>(
    "flux", "Deepgram Flux.", ports: [PortSpecification("notices", "What is not a turn.")],
    mistakes: [
      KnownMistake(
        "language", "`language` is an option of Deepgram's v1 models",
        help: "the language is part of the model: `model=flux-general-en`"),
      KnownMistake(
        "model", value: .exactly("flux"), "`flux` is the name of the family, not of a model",
        help: "write `model=flux-general-en`"),
      KnownMistake(
        "endpoint", value: .containing("/v1/listen"), "`/v1/listen` does not speak Flux",
        help: "Flux is at `/v2/listen`"),
    ]
  ) {
    Option("model", \Flux.model, "The model.")
    Option("eot_threshold", \Flux.endOfTurn, "Confidence that ends a turn.", in: 0...1, usual: 0.5...0.9)
    Option("eager_eot_threshold", \Flux.eager, "Confidence for EagerEndOfTurn.", in: 0.3...0.9)
    Option("eot_timeout", \Flux.timeout, "Silence that ends a turn.", in: .milliseconds(500)...(.seconds(60)))
    Option("keyterm", \Flux.keyterms, "Terms to expect.")
    Option("language_hint", \Flux.hints, "Languages to expect.")
    Option("key", \Flux.key, "The API key.")
    Option("as", \Flux.stream, "The events' `stream`.")
    Option("endpoint", \Flux.endpoint, "The service.")
    Option("buffer", \Flux.buffer, "Audio kept while disconnected.")
    Rule(reads: ["eager_eot_threshold", "eot_threshold"]) { flux in
      guard let eager = flux.eager, eager > flux.endOfTurn else { return nil }
      return OptionConflict(
        code: "eager-above-eot",
        "`eager_eot_threshold` (\(eager)) must not be above `eot_threshold` (\(flux.endOfTurn))",
        options: ["eager_eot_threshold", "eot_threshold"],
        help: "raise `eot_threshold` or lower the eager value")
    }
  }
  enum Language: String, OptionEnumeration { case en, es, fr }
  var model = "flux-general-en"
  var endOfTurn = 0.7
  var eager: Double?
  var timeout = Duration.seconds(5)
  var keyterms: [String] = []
  var hints: [Language] = []
  var key = Secret("")
  var stream = ""
  var endpoint: WebURL?
  var buffer = ByteCount(1_000_000)

  var accepts: AudioRequirement {
    AudioRequirement(sample: .s16le, rate: 16_000, channels: 1, chunk: .milliseconds(80), paced: true)
  }

  var unsentEvents: [UnsentEvent] {
    eager == nil ? [UnsentEvent(.eagerEndOfTurn, help: "set `eager_eot_threshold`")] : []
  }

  mutating func run(_ audio: AudioInlet, into events: EventOutlet, _ context: StageContext) async throws {}
}

struct Where: EventTransform {
  static let description = StageDescription<Where>("where", "Lets events through that fit.") {
    Option("predicate", \Where.predicate, "The condition.", positional: true, required: true)
  }
  var predicate = Predicate.compare(field: "event", .equal, .text("EndOfTurn"))
  mutating func process(_ event: Event, emit: (Event) -> Void) { emit(event) }
}

struct Null: AudioSink, EventSink {
  static let description = StageDescription<Null>("null", "Takes anything.")
  mutating func write(_ audio: borrowing AudioBuffer) throws {}
  mutating func open(_ context: StageContext) async throws {}
  mutating func write(_ event: Event) async throws {}
  mutating func finish() {}
}

struct Wav: AudioSink {
  static let description = StageDescription<Wav>("wav", "Writes a WAV file.") {
    Option("path", \Wav.path, "The file to write.", positional: true, required: true)
    Option("overwrite", \Wav.overwrites, "Whether an existing file is replaced.")
  }
  var path = Path("")
  var overwrites = false
  mutating func write(_ audio: borrowing AudioBuffer) throws {}
}

struct Stdout: EventSink {
  enum Color: String, OptionEnumeration { case confidence, speaker, none }
  static let description = StageDescription<Stdout>("stdout", "Prints events.") {
    Option("template", \Stdout.template, "The line.", positional: true)
    Option("live", \Stdout.isLive, "Whether the line is redrawn.")
    Option("color", \Stdout.color, "What colours show.")
  }
  var template: Template?
  var isLive = false
  var color = Color.none
  mutating func write(_ event: Event) async throws {}
}

struct JSONLines: EventSink {
  static let description = StageDescription<JSONLines>("jsonl", "Appends events to a file.") {
    Option("path", \JSONLines.path, "The file.", positional: true)
  }
  var path: PathTemplate?
  mutating func write(_ event: Event) async throws {}
}

struct Webhook: EventSink {
  static let description = StageDescription<Webhook>(
    "webhook", "Posts events.", ports: [PortSpecification("dead", "Events that could not be delivered.")]
  ) {
    Option("url", \Webhook.url, "Where to.", positional: true, required: true)
    Option("secret", \Webhook.secret, "Signs the requests.")
    Option("headers", \Webhook.headers, "Headers to send.")
    Option("timeout", \Webhook.timeout, "How long to wait.")
    Option("spool", \Webhook.spool, "Where undelivered events wait.")
  }
  var url: WebURL?
  var secret: Secret?
  var headers: [HeaderLine] = []
  var timeout = Duration.seconds(10)
  var spool: Path?
  mutating func write(_ event: Event) async throws {}
}

struct Command: EventSink {
  static let description = StageDescription<Command>("command", "Runs a program.") {
    Option(
      "arguments", \Command.arguments, "The program and its arguments.", positional: true, required: true)
  }
  var arguments: [String] = []
  mutating func write(_ event: Event) async throws {}
}

let standard = Catalogue()
  .adding(FileSource.self).adding(StdinSource.self).adding(ToneSource.self).adding(MicSource.self)
  .adding(MonitorSource.self).adding(Decode.self).adding(Mix.self).adding(Resample.self).adding(Format.self)
  .adding(Chunk.self).adding(Pace.self).adding(TestGain.self).adding(Widen.self).adding(Flux.self)
  .adding(Where.self).adding(Null.self).adding(Wav.self).adding(Stdout.self).adding(JSONLines.self)
  .adding(Webhook.self).adding(Command.self)

func check(
  _ text: String, parameters: [String: String] = [:], environment: [String: String] = [:],
  strict: Bool = false, files: [String: String] = [:], secrets: SecretRegister = SecretRegister()
) -> CheckResult {
  let options = Checker.Options(
    parameters: parameters, environment: { environment[$0] }, isStrict: strict,
    readGraph: { path in
      files[path].map { .success($0) }
        ?? .failure(Checker.UnreadableFile("cannot open \(path): No such file"))
    }, secrets: secrets)
  return Checker(catalogue: standard, options: options)
    .check(GraphSource(name: "t.graph", text: text, directory: "/graphs"))
}
