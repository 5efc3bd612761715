internal import FluxGraph

/// Samples on their way past a tap: measured while somebody listens, and untouched.
final class TapProducer: AudioProducer {
  private let upstream: AudioProducer
  private let tap: StreamTap
  private var peak: Float = 0
  private var sum = 0.0
  private var frames = 0

  init(_ upstream: AudioProducer, _ tap: StreamTap) {
    self.upstream = upstream
    self.tap = tap
  }

  override func use(_ memory: AudioMemory, isPaced: Bool) { upstream.use(memory, isPaced: isPaced) }
  override func begin(_ now: Instant) throws -> Output? { try upstream.start(now) }

  override func pull(_ audio: inout AudioBuffer, _ now: Instant) throws -> SourceProgress {
    let progress = try upstream.pull(&audio, now)
    if progress == .produced && tap.isHeard { measure(audio) }
    return progress
  }

  private func measure(_ audio: borrowing AudioBuffer) {
    let format = audio.format
    switch format.sample {
    case .f32le:
      let samples = audio.readOnlyFloats
      for index in samples.indices { add(samples[index]) }
    case .s16le:
      let bytes = audio.bytes
      for offset in stride(from: 0, to: bytes.byteCount, by: 2) {
        add(Float(bytes.unsafeLoadUnaligned(fromByteOffset: offset, as: Int16.self)) / 32_768)
      }
    default: break  // Formats of decoders alone.
    }
    frames += audio.frameCount
    guard frames >= format.rate else { return }
    let count = Double(frames * format.channels)
    tap.hear(
      .level(
        AudioLevel(
          format: format, position: Double(audio.endPosition) / Double(format.rate), peak: Double(peak),
          rootMeanSquare: (sum / count).squareRoot())))
    (peak, sum, frames) = (0, 0, 0)
  }

  private func add(_ sample: Float) {
    peak = max(peak, abs(sample))
    sum += Double(sample * sample)
  }

  override func stop() { upstream.stop() }

  override func close() throws -> Bool {
    let isClosed = try upstream.close()
    if isClosed { tap.end() }
    return isClosed
  }

  override var hasSource: Bool { upstream.hasSource }
  override var heldUntil: Instant? { upstream.heldUntil }
  override var progress: Double? { upstream.progress }
}
