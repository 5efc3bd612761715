import Foundation
import Testing

/// What the audio threads ask of the allocator and of locks once a graph is under way: nothing. Measured on the program as it is
/// built for users, with a library that is loaded before all others and counts (Peers/steady.c).
///
/// A graph is run for 100 chunks, for 1,000 and for 1,900. What happens at the start and at the end is the same in all of them;
/// what happens for each chunk, or for every tenth, makes the longer runs' counts larger.
@Suite(.timeLimit(.minutes(4))) struct SteadyStateTests {
  /// Without optimisation Swift allocates for what costs nothing in a release build; locks it takes are the same.
  private static let isOptimised = !Fluxgraph.path.contains("/debug/")

  @Test(
    "no allocation and no lock on an audio thread between chunk 100 and chunk 1,900",
    arguments: [
      "file {wav} duration={length} | mix mono | resample 16k | format s16le | chunk 80ms | null",
      "file {opus} duration={length} | mix mono | resample 16k | format s16le | chunk 80ms | null",
      "file {opus} duration={length} | resample 44100 | mix mono | chunk 80ms | pace 100x | null",
      "sound = file {wav} duration={length} | mix mono | pace 100x\nsound | resample 16k | chunk 80ms | null\nsound | null",
      "file {wav} duration={length} | pace 100x | flux endpoint={server} | null",
    ])
  func isSteady(_ graph: String) async throws {
    let bench = try await Bench.shared.value
    // A lock that is taken at the start may or may not have to wait for another thread. What a chunk costs it costs every time.
    var last: [Counts] = []
    for _ in 0..<4 {
      last = []
      for chunks in [100, 1000, 1900] { last.append(try await bench.run(graph, chunks: chunks)) }
      if Self.isSteady(last) { break }
    }
    #expect(Self.isSteady(last), "for 100, 1,000 and 1,900 chunks: \(last)")
    // The counters do count, and the runs were as long as they were meant to be.
    #expect(last[0].allocations > 0 && last[0].locks > 0)
    #expect(last[2].turns > last[0].turns)
  }

  private static func isSteady(_ counts: [Counts]) -> Bool {
    counts[1].locks == counts[2].locks && counts[0].locks == counts[1].locks
      && (!isOptimised
        || counts[1].allocations == counts[2].allocations && counts[0].allocations == counts[1].allocations
          && counts[1].releases == counts[2].releases && counts[0].releases == counts[1].releases)
  }

  private struct Counts: CustomStringConvertible {
    var allocations = 0
    var releases = 0
    var locks = 0
    /// Times a thread has read the clock.
    var turns = 0

    var description: String { "\(allocations) allocations, \(releases) releases, \(locks) locks" }
  }

  /// The counting library, sounds and a server.
  private final class Bench: Sendable {
    static let shared = Task { try await Bench() }

    private let folder: Folder
    private let server: Program
    private let url: String

    private init() async throws {
      folder = try Folder()
      try await Peers.shell(
        """
        cc -O2 -shared -fPIC '\(Peers.folder.appending(path: "steady.c").path)' -o steady.so -ldl
        ffmpeg -nostdin -v error -f lavfi -i sine=440:sample_rate=48000:duration=160 -ac 2 long.wav
        ffmpeg -nostdin -v error -i long.wav -c:a libopus -b:a 64k long.opus
        """, in: folder.path)
      server = try Program(Fluxgraph.path, ["serve", "--port", "0", "--words", "none"], .init(limit: 600))
      url = try await server.line(containing: "ws://")
    }

    func run(_ graph: String, chunks: Int) async throws -> Counts {
      let counts = folder.path(UUID().uuidString)
      let graph = graph.replacing("{wav}", with: folder.path("long.wav"))
        .replacing("{opus}", with: folder.path("long.opus")).replacing("{server}", with: url)
        .replacing("{length}", with: "\(chunks * 80)ms")
      let outcome = try await Fluxgraph.command(
        ["run", "--quiet", "-e", graph],
        environment: ["LD_PRELOAD": folder.path("steady.so"), "STEADY_COUNTS": counts])
      #expect(outcome.status == 0, "\(outcome.errors)")
      var result = Counts()
      for line in try String(contentsOfFile: counts, encoding: .utf8).split(separator: "\n") {
        let (name, number) = (line.prefix { $0 != " " }, Int(line.drop { $0 != " " }.dropFirst()) ?? -1)
        switch name {
        case "allocations": result.allocations = number
        case "releases": result.releases = number
        case "locks": result.locks = number
        default: result.turns = number
        }
      }
      return result
    }
  }
}
