internal import FluxGraph
internal import Synchronization

/// Samples on their way from the audio thread to the disk: a ring of bytes, written by one thread and read by one other.
///
/// When the disk does not keep up and the audio cannot wait, what has no room becomes silence of the same length, behind what is
/// there and before what comes next.
final class RecordingRing: @unchecked Sendable {
  // Unchecked: the bytes between the two positions belong to the reading thread, the others to the writing one.
  let frameSize: Int
  let capacity: Int
  private let memory: UnsafeMutableRawBufferPointer
  private let head = Atomic<Int>(0)
  private let tail = Atomic<Int>(0)
  /// Bytes of silence still to be written; the writing thread's own.
  private var owed = 0

  init(frames: Int, frameSize: Int) {
    self.frameSize = frameSize
    capacity = max(1, frames) * frameSize
    memory = .allocate(byteCount: capacity, alignment: 64)
  }

  deinit {
    memory.deallocate()
  }

  /// Bytes waiting to be read.
  var count: Int { tail.load(ordering: .acquiring) - head.load(ordering: .acquiring) }

  // MARK: - The writing side

  /// Appends whole frames. Returns how many bytes had no room.
  func write(_ bytes: UnsafeRawBufferPointer) -> Int {
    payDebt()
    guard owed == 0, capacity - count >= bytes.count else {
      owed += bytes.count
      return bytes.count
    }
    let start = tail.load(ordering: .relaxed)
    copy(bytes, to: start)
    tail.store(start + bytes.count, ordering: .releasing)
    return 0
  }

  /// Writes owed silence as far as it fits; whether any is left.
  @discardableResult
  func payDebt() -> Bool {
    guard owed > 0 else { return false }
    let start = tail.load(ordering: .relaxed)
    let bytes = min(owed, (capacity - count) / frameSize * frameSize)
    var written = 0
    while written < bytes {
      let at = (start + written) % capacity
      let piece = min(bytes - written, capacity - at)
      (memory.baseAddress! + at).initializeMemory(as: UInt8.self, repeating: 0, count: piece)
      written += piece
    }
    owed -= bytes
    tail.store(start + bytes, ordering: .releasing)
    return owed > 0
  }

  private func copy(_ bytes: UnsafeRawBufferPointer, to start: Int) {
    guard let source = bytes.baseAddress else { return }
    let at = start % capacity
    let first = min(bytes.count, capacity - at)
    (memory.baseAddress! + at).copyMemory(from: source, byteCount: first)
    if first < bytes.count {
      memory.baseAddress!.copyMemory(from: source + first, byteCount: bytes.count - first)
    }
  }

  // MARK: - The reading side

  /// Hands over what is there, in at most two pieces of whole frames, and frees the room of what was taken. It ends with a piece
  /// of which not all was.
  func read(_ body: (UnsafeRawBufferPointer) -> Int) {
    var at = head.load(ordering: .relaxed)
    let end = tail.load(ordering: .acquiring)
    // The ring holds a whole number of frames, so that none is cut at its end.
    while at < end {
      let place = at % capacity
      let piece = min(end - at, capacity - place)
      let taken = body(UnsafeRawBufferPointer(rebasing: memory[place..<(place + piece)]))
      at += taken
      head.store(at, ordering: .releasing)
      if taken < piece { return }
    }
  }
}
