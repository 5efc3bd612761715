internal import Platform

/// One of several equal parts of a batch's inputs, for one of several machines.
///
/// Which part an input belongs to follows from its name alone, as it was given: every machine decides alike, whatever other
/// inputs it knows, so that the parts are disjoint and complete even while files are being added.
struct Shard: Sendable, Hashable {
  /// From 0 to `count` − 1.
  var index: Int
  var count: Int

  func contains(_ input: String) -> Bool { Int(Self.hash(input) % UInt64(count)) == index }

  /// As people write it, counted from 1: `2/5`.
  var text: String { "\(index + 1)/\(count)" }

  /// FNV-1a of 64 bits, its bits then mixed as SplitMix64 does: FNV's low bits alone follow the last characters too closely.
  static func hash(_ text: String) -> UInt64 {
    SplitMix64.mixed(FNV1a.hash(text))
  }

  /// Reads `I/N`, counted from 1, or `auto` and `auto/N`: what Slurm's array or Kubernetes' Indexed Job says in the environment.
  init(_ text: String, environment: (String) -> String?) throws(UsageError) {
    let parts = text.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
    if parts[0] == "auto", parts.count <= 2 {
      let count = parts.count == 2 ? Int(parts[1]) : nil
      guard parts.count == 1 || (count ?? 0) > 0 else { throw Self.misspelt(text) }
      self = try Self.surroundings(count, environment)
      return
    }
    guard parts.count == 2, let number = Int(parts[0]), let count = Int(parts[1]), count > 0 else {
      throw Self.misspelt(text)
    }
    guard (1...count).contains(number) else {
      throw UsageError("`--shard \(text)`: the shards of \(count) are 1/\(count) to \(count)/\(count)")
    }
    self.init(index: number - 1, count: count)
  }

  init(index: Int, count: Int) {
    self.index = index
    self.count = count
  }

  private static func misspelt(_ text: String) -> UsageError {
    UsageError("`--shard` wants a part and their number, such as `2/5`, or `auto`, not `\(text)`")
  }

  private static func surroundings(
    _ count: Int?, _ environment: (String) -> String?
  ) throws(UsageError) -> Shard {
    func number(_ name: String) -> Int? { environment(name).flatMap { Int($0) } }
    if let task = number("SLURM_ARRAY_TASK_ID") {
      // An array may begin anywhere and go in steps: --array=10-19:3.
      let step = max(1, number("SLURM_ARRAY_TASK_STEP") ?? 1)
      let index = (task - (number("SLURM_ARRAY_TASK_MIN") ?? 0)) / step
      guard let total = count ?? number("SLURM_ARRAY_TASK_COUNT") else {
        throw UsageError(
          "`--shard auto`: SLURM_ARRAY_TASK_COUNT is not set; say how many there are: `auto/5`")
      }
      return try shard(index, total, "SLURM_ARRAY_TASK_ID is \(task)")
    }
    if let index = number("JOB_COMPLETION_INDEX") {
      guard let count else {
        throw UsageError(
          "`--shard auto`: Kubernetes tells a pod its index and not how many there are; repeat the Job's `completions`: `auto/5`"
        )
      }
      return try shard(index, count, "JOB_COMPLETION_INDEX is \(index)")
    }
    throw UsageError(
      "`--shard auto` looks for SLURM_ARRAY_TASK_ID or JOB_COMPLETION_INDEX, and neither is set; write `--shard 1/5`"
    )
  }

  private static func shard(_ index: Int, _ count: Int, _ found: String) throws(UsageError) -> Shard {
    guard count > 0, (0..<count).contains(index) else {
      throw UsageError("`--shard auto`: \(found), and there are only \(count) shards")
    }
    return Shard(index: index, count: count)
  }
}
