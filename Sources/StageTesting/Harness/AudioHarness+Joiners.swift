public import FluxGraph

extension AudioHarness {
  /// Runs several streams through a stage that joins them, each in blocks of these many frames, over and over, and in turns.
  /// - Parameters:
  ///   - streams: floating-point samples of one channel, for each input.
  ///   - rate: frames a second, in Hz.
  ///   - wait: called when the stage has taken all it has room for and gives nothing.
  /// - Throws: what the stage throws; `StageError` when it waits although every input has ended.
  public static func run<S: AudioJoiner>(
    _ stage: S, _ streams: [[Float]], rate: Int, cuts: [Int] = [512], context: StageContext? = nil,
    wait: () throws -> Void = { throw StageError(.internal, "the stage waits, and nothing more will come") }
  ) throws -> Output {
    var course = JoinCourse(stage, streams, rate: rate, cuts: cuts)
    return try course.run(context ?? TestWorld().context(), wait: wait)
  }
}

/// Several streams on their way into a stage that joins them.
struct JoinCourse {
  private struct Input {
    var samples: [Float]
    var taken = 0
    var isEnded = false
  }

  private var stage: any AudioJoiner
  private let format: AudioFormat
  private let cuts: [Int]
  private var inputs: [Input]
  private var turn = 0

  init(_ stage: any AudioJoiner, _ streams: [[Float]], rate: Int, cuts: [Int]) {
    self.stage = stage
    self.cuts = cuts
    format = AudioFormat(.f32le, rate: rate, channels: 1)
    inputs = streams.map { Input(samples: $0) }
  }

  /// Runs to the end.
  mutating func run(
    _ context: StageContext, prepared: (AudioFormat) throws -> Void = { _ in }, wait: () throws -> Void
  ) throws -> AudioHarness.Output {
    let produced = try stage.prepare(inputs: inputs.map { _ in (format, .finite) }, context)
    try prepared(produced)
    // As in a graph: blocks of 40 ms at the most.
    let longest = max(1, format.rate / 25)
    var block = AudioBuffer(format: format, capacity: longest)
    var room = AudioBuffer(format: produced, capacity: max(1, produced.rate / 25))
    var output = AudioHarness.Output(format: produced, bytes: [], pieces: [])
    while true {
      var hasTaken = false
      for index in inputs.indices { hasTaken = give(index, &block, longest) || hasTaken }
      let progress = stage.read(into: &room)
      guard (progress == .produced) == !room.isEmpty, room.format == produced else {
        throw StageContract.Violation(
          rule: .progress,
          message: "read said \(progress), and gave \(room.frameCount) frames of \(room.format)")
      }
      if progress == .finished { return output }
      output.append(room)
      room.removeAll()
      if progress == .waiting && !hasTaken { try wait() }
    }
  }

  /// Hands over the next block of an input, or its end; whether the stage has taken something.
  private mutating func give(_ index: Int, _ block: inout AudioBuffer, _ longest: Int) -> Bool {
    let left = inputs[index].samples.count - inputs[index].taken
    guard left > 0 else {
      if inputs[index].isEnded { return false }
      inputs[index].isEnded = true
      stage.inputEnded(index)
      return true
    }
    guard stage.room(of: index) >= longest else { return false }
    let frames = min(left, longest, cuts[turn % cuts.count])
    turn += 1
    block.removeAll()
    block.position = Int64(inputs[index].taken)
    let first = inputs[index].taken
    inputs[index].samples.withUnsafeBytes { samples in
      block.append { room in
        room.copyMemory(from: UnsafeRawBufferPointer(rebasing: samples[(first * 4)..<((first + frames) * 4)]))
        return frames
      }
    }
    stage.take(block, from: index)
    inputs[index].taken += frames
    return true
  }
}
