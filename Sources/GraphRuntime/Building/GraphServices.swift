package import FluxGraph

/// What a running graph uses: the world of its stages, and what it is told and asked itself. The host program puts the real things
/// together, tests their own.
package struct GraphServices: Sendable {
  /// What its stages have of the world; each reads and writes files by way of `disk`.
  package var world: World
  package var disk: DiskThreads
  /// The audio threads, when several graphs share them; nil for threads of the graph's own.
  package var workers: AudioWorkers?
  /// Where stages that take commands are found.
  package var commands = CommandDirectory()
  /// Files that are used beside the stages, which write none of them.
  package var filesInUse: [FileInUse] = []
  /// Whether a graph that has lost audio or events ends as one that has not.
  package var toleratesLosses = false
  /// Told, where a file is opened, of each one a stage is about to make: the stage's number in the plan, and the path.
  package var fileMade: @Sendable (_ node: Int, _ path: String) -> Void = { _, _ in }
  /// Called for every notice, on any thread: for those who count them.
  package var noticed: @Sendable (Notice) -> Void = { _ in }
  /// Called for the notices people are told, on any thread: the same word from the same place once in ten seconds.
  package var notice: @Sendable (Notice, _ location: String?) -> Void = { _, _ in }

  package init(_ world: World, disk: DiskThreads) {
    self.world = world
    self.disk = disk
  }
}
