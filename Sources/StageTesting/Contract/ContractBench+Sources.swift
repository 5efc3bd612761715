internal import FluxGraph

// Stages that make audio or bytes.
extension ContractBench {
  /// More of a source than this is not looked at, in frames or bytes: some have no end.
  private static let limit = 1 << 20

  func read(_ stage: any Stage, cuts: [Int], in run: ContractRun) throws -> Outcome {
    guard var source = stage.form.audioSource else { return Outcome() }
    let declared = source.output
    let format = try source.open(run.context)
    try check(format, against: declared)
    var outcome = Outcome(format: format)
    var frames = 0
    var turn = 0
    while frames < Self.limit {
      // Whole: as much as the run-time asks for.
      let room = min(cuts[turn % cuts.count], max(1, format.rate / 25))
      var block = AudioBuffer(format: format, capacity: room)
      turn += 1
      let progress = try source.read(into: &block)
      guard block.format == format else {
        throw StageContract.Violation(
          rule: .types, message: "\(format) was opened, and a block is \(block.format)")
      }
      guard (progress == .produced) == !block.isEmpty else {
        throw StageContract.Violation(
          rule: .progress, message: "read said \(progress), and gave \(block.frameCount) frames")
      }
      if progress == .finished { break }
      if progress == .waiting {
        // A live source is only looked at until it has nothing at once.
        if declared.liveness == .live && frames > 0 { break }
        try run.wait()
        continue
      }
      frames += block.frameCount
      outcome.append(block)
    }
    if declared.liveness == .finite && frames < Self.limit {
      var block = AudioBuffer(format: format, capacity: 16)
      guard try source.read(into: &block) == .finished else {
        throw StageContract.Violation(rule: .flush, message: "read had finished, and then went on")
      }
    }
    source.close()
    return outcome
  }

  func readBytes(_ stage: any Stage, cuts: [Int], in run: ContractRun) throws -> Outcome {
    guard var source = stage.form.byteSource else { return Outcome() }
    try source.open(run.context)
    var outcome = Outcome()
    var turn = 0
    while outcome.bytes.count < Self.limit {
      var room = ByteBuffer(capacity: min(cuts[turn % cuts.count], 65_536))
      turn += 1
      let progress = try source.read(into: &room)
      guard (progress == .produced) == !room.isEmpty else {
        throw StageContract.Violation(
          rule: .progress, message: "read said \(progress), and gave \(room.count) bytes")
      }
      room.withBytes { outcome.bytes.append(contentsOf: $0) }
      if progress == .finished { break }
      if progress == .waiting { try run.wait() }
    }
    if let length = source.length, length != outcome.bytes.count, outcome.bytes.count < Self.limit {
      throw StageContract.Violation(
        rule: .types,
        message: "a length of \(length) bytes was declared, and there were \(outcome.bytes.count)")
    }
    if let places = source.seekable, outcome.bytes.count > 2 {
      let offset = outcome.bytes.count / 3
      let found = try places.bytes(at: offset, count: 64)
      guard found.elementsEqual(outcome.bytes[offset...].prefix(64)) else {
        throw StageContract.Violation(
          rule: .types, message: "the bytes at \(offset) are others than those that were read")
      }
    }
    while try !source.close() { try run.wait() }
    return outcome
  }
}
