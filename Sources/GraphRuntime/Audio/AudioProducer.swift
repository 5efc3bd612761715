internal import FluxGraph

/// One place of a chain audio can be pulled from. A chain's stages hold each other in a row; whoever pulls from the last one
/// makes the whole row work, on one thread and in one buffer where it can be.
///
/// Accesses to stages and buffers are not checked for exclusivity: one thread has them, no stage can reach its own producer, and the
/// checks were a tenth of what a chunk costs.
class AudioProducer {
  /// What a producer gives, known once it has started.
  struct Output {
    var format: AudioFormat
    /// The largest number of frames one pull appends.
    var blockFrames: Int
    /// Bytes of so many frames.
    var byteCount: Int { blockFrames * format.bytesPerFrame }
  }

  private(set) var output: Output?
  /// What says that the producer's own stage is being called.
  var mark: StageMark?

  /// Opens what must be opened and finds out the format. nil when the input has not come far enough; it is called again when
  /// the chain is woken.
  final func start(_ now: Instant) throws -> Output? {
    if let output { return output }
    mark?.enter()
    output = try begin(now)
    return output
  }

  /// The part of `start` that is done until it succeeds.
  func begin(_ now: Instant) throws -> Output? { preconditionFailure("overridden") }

  /// Appends at least one frame to `audio`, which is empty and has room for `blockFrames`, or says why not.
  func pull(_ audio: inout AudioBuffer, _ now: Instant) throws -> SourceProgress {
    preconditionFailure("overridden")
  }

  /// Tells every place of the row where memory for a step is to be had, and whether a stage holds the stream to real time. Called
  /// before anything else.
  func use(_ memory: AudioMemory, isPaced: Bool) {}

  /// Makes the source at the head of the row say that it has finished, and holds back nothing that is on its way. A row behind
  /// another chain is ended by that chain.
  func stop() { preconditionFailure("overridden") }

  /// Whether the row begins with a source, and not behind another chain.
  var hasSource: Bool { true }

  /// Lets go of what the row has open, once nothing will be pulled any more. False when that takes longer; it is called again
  /// when the chain is woken.
  func close() throws -> Bool { true }

  /// The earliest time at which pulling again can be of use, when a stage holds the stream back.
  var heldUntil: Instant? { nil }

  /// What the row has read of its input, from 0 to 1; nil where that is not known.
  var progress: Double? { nil }
}

/// Samples from a source.
final class SourceProducer: AudioProducer {
  @exclusivity(unchecked) private var source: any AudioSource
  private let context: StageContext
  private var isPaced = false
  private var isStopped = false
  private var isClosed = false

  init(_ source: any AudioSource, _ context: StageContext) {
    self.source = source
    self.context = context
  }

  override func use(_ memory: AudioMemory, isPaced: Bool) { self.isPaced = isPaced }

  override func begin(_ now: Instant) throws -> Output? {
    let format = try source.open(context)
    // 40 ms: two of PulseAudio's usual fragments, and short against a chunk. In real time a whole chunk at once: there may be a
    // thousand such streams, and half a chunk would have to be kept for each.
    return Output(format: format, blockFrames: max(1, isPaced ? format.rate * 2 / 25 : format.rate / 25))
  }

  override func pull(_ audio: inout AudioBuffer, _ now: Instant) throws -> SourceProgress {
    mark?.enter()
    let progress = isStopped ? .finished : try source.read(into: &audio)
    if progress == .finished && !isClosed {
      isClosed = true
      source.close()
    }
    return progress
  }

  override func stop() { isStopped = true }

  override func close() throws -> Bool {
    mark?.enter()
    if output != nil { source.close() }
    return true
  }
}

/// Samples changed in place.
final class TransformProducer: AudioProducer {
  private let upstream: AudioProducer
  @exclusivity(unchecked) private var transform: any AudioTransform
  private let context: StageContext
  private var held: Instant?
  private var isStopping = false

  init(_ upstream: AudioProducer, _ transform: any AudioTransform, _ context: StageContext) {
    self.upstream = upstream
    self.transform = transform
    self.context = context
  }

  override func begin(_ now: Instant) throws -> Output? {
    guard let input = try upstream.start(now) else { return nil }
    mark?.enter()
    try requireSample(transform.accepts.sample, input.format, context)
    try transform.prepare(format: input.format, context)
    return input
  }

  override func pull(_ audio: inout AudioBuffer, _ now: Instant) throws -> SourceProgress {
    held = isStopping ? nil : transform.holdUntil(now: now)
    if let held, held > now { return .waiting }
    held = nil
    let progress = try upstream.pull(&audio, now)
    if progress == .produced {
      mark?.enter()
      transform.process(&audio)
    }
    return progress
  }

  override func use(_ memory: AudioMemory, isPaced: Bool) { upstream.use(memory, isPaced: isPaced) }

  override func stop() {
    isStopping = true
    upstream.stop()
  }

  override func close() throws -> Bool { try upstream.close() }
  override var hasSource: Bool { upstream.hasSource }
  override var heldUntil: Instant? { held ?? upstream.heldUntil }
  override var progress: Double? { upstream.progress }
}

/// Samples made of others, which wait in a buffer of their own.
class BufferedProducer: AudioProducer {
  final let upstream: AudioProducer
  final let context: StageContext
  /// What has come and is not used yet; without memory while that is nothing.
  @exclusivity(unchecked) final var input = AudioBuffer(
    format: AudioFormat(.f32le, rate: 1, channels: 1), capacity: 0)
  private final var upstreamOutput: Output?
  private final var memory: AudioMemory?
  private(set) final var inputEnded = false
  /// What ended the input, told once everything before it has been given.
  private var failure: (error: any Error, mark: StageMark?)?

  init(_ upstream: AudioProducer, _ context: StageContext) {
    self.upstream = upstream
    self.context = context
  }

  override func use(_ memory: AudioMemory, isPaced: Bool) {
    self.memory = memory
    upstream.use(memory, isPaced: isPaced)
  }

  /// What comes in, once it is known.
  final func take(_ output: Output) {
    upstreamOutput = output
    input.holdMemory(input.takeMemory(), format: output.format)
  }

  /// Takes more input, or learns of its end. False when neither is there yet. The input is empty before.
  final func fill(_ now: Instant) -> Bool {
    if input.capacity == 0, let upstreamOutput {
      if let memory {
        input.holdMemory(memory.take(upstreamOutput.byteCount), format: upstreamOutput.format)
      } else {
        input.reset(format: upstreamOutput.format, capacity: upstreamOutput.blockFrames)
      }
    }
    do {
      switch try upstream.pull(&input, now) {
      case .produced: return true
      case .waiting, .restarted: return false
      case .finished: break
      }
    } catch {
      failure = (error, mark?.last)
    }
    inputEnded = true
    return true
  }

  /// Gives the input's memory back when nothing is left in it: at the end of every step.
  final func rest() {
    guard let memory, let upstreamOutput, input.isEmpty, input.capacity > 0 else { return }
    memory.give(input.takeMemory(), takenFor: upstreamOutput.byteCount)
  }

  /// The end of what comes out.
  final func finished() throws -> SourceProgress {
    if let failure {
      failure.mark?.enter()
      throw failure.error
    }
    return .finished
  }

  override func stop() { upstream.stop() }
  override func close() throws -> Bool { try upstream.close() }
  override var hasSource: Bool { upstream.hasSource }
  override var heldUntil: Instant? { upstream.heldUntil }
  override var progress: Double? { upstream.progress }
}

/// Samples converted from one buffer into another.
final class ConverterProducer: BufferedProducer {
  @exclusivity(unchecked) private var converter: any AudioConverter
  private var isBypassed = false

  init(_ upstream: AudioProducer, _ converter: any AudioConverter, _ context: StageContext) {
    self.converter = converter
    super.init(upstream, context)
  }

  override func begin(_ now: Instant) throws -> Output? {
    guard let given = try upstream.start(now) else { return nil }
    mark?.enter()
    if converter.passes(given.format) {
      isBypassed = true
      return given
    }
    try requireSample(converter.accepts.sample, given.format, context)
    take(given)
    let (output, capacity) = try converter.prepare(input: given.format, context)
    return Output(format: output, blockFrames: capacity)
  }

  override func pull(_ audio: inout AudioBuffer, _ now: Instant) throws -> SourceProgress {
    if isBypassed { return try upstream.pull(&audio, now) }
    defer { rest() }
    while true {
      while !input.isEmpty {
        let (captured, position) = (input.captureTime, input.position)
        mark?.enter()
        converter.convert(&input, into: &audio)
        if audio.isEmpty { continue }
        if let captured {
          // What comes out is aligned with what goes in: the same moment has the same place on both sides.
          let offset =
            Double(audio.position) / Double(audio.format.rate) - Double(position) / Double(input.format.rate)
          audio.captureTime = captured.advanced(by: .seconds(offset))
        }
        return .produced
      }
      if inputEnded {
        mark?.enter()
        converter.finish(into: &audio)
        return try audio.isEmpty ? finished() : .produced
      }
      input.removeAll()
      guard fill(now) else { return .waiting }
    }
  }
}

/// A stage was promised samples of one kind and gets another: a decoder broke its promise to the checker.
func requireSample(_ wanted: SampleFormat?, _ format: AudioFormat, _ context: StageContext) throws {
  guard let wanted, wanted != format.sample else { return }
  throw StageError(
    .internal, "\(context.name) takes \(wanted.rawValue) samples and is given \(format.sample.rawValue)")
}
