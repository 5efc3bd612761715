internal import FluxGraph

/// Samples decoded from a source of bytes.
final class DecoderProducer: AudioProducer {
  /// What is read from a source at a time, and the most a decoder may ask to see before it takes something: an Ogg page is at
  /// most 65,307 bytes (RFC 3533 §6).
  static let byteCapacity = 128 * 1024

  private var source: any ByteSource
  private var decoder: any AudioDecoder
  private let wanted: AudioRequirement
  private let sourceContext: StageContext
  private let decoderContext: StageContext
  private var bytes = ByteBuffer(capacity: DecoderProducer.byteCapacity)
  /// What was decoded while the format was found out.
  private var first = AudioBuffer(format: AudioFormat(.f32le, rate: 48_000, channels: 2), capacity: 5_760)
  private var isOpen = false
  private var isStopped = false
  private var sourceEnded = false
  private var bytesRead = 0
  /// What ended the decoding, told once the frames before it have been given.
  private var failure: (any Error)?

  init(
    _ source: any ByteSource, _ sourceContext: StageContext, _ decoder: any AudioDecoder,
    _ decoderContext: StageContext,
    wanted: AudioRequirement
  ) {
    self.source = source
    self.decoder = decoder
    self.wanted = wanted
    self.sourceContext = sourceContext
    self.decoderContext = decoderContext
  }

  override func begin(_ now: Instant) throws -> Output? {
    if !isOpen {
      try source.open(sourceContext)
      try decoder.prepare(wanted: wanted, decoderContext)
      isOpen = true
    }
    switch try decode(into: &first) {
    case .waiting: return nil
    case .finished where first.isEmpty:
      throw StageError(.badInput, "\(source.subject) holds no audio")
    case .finished, .produced: return Output(format: first.format, blockFrames: first.capacity)
    }
  }

  override func pull(_ audio: inout AudioBuffer, _ now: Instant) throws -> SourceProgress {
    if !first.isEmpty {
      audio.append(first)
      first = AudioBuffer(format: first.format, capacity: 0)
      return .produced
    }
    return try decode(into: &audio)
  }

  private func decode(into audio: inout AudioBuffer) throws -> SourceProgress {
    while true {
      if isStopped { return .finished }
      if let failure { throw failure }
      let before = bytes.count
      var progress = DecodeProgress.finished
      do {
        progress = try decodeSome(into: &audio)
      } catch {
        failure = error
      }
      if !audio.isEmpty { return .produced }
      if failure != nil { continue }
      switch progress {
      case .finished: return .finished
      case .produced: continue
      case .needsBytes: break
      }
      if sourceEnded {
        if bytes.count == before { return .finished }
        continue
      }
      guard bytes.free > 0 else {
        throw StageError(.internal, "\(decoderContext.name) takes nothing of \(bytes.count) bytes")
      }
      let unread = bytes.count
      switch try source.read(into: &bytes) {
      case .produced: bytesRead += bytes.count - unread
      case .waiting: return .waiting
      case .finished: sourceEnded = true
      }
    }
  }

  /// A decoder speaks of the content; the user knows it by the source's name.
  private func decodeSome(into audio: inout AudioBuffer) throws -> DecodeProgress {
    do {
      return try decoder.decode(&bytes, isLast: sourceEnded, into: &audio)
    } catch var error as StageError where error.code == .badInput {
      error.message = "\(source.subject): \(error.message)"
      throw error
    }
  }

  override func stop() { isStopped = true }
  override func close() throws -> Bool { isOpen ? try source.close() : true }

  override var progress: Double? {
    guard let length = source.length, length > 0 else { return nil }
    return min(1, Double(bytesRead - bytes.count) / Double(length))
  }
}
