internal import Synchronization

/// The audio a recogniser listens to, block by block.
///
/// Either loop over `next()`, or, without a task per block, call `read` whenever `onChange` calls back.
public final class AudioInlet: Sendable {
  private let queue: AudioQueue
  private let waiter = Mutex<CheckedContinuation<Void, Never>?>(nil)
  private let hasWaiter = Atomic<Bool>(false)
  private let isAwaited = Atomic<Bool>(false)
  private let gate: AudioGate?
  /// Whether the audio comes from a device or from a file.
  public let liveness: Liveness

  /// - Parameter gate: holds the audio back while it is closed; nil for audio that cannot wait.
  package init(_ queue: AudioQueue, liveness: Liveness, gate: AudioGate? = nil) {
    self.queue = queue
    self.liveness = liveness
    self.gate = gate
  }

  /// Whether there is nothing to be had for now, whatever the queue holds. What is left at the end is always let through.
  private var isHeld: Bool { gate?.isClosed == true && !queue.isFinished }

  /// What the blocks are.
  public var format: AudioFormat { queue.format }

  /// One block, copied out of the stream.
  public struct Block: Sendable {
    /// The samples' bytes, interleaved, in the inlet's format.
    public var bytes: [UInt8]
    /// The samples as floating-point numbers, interleaved. The inlet's format must be `.f32le`.
    public var floats: [Float] {
      bytes.withUnsafeBytes { bytes in
        (0..<(bytes.count / 4)).map { bytes.loadUnaligned(fromByteOffset: $0 * 4, as: Float.self) }
      }
    }
    /// Frames in the block.
    public var frames: Int
    /// The number of the first frame, counted from the stream's first. A jump against the block before is a gap.
    public var position: Int64
    /// When the first frame was captured; nil behind finite sources.
    public var captureTime: Instant?
  }

  /// What `read` found.
  public enum ReadResult: Sendable, Hashable {
    /// A block was there; nothing is there yet; nothing will come any more.
    case block, empty, ended
  }

  /// Hands the oldest block to `body`, without blocking: bytes, frames, position and capture time, valid during the call.
  public func read(
    _ body: (UnsafeRawBufferPointer, _ frames: Int, _ position: Int64, _ captureTime: Instant?) -> Void
  ) -> ReadResult {
    if isHeld { return .empty }
    switch queue.pop(body) {
    case .block: return .block
    case .empty: return .empty
    case .ended: return .ended
    }
  }

  /// Sets what is called whenever a block or the end has arrived. It is called on an audio thread and must only pass the word
  /// on. Set once, before the first `read`; not together with `next()`.
  public func onChange(_ body: @escaping @Sendable () -> Void) {
    queue.onChange(body)
    gate?.onOpen(body)
  }

  /// The next block; nil at the end of the stream or when the task is cancelled. One task at a time.
  public func next() async -> Block? {
    if !isAwaited.exchange(true, ordering: .relaxed) {
      // The queue keeps it, and this keeps the queue.
      onChange { [weak self] in self?.wakeWaiter() }
    }
    while !Task.isCancelled {
      var block: Block?
      let result = read { bytes, frames, position, captureTime in
        block = Block(bytes: Array(bytes), frames: frames, position: position, captureTime: captureTime)
      }
      switch result {
      case .block: return block
      case .ended: return nil
      case .empty: await waitForChange()
      }
    }
    return nil
  }

  private func waitForChange() async {
    await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        waiter.withLock { $0 = continuation }
        hasWaiter.store(true, ordering: .sequentiallyConsistent)
        // A block may have come between the look and the registration.
        if queue.count > 0 && !isHeld || Task.isCancelled || queue.isFinished { wakeWaiter() }
      }
    } onCancel: {
      wakeWaiter()
    }
  }

  private func wakeWaiter() {
    guard hasWaiter.exchange(false, ordering: .sequentiallyConsistent) else { return }
    waiter.withLock { continuation in
      defer { continuation = nil }
      return continuation
    }?.resume()
  }
}
