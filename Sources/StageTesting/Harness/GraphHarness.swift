public import FluxGraph
internal import GraphLanguage
internal import GraphRuntime

/// Runs a whole graph, from its text to its end, on real audio threads and in a world under the control of a test.
public final class GraphHarness: Sendable {
  /// A part of the graph that failed for good.
  public struct Failure: Error, Sendable {
    /// The stage by the name the graph gives it.
    public var title: String
    /// Why it failed.
    public var error: StageError
  }

  /// The graph's text is wrong; the description is what `check` would print.
  public struct GraphError: Error, CustomStringConvertible {
    public var description: String
  }

  private let graph: RunningGraph

  /// Checks a graph.
  /// - Parameters:
  ///   - catalogue: the stages the graph may use.
  ///   - clock: the time the graph sees; the world's own when it is nil. Audio threads keep the machine's.
  /// - Throws: `GraphError`.
  public init(
    _ text: String, catalogue: Catalogue, world: TestWorld, clock: (any GraphClock)? = SystemClock(),
    directory: String = "."
  ) throws {
    let result = Checker(catalogue: catalogue).check(
      GraphSource(name: "test.graph", text: text, directory: directory))
    guard let plan = result.plan else { throw GraphError(description: result.rendered(color: false)) }
    graph = RunningGraph(
      plan, services: world.services(clock: clock ?? world.loop, disk: try DiskThreads()))
  }

  /// Runs the graph to its end and returns what failed, the most severe first.
  /// - Throws: `StageError` when the graph cannot be put together.
  public func run() async throws -> [Failure] {
    try await graph.run().map { Failure(title: $0.title, error: $0.error) }
  }

  /// Ends the sources; the graph then ends by itself.
  public func stop() { graph.stop() }

  /// Ends everything at once.
  public func abort() { graph.abort() }
}
