import Testing

@testable import FluxGraphCLI

/// The parts of a batch.
@Suite struct ShardTests {
  static let names = (0..<5_000).map { "calls/2026-11-\($0 % 28)/call-\($0).wav" }

  @Test("parts are disjoint and complete, and about equal", arguments: [1, 2, 3, 7, 16, 100])
  func partition(_ count: Int) {
    var sizes = [Int](repeating: 0, count: count)
    for name in Self.names {
      let owners = (0..<count).filter { Shard(index: $0, count: count).contains(name) }
      #expect(owners.count == 1, "\(name)")
      if let owner = owners.first { sizes[owner] += 1 }
    }
    let fair = Self.names.count / count
    #expect(sizes.reduce(0, +) == Self.names.count)
    #expect(sizes.allSatisfy { $0 > fair / 2 && $0 < fair * 2 }, "\(sizes)")
  }

  @Test("an input's part is the same on every machine and in every version")
  func stable() {
    // Computed in Python from the definitions of FNV-1a and SplitMix64.
    #expect(Shard.hash("") == 0xf52a_15e9_a9b5_e89b)
    #expect(Shard.hash("calls/a.wav") == 0x3648_0fb3_6886_0c13)
  }

  @Test("I/N is counted from 1")
  func words() throws {
    #expect(try Shard("2/5") { _ in nil } == Shard(index: 1, count: 5))
    #expect(try Shard("2/5") { _ in nil }.text == "2/5")
    for wrong in [
      "0/3", "4/3", "3", "/3", "1/", "1/0", "-1/3", "a/b", "1/2/3", "auto/0", "auto/x", "auto/1/2", "",
    ] {
      #expect(throws: UsageError.self, "\(wrong)") { try Shard(wrong) { _ in nil } }
    }
  }

  @Test("auto takes Slurm's array, whatever its first number and step, and Kubernetes' index")
  func surroundings() throws {
    func auto(_ text: String, _ variables: [String: String]) throws -> Shard {
      try Shard(text) { variables[$0] }
    }
    let slurm = ["SLURM_ARRAY_TASK_ID": "7", "SLURM_ARRAY_TASK_COUNT": "4", "SLURM_ARRAY_TASK_MIN": "5"]
    #expect(try auto("auto", slurm) == Shard(index: 2, count: 4))
    let stepped = slurm.merging(["SLURM_ARRAY_TASK_ID": "11", "SLURM_ARRAY_TASK_STEP": "3"]) { $1 }
    #expect(try auto("auto", stepped) == Shard(index: 2, count: 4))
    #expect(try auto("auto/8", ["JOB_COMPLETION_INDEX": "0"]) == Shard(index: 0, count: 8))
    #expect(throws: UsageError.self) { try auto("auto", ["JOB_COMPLETION_INDEX": "0"]) }
    #expect(throws: UsageError.self) { try auto("auto/8", ["JOB_COMPLETION_INDEX": "8"]) }
    #expect(throws: UsageError.self) { try auto("auto", ["SLURM_ARRAY_TASK_ID": "3"]) }
    #expect(throws: UsageError.self) { try auto("auto", [:]) }
  }
}
