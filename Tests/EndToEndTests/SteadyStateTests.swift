import Foundation
import Testing

/// What the audio threads ask of the allocator and of locks once a graph is under way: nothing. Measured on the program as it is
/// built for users, with a library that is loaded before all others and counts (Peers/steady.c): over 1,100 chunks, and in the
/// middle of them, from about the 100th to the 1,000th.
@Suite(.timeLimit(.minutes(10))) struct SteadyStateTests {
  /// Without optimisation Swift allocates for what costs nothing in a release build; locks it takes are the same.
  private static let isOptimised = !Fluxgraph.path.contains("/debug/")

  @Test(
    "no allocation and no lock on an audio thread between chunk 100 and chunk 1,000",
    arguments: [
      "file {wav} | mix mono | resample 16k | format s16le | chunk 80ms | null",
      "file {opus} | mix mono | resample 16k | format s16le | chunk 80ms | null",
      "file {opus} | resample 44100Hz | mix mono | chunk 80ms | pace 100x | null",
      "sound = file {wav} | mix mono | pace 100x\nsound | resample 16k | chunk 80ms | null\nsound | null",
      "one = file {wav}\nother = tone duration=88s\none, other | mix mono | chunk 80ms | pace 100x | null",
      "file {wav} | pace 100x | wav {record} overwrite",
      "file {wav} | pace 100x | resample 16k | through [\"cat\"] | null",
      "file {wav} | pace 100x | flux endpoint=local words=none | null",
      // As live sound comes in its own time, chunks are short. The other side of the call never says anything.
      "tone live duration=24s | chunk 20ms | null",
      "one = tone live duration=24s\nother = sh \"sleep 24; head -c 9600 /dev/zero\" emits=pcm(s16le, 48k, mono) live\n"
        + "one, other | mix mono | chunk 20ms | null",
    ])
  func isSteady(_ graph: String) async throws {
    let (whole, middle) = try await Bench.shared.value.run(graph)
    // The counters do count, and there is a middle.
    #expect(whole.allocations > 0 && whole.releases > 0 && whole.locks > 0 && middle.turns >= 10, "\(whole)")
    #expect(middle.locks == 0, "\(middle)")
    // Swift makes a generic type known when it is first needed, once in the life of the program: on a busy machine a path is
    // first taken late. What is asked for chunk by chunk, or once in a hundred, is more.
    if Self.isOptimised { #expect(middle.allocations <= 2 && middle.releases <= 2, "\(middle)") }
  }

  private struct Counts {
    var allocations: Int
    var releases: Int
    var locks: Int
    /// Turns of the loops of the audio threads.
    var turns: Int

    init(_ line: Substring) throws {
      let numbers = line.split(separator: " ").compactMap { Int($0) }
      try #require(numbers.count == 4)
      (allocations, releases, locks, turns) = (numbers[0], numbers[1], numbers[2], numbers[3])
    }
  }

  /// The counting library and sounds.
  private final class Bench: Sendable {
    static let shared = Task { try await Bench() }

    private let folder: Folder

    private init() async throws {
      folder = try Folder()
      try await Peers.shell(
        """
        cc -O2 -shared -fPIC '\(Peers.folder.appending(path: "steady.c").path)' -o steady.so -ldl
        ffmpeg -nostdin -v error -f lavfi -i sine=440:sample_rate=48000:duration=88 -ac 2 long.wav
        ffmpeg -nostdin -v error -i long.wav -c:a libopus -b:a 64k long.opus
        """, in: folder.path)
    }

    func run(_ graph: String) async throws -> (whole: Counts, middle: Counts) {
      let counts = folder.path(UUID().uuidString)
      let graph = graph.replacing("{wav}", with: folder.path("long.wav"))
        .replacing("{opus}", with: folder.path("long.opus"))
        .replacing("{record}", with: counts + ".wav")
      let outcome = try await Fluxgraph.command(
        ["run", "--quiet", "-e", graph],
        environment: ["LD_PRELOAD": folder.path("steady.so"), "STEADY_COUNTS": counts])
      #expect(outcome.status == 0, "\(outcome.errors)")
      let lines = try String(contentsOfFile: counts, encoding: .utf8).split(separator: "\n")
      try #require(lines.count == 2)
      return (try Counts(lines[0]), try Counts(lines[1]))
    }
  }
}
