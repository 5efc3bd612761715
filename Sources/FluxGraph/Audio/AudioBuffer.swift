/// A piece of a stream: interleaved samples of one format, and where on the stream's timeline they belong.
///
/// The buffer owns its memory and is never copied; stages are handed the same buffer again and again, so that nothing
/// is allocated per block. A stage may change samples and shorten the buffer; only the run-time makes it larger.
public struct AudioBuffer: ~Copyable {
  private var storage: UnsafeMutableRawBufferPointer
  /// Bytes before the first frame that is still in the buffer.
  private var offset = 0

  /// What the samples are. Set with `reset(format:capacity:)`.
  public private(set) var format: AudioFormat
  /// Frames in the buffer.
  public private(set) var frameCount = 0
  /// The number of the buffer's first frame, counted from the stream's first, at `format.rate`.
  public var position: Int64 = 0
  /// When the first frame was captured, on the monotonic clock; nil behind finite sources.
  public var captureTime: Instant?

  /// An empty buffer with room for `capacity` frames.
  public init(format: AudioFormat, capacity: Int) {
    self.format = format
    storage = Self.memory(capacity * format.bytesPerFrame)
  }

  /// Where samples begin in memory: what vector instructions like best.
  package static let memoryAlignment = 64
  /// What an empty buffer without memory points to.
  private static var nowhere: UnsafeMutableRawPointer {
    UnsafeMutableRawPointer(bitPattern: memoryAlignment)!
  }

  private static func memory(_ count: Int) -> UnsafeMutableRawBufferPointer {
    count == 0
      ? UnsafeMutableRawBufferPointer(start: nil, count: 0)
      : .allocate(byteCount: count, alignment: memoryAlignment)
  }

  deinit {
    storage.deallocate()
  }

  /// Frames the buffer can hold in its present format, counted from its start.
  public var capacity: Int { storage.count / format.bytesPerFrame }

  /// Frames that can still be appended.
  public var freeFrames: Int { (storage.count - offset) / format.bytesPerFrame - frameCount }

  /// Whether there is no frame in the buffer.
  public var isEmpty: Bool { frameCount == 0 }

  /// Where on the stream's timeline the first frame after this buffer belongs.
  public var endPosition: Int64 { position + Int64(frameCount) }

  /// Empties the buffer and gives it a format and at least `capacity` frames of room; allocates only when it has to grow.
  public mutating func reset(format: AudioFormat, capacity: Int) {
    let needed = capacity * format.bytesPerFrame
    if needed > storage.count {
      storage.deallocate()
      storage = Self.memory(needed)
    }
    self.format = format
    removeAll()
  }

  /// Gives an empty buffer a format, and memory for the frames it is to hold, aligned to `memoryAlignment`, in the place of its own.
  package mutating func holdMemory(_ memory: UnsafeMutableRawBufferPointer, format: AudioFormat) {
    precondition(isEmpty)
    storage.deallocate()
    storage = memory
    self.format = format
  }

  /// Takes the memory out of an empty buffer, which has room for nothing then.
  package mutating func takeMemory() -> UnsafeMutableRawBufferPointer {
    precondition(isEmpty)
    defer { storage = Self.memory(0) }
    return storage
  }

  /// Drops all frames and moves `position` past them. When the next frame was captured is not known then.
  public mutating func removeAll() {
    captureTime = nil
    position += Int64(frameCount)
    frameCount = 0
    offset = 0
  }

  /// Drops the first `count` frames and moves `position` and `captureTime` past them. `count` must not exceed `frameCount`.
  public mutating func removeFirst(_ count: Int) {
    precondition(count >= 0 && count <= frameCount)
    captureTime = captureTime?.advanced(by: format.duration(ofFrames: count))
    position += Int64(count)
    frameCount -= count
    offset = frameCount == 0 ? 0 : offset + count * format.bytesPerFrame
  }

  /// Drops the last `count` frames. `count` must not exceed `frameCount`.
  public mutating func removeLast(_ count: Int) {
    precondition(count >= 0 && count <= frameCount)
    frameCount -= count
    if frameCount == 0 { offset = 0 }
  }

  /// The samples as floating-point numbers, interleaved. The buffer's format must be `.f32le`.
  public var floats: MutableSpan<Float> {
    @_lifetime(&self)
    mutating get {
      precondition(format.sample == .f32le, "these samples are \(format.sample.rawValue), not f32le")
      let span = unsafe MutableSpan(
        _unsafeStart: start.assumingMemoryBound(to: Float.self), count: frameCount * format.channels)
      return unsafe _overrideLifetime(span, mutating: &self)
    }
  }

  /// The samples as floating-point numbers, interleaved, for reading. The buffer's format must be `.f32le`.
  public var readOnlyFloats: Span<Float> {
    @_lifetime(borrow self)
    get {
      precondition(format.sample == .f32le, "these samples are \(format.sample.rawValue), not f32le")
      let span = unsafe Span(
        _unsafeStart: UnsafePointer(start.assumingMemoryBound(to: Float.self)),
        count: frameCount * format.channels)
      return unsafe _overrideLifetime(span, borrowing: self)
    }
  }

  /// The samples as 16-bit integers, interleaved. The buffer's format must be `.s16le`.
  public var integers: MutableSpan<Int16> {
    @_lifetime(&self)
    mutating get {
      precondition(format.sample == .s16le, "these samples are \(format.sample.rawValue), not s16le")
      let span = unsafe MutableSpan(
        _unsafeStart: start.assumingMemoryBound(to: Int16.self), count: frameCount * format.channels)
      return unsafe _overrideLifetime(span, mutating: &self)
    }
  }

  /// The samples' bytes, for reading, whatever the format.
  public var bytes: RawSpan {
    @_lifetime(borrow self)
    get {
      let span = unsafe RawSpan(_unsafeStart: UnsafeRawPointer(start), byteCount: byteCount)
      return unsafe _overrideLifetime(span, borrowing: self)
    }
  }

  /// Bytes of all frames in the buffer.
  public var byteCount: Int { frameCount * format.bytesPerFrame }

  /// Lets `body` write frames behind the last one. It is given the free room as raw bytes and returns how many **frames** it wrote.
  public mutating func append<Failure: Error>(
    _ body: (UnsafeMutableRawBufferPointer) throws(Failure) -> Int
  ) throws(Failure) {
    let used = offset + byteCount
    let room = unsafe UnsafeMutableRawBufferPointer(rebasing: storage[used..<storage.count])
    let written = try body(room)
    precondition(written >= 0 && written <= freeFrames)
    frameCount += written
  }

  /// Appends as many of `other`'s frames as fit, and returns how many. Both must have one format.
  @discardableResult
  public mutating func append(_ other: borrowing AudioBuffer, from first: Int = 0, count: Int? = nil) -> Int {
    precondition(format == other.format && first >= 0)
    let taken = min(count ?? (other.frameCount - first), other.frameCount - first, freeFrames)
    guard taken > 0 else { return 0 }
    let size = format.bytesPerFrame
    start.advanced(by: byteCount).copyMemory(
      from: other.start.advanced(by: first * size), byteCount: taken * size)
    frameCount += taken
    return taken
  }

  /// Appends as many frames of digital silence as fit, and returns how many.
  @discardableResult
  public mutating func appendSilence(_ frames: Int) -> Int {
    let count = min(frames, freeFrames)
    guard count > 0 else { return 0 }
    start.advanced(by: byteCount).initializeMemory(
      as: UInt8.self, repeating: format.sample.silence, count: count * format.bytesPerFrame)
    frameCount += count
    return count
  }

  /// Appends as many of these interleaved samples as fit in whole frames. The buffer's format must be `.f32le`.
  public mutating func append(_ samples: [Float]) {
    precondition(format.sample == .f32le)
    let size = format.bytesPerFrame
    samples.withUnsafeBytes { source in
      append { (room: UnsafeMutableRawBufferPointer) in
        let frames = min(source.count, room.count) / size
        if frames > 0 { room.baseAddress!.copyMemory(from: source.baseAddress!, byteCount: frames * size) }
        return frames
      }
    }
  }

  /// The first frame's first byte.
  private var start: UnsafeMutableRawPointer { storage.baseAddress?.advanced(by: offset) ?? Self.nowhere }

  /// The samples' bytes, writable, for kernels.
  public mutating func withMutableBytes<Result, Failure: Error>(
    _ body: (UnsafeMutableRawBufferPointer) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try body(UnsafeMutableRawBufferPointer(start: start, count: byteCount))
  }

  /// The samples' bytes, for kernels.
  public borrowing func withBytes<Result, Failure: Error>(
    _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try body(UnsafeRawBufferPointer(start: start, count: byteCount))
  }
}

@available(*, unavailable)
extension AudioBuffer: Sendable {}

extension AudioBuffer {
  /// Multiplies every sample by `factor`. The buffer's format must be `.f32le`.
  public mutating func scale(by factor: Float) {
    precondition(format.sample == .f32le)
    withMutableBytes { bytes in
      for index in bytes.assumingMemoryBound(to: Float.self).indices {
        bytes.assumingMemoryBound(to: Float.self)[index] *= factor
      }
    }
  }
}
