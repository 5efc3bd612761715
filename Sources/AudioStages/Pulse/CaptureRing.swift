internal import FluxGraph
internal import Glibc
internal import Synchronization

/// Audio from a device's thread to an audio thread, without locks and without allocation: the samples, and for every block
/// when it came and what was lost before it.
final class CaptureRing: @unchecked Sendable {
  // Unchecked: samples and blocks are written by the one writing thread before `blocksWritten` publishes them, and not
  // again before the one reading thread has given them back with `framesRead` and `blocksRead`.

  /// What came in one piece.
  struct Block {
    var frames = 0
    /// Frames that were lost before it.
    var lost: Int64 = 0
    /// When its last frame came.
    var time = Instant(nanoseconds: 0)
    /// Whether the source had been interrupted before it.
    var isRestart = false
  }

  let format: AudioFormat
  private let capacity: Int
  private let samples: UnsafeMutableRawBufferPointer
  private let blocks: UnsafeMutableBufferPointer<Block>
  private let framesWritten = Atomic<Int>(0)
  private let framesRead = Atomic<Int>(0)
  private let blocksWritten = Atomic<Int>(0)
  private let blocksRead = Atomic<Int>(0)
  private let running = Atomic<Bool>(false)
  private let ended = Atomic<Bool>(false)
  // The writing thread's own.
  private var lost: Int64 = 0
  private var isRestart = true

  /// An empty ring with room for `duration` of audio.
  init(format: AudioFormat, duration: Duration) {
    self.format = format
    capacity = max(1, format.frames(in: duration))
    samples = .allocate(byteCount: capacity * format.bytesPerFrame, alignment: 64)
    // A server cuts as short as 1 ms when another of its clients asks for that.
    blocks = .allocate(capacity: max(16, Int(duration.seconds * 1000)))
    blocks.initialize(repeating: Block())
  }

  deinit {
    samples.deallocate()
    blocks.deallocate()
  }

  // MARK: - The writing thread

  /// Appends a block; what finds no room is counted as lost.
  func write(_ source: UnsafeRawBufferPointer, at time: Instant) {
    let frames = source.count / format.bytesPerFrame
    guard frames > 0 else { return }
    let start = framesWritten.load(ordering: .relaxed)
    let number = blocksWritten.load(ordering: .relaxed)
    guard start - framesRead.load(ordering: .acquiring) + frames <= capacity,
      number - blocksRead.load(ordering: .acquiring) < blocks.count
    else {
      lost += Int64(frames)
      return
    }
    let size = format.bytesPerFrame
    let first = start % capacity
    let untilEnd = min(frames, capacity - first)
    copy(source, 0, untilEnd * size, to: first * size)
    copy(source, untilEnd * size, (frames - untilEnd) * size, to: 0)
    blocks[number % blocks.count] = Block(frames: frames, lost: lost, time: time, isRestart: isRestart)
    lost = 0
    isRestart = false
    framesWritten.store(start + frames, ordering: .relaxed)
    blocksWritten.store(number + 1, ordering: .releasing)
  }

  private func copy(_ source: UnsafeRawBufferPointer, _ from: Int, _ count: Int, to: Int) {
    guard count > 0 else { return }
    samples.baseAddress!.advanced(by: to)
      .copyMemory(from: source.baseAddress!.advanced(by: from), byteCount: count)
  }

  /// Frames were lost at this place.
  func writeHole(_ frames: Int) {
    lost += Int64(frames)
  }

  /// Whether the source is expected to give something.
  var isRunning: Bool {
    get { running.load(ordering: .acquiring) }
    set {
      if !newValue { isRestart = true }
      running.store(newValue, ordering: .releasing)
    }
  }

  /// Says that nothing will be written any more.
  func end() {
    isRunning = false
    ended.store(true, ordering: .releasing)
  }

  /// Frames that were written and not yet read. Either thread.
  var framesWaiting: Int {
    framesWritten.load(ordering: .relaxed) - framesRead.load(ordering: .relaxed)
  }

  // MARK: - The reading thread

  /// The description of a block that has come and was not taken, the next one being number 0.
  func block(_ index: Int) -> Block? {
    let number = blocksRead.load(ordering: .relaxed) + index
    guard number < blocksWritten.load(ordering: .acquiring) else { return nil }
    return blocks[number % blocks.count]
  }

  /// Takes the next block's description, if one has come. Its frames must then be taken with `read` and `drop`.
  func nextBlock() -> Block? {
    guard let block = block(0) else { return nil }
    blocksRead.store(blocksRead.load(ordering: .relaxed) + 1, ordering: .releasing)
    return block
  }

  /// Takes frames of the present block, as many as fit, and returns how many.
  func read(_ frames: Int, into audio: inout AudioBuffer) -> Int {
    let count = copy(frames, into: &audio)
    drop(count)
    return count
  }

  /// Frames of the present block that lie in one piece, up to `limit` of them, without taking them.
  func front(_ limit: Int) -> UnsafeRawBufferPointer {
    let first = framesRead.load(ordering: .relaxed) % capacity
    let size = format.bytesPerFrame
    return UnsafeRawBufferPointer(
      rebasing: samples[(first * size)..<((first + min(limit, capacity - first)) * size)])
  }

  /// Throws frames of the present block away.
  func drop(_ frames: Int) {
    framesRead.store(framesRead.load(ordering: .relaxed) + frames, ordering: .releasing)
  }

  /// Whether the next `frames` frames of the present block are all zero.
  func isSilent(_ frames: Int) -> Bool {
    let first = framesRead.load(ordering: .relaxed) % capacity
    let untilEnd = min(frames, capacity - first)
    return isZero(first, untilEnd) && isZero(0, frames - untilEnd)
  }

  private func isZero(_ first: Int, _ frames: Int) -> Bool {
    let size = frames * format.bytesPerFrame
    guard size > 0 else { return true }
    let start = samples.baseAddress!.advanced(by: first * format.bytesPerFrame)
    // Each byte equals the one before it, and the first is zero: the C library compares many at a time.
    return start.load(as: UInt8.self) == 0 && memcmp(start, start.advanced(by: 1), size - 1) == 0
  }

  private func copy(_ frames: Int, into audio: inout AudioBuffer) -> Int {
    let size = format.bytesPerFrame
    let first = framesRead.load(ordering: .relaxed) % capacity
    let count = min(frames, audio.freeFrames)
    let untilEnd = min(count, capacity - first)
    audio.append { room in
      guard count > 0 else { return 0 }
      let target = room.baseAddress!
      target.copyMemory(from: samples.baseAddress!.advanced(by: first * size), byteCount: untilEnd * size)
      if count > untilEnd {
        target.advanced(by: untilEnd * size)
          .copyMemory(from: samples.baseAddress!, byteCount: (count - untilEnd) * size)
      }
      return count
    }
    return count
  }

  /// Whether nothing is left and nothing will follow.
  var isDrained: Bool {
    ended.load(ordering: .acquiring)
      && blocksRead.load(ordering: .relaxed) == blocksWritten.load(ordering: .acquiring)
      && framesWaiting == 0
  }
}
