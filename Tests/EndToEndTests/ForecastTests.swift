import Foundation
import Testing

/// What `check --world` says a graph takes and costs.
@Suite(.timeLimit(.minutes(10)), .enabled(if: Peers.areThere, "needs ffmpeg"))
struct ForecastTests {
  /// A file of 90 s at 8 kHz with two channels, and one of 30 s with one.
  private static let shared = Task {
    let folder = try Folder()
    try await Peers.shell(
      """
      ffmpeg -v error -f lavfi -i anullsrc=r=8000:cl=stereo -t 90 long.wav
      ffmpeg -v error -f lavfi -i anullsrc=r=48000:cl=mono -t 30 -c:a libopus short.opus
      ffmpeg -v error -f lavfi -i anullsrc=r=8000:cl=mono -t 12 -f mulaw raw.ulaw
      mkfifo none.wav
      """, in: folder.path)
    return folder
  }

  @Test(
    "the minutes are those of the files, for each session; what no header tells is unknown",
    arguments: [
      ("file long.wav | flux | stdout", "takes: about 1.5 min\nbilled: about 1.5 min of Flux audio\n"),
      (
        "file long.wav | flux channels=split | stdout",
        "takes: about 1.5 min\nbilled: about 3.0 min of Flux audio\n"
      ),
      (
        "file long.wav | pace 3x | flux | stdout",
        "takes: about 0.5 min\nbilled: about 1.5 min of Flux audio\n"
      ),
      ("file long.wav start=30s duration=30s | flux | stdout", "billed: about 0.5 min of Flux audio\n"),
      ("file long.wav start=80s duration=30s | flux | stdout", "billed: about 0.2 min of Flux audio\n"),
      (
        "a = file long.wav\na | flux as=x | stdout\na | flux as=y | stdout",
        "billed: about 3.0 min of Flux audio\n"
      ),
      (
        "a = file long.wav; b = file short.opus; a, b | mix mono | flux | stdout",
        "billed: about 1.5 min of Flux"
      ),
      ("file short.opus | flux max_duration=12s | stdout", "billed: about 0.2 min of Flux audio\n"),
      (
        "file raw.ulaw | decode raw=pcm(mulaw, 8k, mono) | flux | stdout",
        "billed: about 0.2 min of Flux audio\n"
      ),
      ("stdin | flux | stdout", "takes: unknown\nbilled: unknown; `max_duration=` sets a limit\n"),
      (
        "stdin | flux max_duration=1m | stdout",
        "billed: unknown; `max_duration=` ends each session after 1.0 min\n"
      ),
      ("file none.wav | flux | stdout", "takes: unknown\nbilled: unknown"),
      ("tone live | flux | stdout", "takes: until it is stopped\nbilled: unknown"),
      ("file long.wav | flux endpoint=local | stdout", "takes: about 1.5 min\n"),
    ])
  func lines(graph: String, words: String) async throws {
    let folder = try await Self.shared.value
    let outcome = try await Fluxgraph.command(
      ["check", "--world", "-e", graph], environment: ["DEEPGRAM_API_KEY": "x"], directory: folder.path)
    #expect(outcome.status == 0, "\(outcome.errors)\(outcome.output)")
    #expect(outcome.output.contains(words), "\(outcome.output)")
    #expect(!graph.contains("local") || !outcome.output.contains("billed"), "\(outcome.output)")
  }

  @Test("a value of --set that cannot be is the command line's fault, not the graph's")
  func badSetting() async throws {
    let graph = "param t = 0.8; tone | flux eot_threshold=$t endpoint=local | stdout"
    let cases: [(String, String, Int32)] = [
      ("t=abc", graph, 64), ("u=1", graph, 64), ("t=abc", graph + " | nowhere", 78),
    ]
    for command in ["run", "check"] {
      for (setting, graph, status) in cases {
        let outcome = try await Fluxgraph.command([command, "--set", setting, "-e", graph])
        #expect(outcome.status == status && outcome.errors.hasPrefix("error["), "\(outcome.errors)")
      }
    }
    let outcome = try await Fluxgraph.command(["run", "--set", "t=abc", "-e", graph])
    #expect(outcome.errors.hasPrefix("error[wrong-type]: `--set t=…`:"), "\(outcome.errors)")
  }
}
