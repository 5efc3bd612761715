public import FluxGraph

/// Runs audio through a single stage, cut as a test likes, and collects what comes out.
public enum AudioHarness {
  /// What came out of a stage.
  public struct Output: Sendable, Equatable {
    public var format: AudioFormat
    /// The samples' bytes, interleaved.
    public var bytes: [UInt8]
    /// The length of each piece that came out, in frames.
    public var pieces: [Int]

    /// The samples as floating-point numbers; the format must be `.f32le`.
    public var floats: [Float] {
      bytes.withUnsafeBytes { Array($0.bindMemory(to: Float.self)) }
    }

    /// The samples as 16-bit integers; the format must be `.s16le`.
    public var integers: [Int16] {
      bytes.withUnsafeBytes { Array($0.bindMemory(to: Int16.self)) }
    }
  }

  /// Runs samples through a transform, in blocks of these many frames, over and over.
  public static func run(
    _ stage: some AudioTransform, _ samples: [Float], format: AudioFormat, cuts: [Int] = [512],
    context: StageContext? = nil
  ) throws -> Output {
    var stage = stage
    try stage.prepare(format: format, context ?? TestWorld().context())
    var output = Output(format: format, bytes: [], pieces: [])
    try feed(samples, format, cuts) { block in
      stage.process(&block)
      output.append(block)
    }
    return output
  }

  /// Runs samples through a converter, in blocks of these many frames, over and over.
  public static func run(
    _ stage: some AudioConverter, _ samples: [Float], format: AudioFormat, cuts: [Int] = [512],
    context: StageContext? = nil
  ) throws -> Output {
    var stage = stage
    let (produced, capacity) = try stage.prepare(input: format, context ?? TestWorld().context())
    var output = Output(format: produced, bytes: [], pieces: [])
    var room = AudioBuffer(format: produced, capacity: capacity)
    try feed(samples, format, cuts) { block in
      while !block.isEmpty {
        stage.convert(&block, into: &room)
        output.append(room)
        room.removeAll()
      }
    }
    while true {
      stage.finish(into: &room)
      if room.isEmpty { return output }
      output.append(room)
      room.removeAll()
    }
  }

  private static func feed(
    _ samples: [Float], _ format: AudioFormat, _ cuts: [Int], _ body: (inout AudioBuffer) throws -> Void
  ) throws {
    var start = 0
    var turn = 0
    while start < samples.count {
      let frames = max(1, cuts[turn % cuts.count])
      let end = min(samples.count, start + frames * format.channels)
      var block = AudioBuffer(format: format, capacity: frames)
      block.append(Array(samples[start..<end]))
      try body(&block)
      start = end
      turn += 1
    }
  }
}

extension AudioHarness.Output {
  mutating func append(_ block: borrowing AudioBuffer) {
    guard !block.isEmpty else { return }
    block.withBytes { bytes.append(contentsOf: $0) }
    pieces.append(block.frameCount)
  }
}
