import Foundation
import Testing

/// What users have instead of sound, a server or a right graph: the exit code, and one sentence that names the thing.
@Suite(.timeLimit(.minutes(10)), .enabled(if: Peers.areThere, "needs ffmpeg for its files"))
struct BadInputTests {
  private let folder: Folder
  private let recordings: Recordings

  init() async throws {
    folder = try Folder()
    recordings = try await Recordings.shared.value
  }

  private func run(
    _ graph: String, _ options: [String] = [], environment: [String: String] = [:], input: [UInt8] = []
  ) async throws -> Program.Outcome {
    try await Fluxgraph.run(
      graph, options, environment: environment, directory: folder.path, input: input)
  }

  private static let behind = "flux endpoint=local words=none | stdout json"

  @Test("a file that is missing or a directory is an input error that names it")
  func missing() async throws {
    try await run("file missing.wav | \(Self.behind)").expectFailure(
      74, saying: "missing.wav", "No such file")
    try await run("file \(folder.path) | \(Self.behind)").expectFailure(74, saying: folder.path, "directory")
  }

  @Test("a file without sound is bad data, and the line says what it holds")
  func noSound() async throws {
    try folder.write("", to: "empty.wav")
    try folder.write("Dear Sir or Madam, this is a letter.\n", to: "letter.wav")
    try folder.write(Data((0..<4096).map { UInt8(truncatingIfNeeded: $0 &* 73 ^ $0 >> 3) }), to: "bytes.wav")
    try await run("file empty.wav | \(Self.behind)").expectFailure(65, saying: "empty.wav", "is empty")
    try await run("file letter.wav | \(Self.behind)").expectFailure(65, saying: "letter.wav", "text")
    try await run("file bytes.wav | \(Self.behind)").expectFailure(65, saying: "bytes.wav", "neither", "pcm(")
  }

  @Test(
    "sound in a foreign format is named where ffmpeg is not installed, with the line that helps",
    arguments: [("sine.mp3", "MP3"), ("sine.flac", "FLAC"), ("sine.ogg", "Vorbis")])
  func foreign(name: String, format: String) async throws {
    let without = ["PATH": folder.path]
    try await run("file \(recordings.path(name)) | \(Self.behind)", environment: without).expectFailure(
      65, saying: name, format, #"exec ["ffmpeg", "-v", "error", "-i", "FILE", "-f", "wav", "-"]"#)
  }

  @Test("a WAV file cut short is used as far as it goes, and told", arguments: [1, 20, 43, 44, 45, 9_000])
  func truncatedWAV(count: Int) async throws {
    try folder.write(try recordings.bytes(of: "short.wav").prefix(count), to: "cut.wav")
    let flux = try await FakeFlux.shared.value
    let call = flux.call("normal")
    let outcome = try await run("file cut.wav | flux endpoint=\(call.url) | stdout json")
    guard count > 1000 else { return outcome.expectFailure(65, saying: "cut.wav") }
    #expect(outcome.status == 0, "\(outcome.errors)")
    #expect(outcome.errors.contains("before its header says it does"), "\(outcome.errors)")
    // ffmpeg's header is longer than 44 bytes, and what follows it is whole samples.
    let received = try await flux.record(of: call).audio.reduce(0, +)
    #expect((count - 200...count - 44).contains(received))
    #expect(try outcome.events().last?.event == "EndOfTurn")
  }

  @Test("Ogg Opus cut short or overwritten is used as far as it goes, and told", arguments: [0.3, 0.6, 0.95])
  func damagedOpus(part: Double) async throws {
    let whole = try recordings.bytes(of: "noise.opus")
    let place = Int(Double(whole.count) * part)
    var overwritten = whole
    for index in place..<min(place + 64, whole.count) { overwritten[index] ^= 0xA5 }
    let flux = try await FakeFlux.shared.value
    for (name, bytes) in [("cut.opus", whole.prefix(place)), ("overwritten.opus", overwritten)] {
      try folder.write(bytes, to: name)
      let call = flux.call("normal")
      let outcome = try await run("file \(name) | flux endpoint=\(call.url) | stdout json")
      outcome.expectFailure(65, saying: name, "damaged")
      let received = try await flux.record(of: call).audio.reduce(0, +)
      // Pages hold 0.2 s here; at most two are lost around the damage.
      let expected = name == "cut.opus" ? part : 1
      #expect(Double(received) / 64_000 > expected - 0.3)
      #expect(received <= 64_000)
      #expect(try outcome.events().last?.event == "EndOfTurn")
    }
  }

  @Test(
    "a WAV stream from a pipe, whose header cannot know its length, is played to the end",
    arguments: [UInt32(0), .max])
  func endlessWAV(size: UInt32) async throws {
    var bytes = [UInt8](try recordings.bytes(of: "short.wav"))
    let data = try #require((0..<bytes.count - 4).first { bytes[$0..<$0 + 4].elementsEqual("data".utf8) })
    for offset in [4, data + 4] {
      withUnsafeBytes(of: size.littleEndian) { bytes.replaceSubrange(offset..<offset + 4, with: $0) }
    }
    let flux = try await FakeFlux.shared.value
    let call = flux.call("normal")
    let outcome = try await run("stdin | flux endpoint=\(call.url) | stdout json", input: bytes)
    #expect(outcome.status == 0, "\(outcome.errors)")
    #expect(try await flux.record(of: call).audio.reduce(0, +) == 19_200)
  }

  @Test("a service that is not there is unavailable")
  func noService() async throws {
    let sound = "file \(recordings.path("short.wav"))"
    // Port 9 (discard) is privileged, and nothing has it on a machine for tests.
    try await run("\(sound) | flux endpoint=ws://127.0.0.1:9 max_attempts=1 | stdout").expectFailure(
      69, saying: "127.0.0.1:9", "refused")
    try await run("\(sound) | flux endpoint=wss://nowhere.invalid max_attempts=1 | stdout").expectFailure(
      69, saying: "nowhere.invalid", "not found")
  }

  @Test("no key at all is told before anything is dialled, with the ways to go on")
  func noKey() async throws {
    let outcome = try await run("file \(recordings.path("short.wav")) | flux | stdout")
    outcome.expectFailure(77, saying: "DEEPGRAM_API_KEY", ".env", "endpoint=local")
  }

  @Test(
    "a wrong graph ends with 78, a code in words, the place and a way out",
    arguments: [
      ("file a.wav | flx | stdout", "unknown-stage", "did you mean `flux`"),
      ("file a.wav | flux eager_eot_threshold=0.9 | stdout", "eager-above-eot", "0.7"),
      ("file a.wav | flux key=env(NO_SUCH_KEY) | stdout", "missing-variable", "NO_SUCH_KEY"),
      ("file a.wav | flux language=en | stdout", "error[", "language"),
      ("file a.wav | flux eot_timeout=5 | stdout", "error[", "5s"),
      ("file a.wav | stdout", "error[", "stdout"),
      ("file a.wav | flux | where evnt == EndOfTurn | stdout", "error[", "event"),
      ("file a.wav |", "error[", "1"),
      ("", "error", ""),
    ])
  func wrongGraph(graph: String, code: String, words: String) async throws {
    for command in ["run", "check"] {
      let outcome = try await Fluxgraph.command([command, "-e", graph], directory: folder.path)
      outcome.expectFailure(78, saying: code)
      #expect(words.isEmpty || outcome.errors.contains(words), "no “\(words)” in \(outcome.errors)")
      #expect(outcome.output.isEmpty)
    }
  }

  @Test(
    "a wrong command line ends with 64 and one line that says why",
    arguments: [
      [], ["rn"], ["run"], ["run", "--sett", "a=b", "x"], ["run", "a.graph", "b.graph"], ["run", "-e"],
      ["run", "-e", "x", "a.graph"], ["run", "--for", "ten", "a.graph"], ["run", "--set", "x", "a.graph"],
      ["check"], ["check", "--world"], ["inspect", "flx"], ["inspect", "flux", "mix"], ["serve", "now"],
      ["serve", "--port", "99999"], ["serve", "--key"],
    ])
  func wrongCommand(arguments: [String]) async throws {
    let outcome = try await Fluxgraph.command(arguments, directory: folder.path)
    #expect(outcome.status == 64, "\(outcome.errors)")
    #expect(outcome.output.isEmpty)
    outcome.expectNoCrash()
    guard !arguments.isEmpty else { return }
    #expect(outcome.errors.hasPrefix("fluxgraph: ") && outcome.errors.filter { $0 == "\n" }.count == 1)
  }

  @Test("files that cannot be read as graphs are told by name")
  func wrongGraphFile() async throws {
    try folder.write(Data([0xFF, 0xFE, 0x00]), to: "bytes.graph")
    for command in ["run", "check"] {
      let missing = try await Fluxgraph.command([command, "missing.graph"], directory: folder.path)
      missing.expectFailure(74, saying: "missing.graph")
      let bytes = try await Fluxgraph.command([command, "bytes.graph"], directory: folder.path)
      bytes.expectFailure(78, saying: "bytes.graph", "UTF-8")
    }
  }
}
