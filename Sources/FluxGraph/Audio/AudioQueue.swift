internal import Synchronization

/// A bounded queue of audio blocks from one thread to another, without locks and without allocation: what is between an audio chain
/// and whoever reads behind it.
///
/// One thread pushes, one pops. The queue is there before anybody knows what will be in it, so that both sides can be given it; the
/// pushing side opens it when it knows the format, or ends it unopened. A block keeps its position, so the popping side sees a gap
/// where blocks were dropped. Slots are used in turn; where the oldest block may be dropped one is always left free, so that the
/// block being read is never the one being written.
package final class AudioQueue: @unchecked Sendable {
  // Unchecked: a slot is written only by the pushing thread before `tail` publishes it, and read only by the popping thread
  // after; `claimed` keeps a slot that is being read from being written again after its block was dropped.

  private struct Slot {
    var frames = 0
    var position: Int64 = 0
    var captureTime: Instant?
  }

  /// What holds the blocks, once their format is known.
  private final class Storage: @unchecked Sendable {
    // Unchecked: as the queue.
    let format: AudioFormat
    let slotFrames: Int
    let capacity: Int
    let memory: UnsafeMutableRawBufferPointer
    let slots: UnsafeMutableBufferPointer<Slot>

    init(_ format: AudioFormat, _ slotFrames: Int, _ capacity: Int, dropsOldest: Bool) {
      self.format = format
      self.slotFrames = slotFrames
      self.capacity = max(1, capacity)
      let count = self.capacity + (dropsOldest ? 1 : 0)
      memory = .allocate(byteCount: count * slotFrames * format.bytesPerFrame, alignment: 64)
      slots = .allocate(capacity: count)
      slots.initialize(repeating: Slot())
    }

    deinit {
      memory.deallocate()
      slots.deallocate()
    }
  }

  private let storage = AtomicLazyReference<Storage>()
  private let head = Atomic<Int>(0)
  private let tail = Atomic<Int>(0)
  /// The slot being read, or -1.
  private let claimed = Atomic<Int>(-1)
  private let isEnded = Atomic<Bool>(false)
  private let isClosed = Atomic<Bool>(false)
  /// Set by the pushing side when it found no room and waits for some.
  private let wantsRoom = Atomic<Bool>(false)
  private let mostWaiting = Atomic<Int>(0)
  private let framesDropped = Atomic<Int>(0)
  private let framesTaken = Atomic<Int>(0)
  /// What is called when the queue is opened; let go of then, because it may lead back to the queue.
  private let opened = Mutex<(@Sendable () -> Void)?>(nil)
  private let changed: AtomicLazyReference<Callback> = .init()
  private let roomMade: AtomicLazyReference<Callback> = .init()

  private final class Callback: Sendable {
    let body: @Sendable () -> Void
    init(_ body: @escaping @Sendable () -> Void) { self.body = body }
  }

  /// A queue that is not open.
  package init() {}

  /// An empty queue that is open.
  package convenience init(format: AudioFormat, slotFrames: Int, capacity: Int, dropsOldest: Bool = true) {
    self.init()
    open(format: format, slotFrames: slotFrames, capacity: capacity, dropsOldest: dropsOldest)
  }

  /// Whether it is known what the blocks are.
  package var isOpen: Bool { storage.load() != nil }
  /// What the blocks are, once the queue is open.
  package var format: AudioFormat { opening.format }
  /// The largest number of frames in a block, once the queue is open.
  package var slotFrames: Int { opening.slotFrames }
  /// Blocks there is room for; none before the queue is open.
  package var capacity: Int { storage.load()?.capacity ?? 0 }

  private var opening: Storage {
    guard let storage = storage.load() else { preconditionFailure("the queue is not open") }
    return storage
  }

  // MARK: - The pushing side

  /// Makes room for up to `capacity` blocks of up to `slotFrames` frames. Once.
  /// - Parameter dropsOldest: what a push into a full queue drops: the oldest block, or, where that is not to happen because
  ///   `hasRoom` is asked before, the new one.
  package func open(format: AudioFormat, slotFrames: Int, capacity: Int, dropsOldest: Bool) {
    _ = storage.storeIfNil(Storage(format, slotFrames, capacity, dropsOldest: dropsOldest))
    tellOpened()
    changed.load()?.body()
  }

  private func tellOpened() {
    opened.withLock { opened in
      defer { opened = nil }
      return opened
    }?()
  }

  /// Whether the next push finds room. If not, `roomMade` is called once there is some.
  package var hasRoom: Bool {
    if isClosed.load(ordering: .acquiring) { return true }
    let capacity = opening.capacity
    if tail.load(ordering: .relaxed) - head.load(ordering: .acquiring) < capacity { return true }
    wantsRoom.store(true, ordering: .sequentiallyConsistent)
    // Looked at again: the popping side may have made room between the first look and the wish.
    return tail.load(ordering: .relaxed) - head.load(ordering: .sequentiallyConsistent) < capacity
  }

  /// Appends a block; the oldest one is dropped when the queue is full. Returns whether everything was kept.
  @discardableResult
  package func push(_ audio: borrowing AudioBuffer) -> Bool {
    let storage = opening
    precondition(audio.format == storage.format && audio.frameCount <= storage.slotFrames)
    if isClosed.load(ordering: .acquiring) { return true }
    let end = tail.load(ordering: .relaxed)
    let start = head.load(ordering: .sequentiallyConsistent)
    let (slots, capacity) = (storage.slots, storage.capacity)
    let index = end % slots.count
    let isFull = end - start >= capacity
    // Still being read although it was dropped since: this block is lost, and the oldest may stay. Whoever claims a slot
    // rightly did so before the head moved past it, so that it is seen here.
    let isInUse =
      slots.count == capacity ? isFull : claimed.load(ordering: .sequentiallyConsistent) == index
    if isInUse {
      framesDropped.add(audio.frameCount, ordering: .relaxed)
      return false
    }
    var keptAll = true
    if isFull {
      let oldest = slots[start % slots.count].frames
      // Fails when the popping side was quicker: then there is room, and nothing is lost.
      keptAll = !head.compareExchange(expected: start, desired: start + 1, ordering: .sequentiallyConsistent)
        .exchanged
      if !keptAll { framesDropped.add(oldest, ordering: .relaxed) }
    }
    // Only this side writes it.
    let waiting = min(end + 1 - start, capacity)
    if waiting > mostWaiting.load(ordering: .relaxed) { mostWaiting.store(waiting, ordering: .relaxed) }
    audio.withBytes { bytes in
      UnsafeMutableRawBufferPointer(
        rebasing: storage.memory[(index * storage.slotFrames * storage.format.bytesPerFrame)...]
      )
      .copyMemory(from: bytes)
    }
    slots[index] = Slot(frames: audio.frameCount, position: audio.position, captureTime: audio.captureTime)
    tail.store(end + 1, ordering: .releasing)
    changed.load()?.body()
    return keptAll
  }

  /// Says that no more blocks follow; of a queue that is not open, that it never will be.
  package func end() {
    isEnded.store(true, ordering: .releasing)
    if !isOpen { tellOpened() }
    changed.load()?.body()
  }

  /// Sets what is called, on the popping thread, when room was made after `hasRoom` said no. Only the first call counts.
  package func onRoom(_ body: @escaping @Sendable () -> Void) {
    _ = roomMade.storeIfNil(Callback(body))
  }

  // MARK: - The popping side

  /// What `pop` found.
  package enum PopResult: Sendable, Hashable {
    case block, empty, ended
  }

  /// Hands the oldest block to `body`: its bytes, its frames, its position and its capture time.
  package func pop(
    _ body: (UnsafeRawBufferPointer, _ frames: Int, _ position: Int64, _ captureTime: Instant?) -> Void
  ) -> PopResult {
    while true {
      // Read before the blocks are counted: what was pushed before the end is then seen.
      let wasEnded = isEnded.load(ordering: .acquiring)
      let start = head.load(ordering: .sequentiallyConsistent)
      guard start != tail.load(ordering: .acquiring), let storage = storage.load() else {
        return wasEnded ? .ended : .empty
      }
      let slots = storage.slots
      let index = start % slots.count
      claimed.store(index, ordering: .sequentiallyConsistent)
      guard head.load(ordering: .sequentiallyConsistent) == start else { continue }
      let slot = slots[index]
      let frameSize = storage.format.bytesPerFrame
      let first = index * storage.slotFrames * frameSize
      let bytes = UnsafeRawBufferPointer(
        rebasing: UnsafeRawBufferPointer(storage.memory)[first..<(first + slot.frames * frameSize)])
      body(bytes, slot.frames, slot.position, slot.captureTime)
      framesTaken.add(slot.frames, ordering: .relaxed)
      _ = head.compareExchange(expected: start, desired: start + 1, ordering: .sequentiallyConsistent)
      claimed.store(-1, ordering: .releasing)
      if wantsRoom.load(ordering: .sequentiallyConsistent),
        wantsRoom.exchange(false, ordering: .sequentiallyConsistent)
      {
        roomMade.load()?.body()
      }
      return .block
    }
  }

  /// Says that nobody will pop any more: pushes are thrown away from now on.
  package func close() {
    isClosed.store(true, ordering: .releasing)
    roomMade.load()?.body()
  }

  /// Whether nobody pops any more.
  package var isAbandoned: Bool { isClosed.load(ordering: .acquiring) }

  /// Whether the end was announced; blocks may still be waiting.
  package var isFinished: Bool { isEnded.load(ordering: .acquiring) }

  /// Whether the pushing side has ended without knowing what the blocks would be.
  package var neverOpens: Bool { isFinished && !isOpen }

  /// Sets what is called, on the pushing thread, when the queue is opened, or ends unopened.
  package func onOpen(_ body: @escaping @Sendable () -> Void) {
    opened.withLock { $0 = body }
  }

  /// Sets what is called, on the pushing thread, when the queue is opened, after every push and at the end. Only the first call
  /// counts.
  package func onChange(_ body: @escaping @Sendable () -> Void) {
    _ = changed.storeIfNil(Callback(body))
  }

  /// The most blocks that ever waited.
  package var highWater: Int { mostWaiting.load(ordering: .relaxed) }

  /// Frames that were dropped because the popping side did not keep up.
  package var droppedFrames: Int { framesDropped.load(ordering: .relaxed) }

  /// Frames that were popped.
  package var framesPopped: Int { framesTaken.load(ordering: .relaxed) }

  /// Blocks waiting.
  package var count: Int {
    max(0, tail.load(ordering: .acquiring) - head.load(ordering: .acquiring))
  }
}
