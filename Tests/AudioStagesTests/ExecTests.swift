import AudioStages
import FluxGraph
import Foundation
import StageTesting
import TestSupport
import Testing

/// Programs come and go here, so that one test runs at a time.
@Suite(.serialized) struct ExecTests {
  private let directory: TemporaryFolder

  init() throws {
    directory = try TemporaryFolder()
  }

  private func run(_ text: String, environment: [String: String] = [:]) async throws -> (
    failures: [GraphHarness.Failure], world: LiveWorld
  ) {
    let world = LiveWorld()
    let graph = try GraphHarness(text, catalogue: .audio, world: world.world, directory: directory.path)
    world.start()
    defer { world.stop() }
    return (try await graph.run(), world)
  }

  private func recorded() throws -> [UInt8] { Array(try directory.bytes("out.wav").dropFirst(80)) }

  @Test("samples a program gives arrive, every one, and nothing of it is left")
  func samples() async throws {
    let result = try await run(
      #"exec ["sh", "-c", "i=0; while [ $i -lt 1000 ]; do printf 'abcdefgh'; i=$((i+1)); done"] emits=pcm(s16le, 16k, stereo) | wav out.wav"#
    )
    #expect(result.failures.isEmpty)
    #expect(try recorded() == Array(repeating: Array("abcdefgh".utf8), count: 1000).flatMap { $0 })
  }

  @Test("what a program gives is found out from its content", .enabled(if: Peers.haveFFmpeg))
  func sniffed() async throws {
    let result = try await run(
      #"exec ["ffmpeg", "-v", "error", "-nostdin", "-f", "lavfi", "-i", "sine=r=8000:d=0.5", "-f", "wav", "-"] | wav out.wav"#
    )
    #expect(result.failures.isEmpty)
    let expected = try Peers.ffmpeg("-f lavfi -i sine=r=8000:d=0.5 -f s16le -")
    #expect(try recorded() == expected)
  }

  @Test("a failure is told with the exit code and the last words, after everything was delivered")
  func failure() async throws {
    let result = try await run(
      #"sh "printf abcd; echo no such device >&2; exit 3" emits=pcm(s16le, 16k, mono) | wav out.wav"#)
    #expect(try recorded() == Array("abcd".utf8))
    let error = try #require(result.failures.first?.error)
    #expect(error.code == .unavailable)
    #expect(error.message.contains("exit code 3") && error.message.contains("no such device"))
    #expect(
      result.world.world.notices.contains { $0.notice == "stderr" && $0.message.hasSuffix("no such device") })
  }

  @Test("a program that is not there is named")
  func missing() async throws {
    let result = try await run(#"exec ["no-such-program"] | wav out.wav"#)
    #expect(result.failures.first?.error.message == "there is no program no-such-program")
  }

  @Test(
    "a program starts clean: no descriptors, its own group, default signals, no key; in the graph's directory"
  )
  func clean() async throws {
    setenv("DEEPGRAM_API_KEY", "a-secret", 1)
    defer { unsetenv("DEEPGRAM_API_KEY") }
    let script = """
      ls /proc/self/fd | tr '\\n' ' ' >state; \
      ps -o pgid= -p $$ | tr -d ' ' >>state; echo $$ >>state; \
      grep -E 'SigBlk|SigIgn' /proc/self/status >>state; \
      env | grep -c a-secret >>state; printf abcd
      """
    try script.write(toFile: directory.file("script"), atomically: true, encoding: .utf8)
    let result = try await run(#"sh ". ./script" emits=pcm(s16le, 16k, mono) | wav out.wav"#)
    #expect(result.failures.isEmpty)
    let lines = String(decoding: try directory.bytes("state"), as: UTF8.self).split(separator: "\n")
    // `ls` itself has its standard streams, one of them a pipe to `tr`, and the directory it lists; the group follows.
    let words = lines[0].split(separator: " ")
    #expect(words.count == 5 && words.last == lines[1])
    // Signals 32 and 33 belong to the C library.
    for name in ["SigBlk", "SigIgn"] {
      let mask = try #require(lines.first { $0.hasPrefix(name) }?.suffix(8))
      #expect(UInt32(mask, radix: 16).map { $0 & 0x7FFF_FFFF } == 0)
    }
    #expect(lines.last == "0")
  }

  @Test("a program and its children end with the graph, even if they do not listen")
  func ends() async throws {
    let world = LiveWorld()
    let graph = try GraphHarness(
      #"sh "trap '' TERM; (trap '' TERM; echo $$ >pids; exec sleep 300) & printf abcd; while :; do sleep 0.1; done" emits=pcm(s16le, 16k, mono) live | wav out.wav"#,
      catalogue: .audio, world: world.world, directory: directory.path)
    world.start()
    defer { world.stop() }
    async let failures = graph.run()
    while (try? directory.bytes("pids").isEmpty) ?? true { try await Task.sleep(for: .milliseconds(5)) }
    graph.stop()
    #expect(try await failures.isEmpty)
    let group = String(decoding: try directory.bytes("pids"), as: UTF8.self)
      .trimmingCharacters(in: .whitespacesAndNewlines)
    // Those that only wait for init to hear of their end are gone.
    let left = try Peers.run(
      "sh", ["-c", "ps -e -o pgid= -o stat= | grep -E '^ *\(group) ' | grep -v Z || true"])
    #expect(left.isEmpty)
  }

  @Test("a program that fails is started again, and its sound follows on", arguments: ["on-error", "always"])
  func restart(policy: String) async throws {
    let script = """
      echo x >>runs; printf abcd; [ $(wc -l <runs) -lt 3 ] && exit 1; sleep 300
      """
    try script.write(toFile: directory.file("script"), atomically: true, encoding: .utf8)
    let world = LiveWorld()
    let graph = try GraphHarness(
      #"sh ". ./script" emits=pcm(s16le, 16k, mono) live restart=\#(policy) backoff=100ms backoff_limit=150ms | wav out.wav"#,
      catalogue: .audio, world: world.world, directory: directory.path)
    world.start()
    defer { world.stop() }
    async let failures = graph.run()
    while ((try? directory.bytes("runs").count) ?? 0) < 6 { try await Task.sleep(for: .milliseconds(5)) }
    try await Task.sleep(for: .milliseconds(50))
    graph.stop()
    #expect(try await failures.isEmpty)
    #expect(try recorded() == Array("abcdabcdabcd".utf8))
    #expect(world.world.notices.count { $0.notice == "restarting" } == 2)
  }

  @Test("a program that complains without end is heard ten times a second")
  func complaints() async throws {
    let result = try await run(
      #"sh "i=0; while [ $i -lt 2000 ]; do echo complaint $i >&2; i=$((i+1)); done; printf abcd" emits=pcm(s16le, 16k, mono) | wav out.wav"#
    )
    #expect(result.failures.isEmpty)
    let heard = result.world.world.notices.count { $0.notice == "stderr" }
    #expect(heard >= 10 && heard < 60)
  }
}

@Suite(.serialized) struct ThroughTests {
  private let directory: TemporaryFolder

  init() throws {
    directory = try TemporaryFolder()
  }

  private func run(_ text: String) async throws -> [GraphHarness.Failure] {
    let world = LiveWorld()
    let graph = try GraphHarness(text, catalogue: .audio, world: world.world, directory: directory.path)
    world.start()
    defer { world.stop() }
    return try await graph.run()
  }

  @Test("audio through cat is the same audio, in both formats", arguments: ["s16le", "f32le"])
  func cat(format: String) async throws {
    let failures = try await run(
      """
      sound = tone noise duration=5s rate=44100Hz channels=2
      sound | wav a.wav format=\(format)
      sound | through ["cat"] format=\(format) | wav b.wav format=\(format)
      """)
    #expect(failures.isEmpty)
    #expect(try directory.bytes("a.wav") == directory.bytes("b.wav"))
  }

  @Test("a program may give another rate and other channels", .enabled(if: Peers.haveFFmpeg))
  func resampled() async throws {
    let failures = try await run(
      """
      tone duration=2s rate=48k channels=2
        | through ["ffmpeg", "-v", "error", "-f", "s16le", "-ar", "48000", "-ac", "2", "-i", "-",
                   "-f", "s16le", "-ar", "16000", "-ac", "1", "-"] rate=16k channels=1
        | wav out.wav
      """)
    #expect(failures.isEmpty)
    let bytes = try directory.bytes("out.wav")
    #expect(abs((bytes.count - 80) / 2 - 32_000) < 200)
    #expect(bytes[58] == 1)
  }

  @Test("a program that collects everything before it answers blocks nothing")
  func collecting() async throws {
    let failures = try await run(
      #"tone noise duration=60s rate=48k | through ["sh", "-c", "cat >all; cat all"] | wav out.wav"#)
    #expect(failures.isEmpty)
    #expect(try directory.bytes("out.wav").count == 80 + 60 * 96_000)
  }

  @Test("a program that ends early is told, and what it gave is kept")
  func early() async throws {
    let failures = try await run(#"tone noise duration=60s | through ["head", "-c", "1000"] | wav out.wav"#)
    #expect(failures.first?.error.message.contains("before its input did") == true)
    #expect(try directory.bytes("out.wav").count == 1080)
  }
}
