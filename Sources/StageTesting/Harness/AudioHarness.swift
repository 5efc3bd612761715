public import FluxGraph

/// Runs audio through a single stage, cut as a test likes, and collects what comes out.
public enum AudioHarness {
  /// What came out of a stage.
  public struct Output: Sendable, Equatable {
    /// What the samples are.
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
    try feed(samples.withUnsafeBytes { Array($0) }, format, cuts) { block in
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
    try run(stage, bytes: samples.withUnsafeBytes { Array($0) }, format: format, cuts: cuts, context: context)
  }

  /// Runs encoded sound through a decoder, in pieces of these many bytes, over and over.
  /// - Parameter wanted: what the stages behind would like.
  /// - Throws: what the decoder throws. What came out before is in `decoded`.
  public static func run(
    _ stage: some AudioDecoder, bytes: [UInt8], wanted: AudioRequirement = .any, cuts: [Int] = [4096],
    context: StageContext? = nil, decoded: (borrowing AudioBuffer) -> Void = { _ in }
  ) throws -> Output {
    var stage = stage
    try stage.prepare(wanted: wanted, context ?? TestWorld().context())
    var audio = AudioBuffer(format: AudioFormat(.f32le, rate: 48_000, channels: 2), capacity: 5_760)
    var input = ByteBuffer(capacity: 128 * 1024)
    var output = Output(format: audio.format, bytes: [], pieces: [])
    var rest = bytes[...]
    var turn = 0
    while true {
      let before = input.count
      let progress = try stage.decode(&input, isLast: rest.isEmpty, into: &audio)
      let gave = !audio.isEmpty
      if gave {
        decoded(audio)
        output.format = audio.format
        output.append(audio)
        audio.removeAll()
      }
      if progress == .finished { return output }
      if gave || progress == .produced { continue }
      if rest.isEmpty {
        if input.count == before { return output }
        continue
      }
      let taken = input.append(Array(rest.prefix(max(1, cuts[turn % cuts.count]))))
      guard taken > 0 else {
        throw StageError(.internal, "the decoder takes nothing of \(input.count) bytes")
      }
      rest = rest.dropFirst(taken)
      turn += 1
    }
  }

  /// Runs samples of any format through a converter, in blocks of these many frames, over and over. As in a graph the stage is
  /// left out where it says that they would go through unchanged.
  /// - Parameter bytes: whole frames of samples as they are stored.
  public static func run(
    _ stage: some AudioConverter, bytes: [UInt8], format: AudioFormat, cuts: [Int] = [512],
    context: StageContext? = nil
  ) throws -> Output {
    var stage = stage
    if stage.passes(format) {
      var output = Output(format: format, bytes: [], pieces: [])
      try feed(bytes, format, cuts) { output.append($0) }
      return output
    }
    let (produced, capacity) = try stage.prepare(input: format, context ?? TestWorld().context())
    var output = Output(format: produced, bytes: [], pieces: [])
    var room = AudioBuffer(format: produced, capacity: capacity)
    try feed(bytes, format, cuts) { block in
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
    _ bytes: [UInt8], _ format: AudioFormat, _ cuts: [Int], _ body: (inout AudioBuffer) throws -> Void
  ) throws {
    var start = 0
    var turn = 0
    while start < bytes.count {
      let frames = max(1, cuts[turn % cuts.count])
      let end = min(bytes.count, start + frames * format.bytesPerFrame)
      var block = AudioBuffer(format: format, capacity: frames)
      block.append { room in
        room.copyBytes(from: bytes[start..<end])
        return (end - start) / format.bytesPerFrame
      }
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
