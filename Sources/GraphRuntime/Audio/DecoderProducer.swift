internal import FluxGraph

/// Samples decoded from a source of bytes.
final class DecoderProducer: AudioProducer {
  /// What is read from a source at a time, and the most a decoder may ask to see before it takes something: an Ogg page is at
  /// most 65,307 bytes (RFC 3533 §6). Most need much less; with hundreds of streams that counts.
  private static let firstCapacity = 16 * 1024
  private static let largestCapacity = 128 * 1024

  private var source: any ByteSource
  private var decoder: any AudioDecoder
  private let makeDecoder: () throws -> any AudioDecoder
  private let wanted: AudioRequirement
  private let sourceContext: StageContext
  private let decoderContext: StageContext
  private var bytes = ByteBuffer(capacity: DecoderProducer.firstCapacity)
  /// What was decoded while the format was found out. It has no room until the decoder says what a block is: with more than that,
  /// a stream in real time would be decoded a second at a time, and hundreds of them in one burst.
  private var first = AudioBuffer(format: AudioFormat(.f32le, rate: 48_000, channels: 2), capacity: 0)
  private var isOpen = false
  private var isStopped = false
  private var hasClosedDecoder = false
  private var sourceEnded = false
  private var bytesRead = 0
  /// Frames before the excerpt that are still to be thrown away, and frames it may still have.
  private var surplus = 0
  private var remaining = Int.max
  private var hasSought = false
  private var knownFormat: AudioFormat?
  /// What ended the decoding, told once the frames before it have been given.
  private var failure: (any Error)?
  /// What the source failed with, told once all that came before is decoded.
  private var sourceFailure: (any Error)?

  init(
    _ source: any ByteSource, _ sourceContext: StageContext,
    _ makeDecoder: @escaping () throws -> any AudioDecoder, _ decoderContext: StageContext,
    wanted: AudioRequirement
  ) throws {
    self.source = source
    self.makeDecoder = makeDecoder
    decoder = try makeDecoder()
    self.wanted = wanted
    self.sourceContext = sourceContext
    self.decoderContext = decoderContext
  }

  override func begin(_ now: Instant) throws -> Output? {
    if !isOpen {
      try source.open(sourceContext)
      isOpen = true
      try decoder.prepare(wanted: wanted, decoderContext)
      if let seekable = source.seekable {
        hasSought = try naming { try decoder.seek(to: source.excerpt.start, in: seekable) }
      }
    }
    switch try decode(into: &first) {
    case .waiting, .restarted: return nil
    case .finished where first.isEmpty:
      if source.excerpt.start > .zero {
        throw StageError(
          .badInput, "\(source.subject) ends before \(source.excerpt.start.unitText), where it was to begin")
      }
      throw StageError(.badInput, "\(source.subject) holds no audio")
    case .finished, .produced: break
    }
    decoderContext.log.info("\(source.subject) gives \(first.format)")
    return Output(format: first.format, blockFrames: first.capacity)
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
      if isStopped || remaining == 0 { return .finished }
      if let failure { throw failure }
      mark?.enter()
      let before = bytes.count
      var progress = DecodeProgress.finished
      do {
        progress = try decodeSome(into: &audio)
        if case .finished = progress { failure = sourceFailure }
      } catch {
        // What is cut off has a cause.
        failure = sourceFailure ?? error
      }
      try keepExcerpt(&audio)
      if !audio.isEmpty { return .produced }
      if failure != nil { continue }
      switch progress {
      case .finished: return .finished
      case .waiting: return .waiting
      case .produced: continue
      case .needsBytes: break
      }
      if sourceEnded {
        if bytes.count == before {
          guard let sourceFailure else { return .finished }
          failure = sourceFailure
        }
        continue
      }
      if bytes.free == 0 {
        guard bytes.capacity < Self.largestCapacity else {
          throw StageError(.internal, "\(decoderContext.name) takes nothing of \(bytes.count) bytes")
        }
        bytes.growMemory(to: 2 * bytes.capacity)
      }
      let unread = bytes.count
      let read: SourceProgress
      do {
        read = try source.read(into: &bytes)
      } catch {
        // What came before is sound, also what a decoder has not given out yet.
        sourceFailure = error
        read = .finished
      }
      switch read {
      case .produced: bytesRead += bytes.count - unread
      case .waiting: return .waiting
      case .finished: sourceEnded = true
      case .restarted: try restart()
      }
    }
  }

  /// What was begun before the source began again is of no use any more.
  private func restart() throws {
    bytes.removeAll()
    decoder = try makeDecoder()
    try decoder.prepare(wanted: wanted, decoderContext)
  }

  /// Throws away what does not belong to the excerpt. It begins at position 0.
  private func keepExcerpt(_ audio: inout AudioBuffer) throws {
    guard !audio.isEmpty else { return }
    if let knownFormat, knownFormat != audio.format {
      throw StageError(
        .badInput, "\(source.subject) began again as \(audio.format), and was \(knownFormat) before")
    }
    if knownFormat == nil {
      knownFormat = audio.format
      if !hasSought { surplus = audio.format.frames(in: source.excerpt.start) }
      if let duration = source.excerpt.duration { remaining = max(1, audio.format.frames(in: duration)) }
    }
    if surplus > 0 {
      let count = min(surplus, audio.frameCount)
      surplus -= count
      let position = audio.position
      audio.removeFirst(count)
      audio.position = position
      if audio.isEmpty { return }
    }
    if audio.frameCount > remaining { audio.removeLast(audio.frameCount - remaining) }
    if remaining != .max { remaining -= audio.frameCount }
  }

  /// A decoder speaks of the content; the user knows it by the source's name.
  private func decodeSome(into audio: inout AudioBuffer) throws -> DecodeProgress {
    try naming { try decoder.decode(&bytes, isLast: sourceEnded, into: &audio) }
  }

  private func naming<Result>(_ body: () throws -> Result) throws -> Result {
    do {
      return try body()
    } catch var error as StageError where [.badInput, .unavailable].contains(error.code) {
      error.message = "\(source.subject): \(error.message)"
      throw error
    }
  }

  override func stop() { isStopped = true }
  override func close() throws -> Bool {
    mark?.enter()
    guard isOpen else { return true }
    if !hasClosedDecoder {
      guard try decoder.close() else { return false }
      hasClosedDecoder = true
    }
    return try source.close()
  }

  override var progress: Double? {
    if let duration = source.excerpt.duration, let knownFormat, remaining != .max {
      return 1 - Double(remaining) / Double(max(1, knownFormat.frames(in: duration)))
    }
    // What a decoder reads by itself is not seen here.
    guard let length = source.length, length > 0, bytesRead > 0 else { return nil }
    return min(1, Double(bytesRead - bytes.count) / Double(length))
  }
}
