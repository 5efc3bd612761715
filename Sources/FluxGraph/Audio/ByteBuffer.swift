/// Bytes on their way from a source to a decoder: appended at the end, taken from the front, bounded.
public struct ByteBuffer: ~Copyable {
  private var storage: UnsafeMutableRawBufferPointer
  private var head = 0
  private var tail = 0

  /// An empty buffer with room for `capacity` bytes.
  public init(capacity: Int) {
    storage = .allocate(byteCount: capacity, alignment: 64)
  }

  deinit {
    storage.deallocate()
  }

  /// Bytes the buffer can hold.
  package var capacity: Int { storage.count }

  /// Makes room for `capacity` bytes; what is there stays.
  package mutating func growMemory(to capacity: Int) {
    precondition(capacity >= count)
    let larger = UnsafeMutableRawBufferPointer.allocate(byteCount: capacity, alignment: 64)
    larger.copyMemory(from: UnsafeRawBufferPointer(rebasing: storage[head..<tail]))
    storage.deallocate()
    storage = larger
    (head, tail) = (0, count)
  }

  /// Bytes in the buffer.
  public var count: Int { tail - head }
  /// Whether there is no byte in the buffer.
  public var isEmpty: Bool { head == tail }
  /// Bytes that can still be appended.
  public var free: Int { storage.count - count }

  /// The bytes in the buffer, oldest first.
  public var bytes: RawSpan {
    @_lifetime(borrow self)
    get {
      let span = unsafe RawSpan(
        _unsafeStart: UnsafeRawPointer(storage.baseAddress!.advanced(by: head)), byteCount: count)
      return unsafe _overrideLifetime(span, borrowing: self)
    }
  }

  /// Drops the first `count` bytes. `count` must not exceed the bytes in the buffer.
  public mutating func removeFirst(_ count: Int) {
    precondition(count >= 0 && count <= self.count)
    head += count
    if head == tail {
      head = 0
      tail = 0
    }
  }

  /// Drops all bytes.
  public mutating func removeAll() {
    head = 0
    tail = 0
  }

  /// Lets `body` write into the free room, and appends as many bytes as it returns.
  public mutating func append<Failure: Error>(
    _ body: (UnsafeMutableRawBufferPointer) throws(Failure) -> Int
  ) throws(Failure) {
    // All that is free is offered in one piece.
    if head > 0 {
      storage.baseAddress!.copyMemory(from: storage.baseAddress!.advanced(by: head), byteCount: count)
      tail -= head
      head = 0
    }
    let room = UnsafeMutableRawBufferPointer(rebasing: storage[tail..<storage.count])
    let written = try body(room)
    precondition(written >= 0 && written <= room.count)
    tail += written
  }

  /// Appends as many of `bytes` as fit, and returns how many.
  @discardableResult
  public mutating func append(_ bytes: [UInt8]) -> Int {
    var taken = 0
    append { room in
      taken = min(room.count, bytes.count)
      room.copyBytes(from: bytes.prefix(taken))
      return taken
    }
    return taken
  }

  /// The bytes in the buffer, for parsers.
  public borrowing func withBytes<Result, Failure: Error>(
    _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try body(UnsafeRawBufferPointer(start: storage.baseAddress!.advanced(by: head), count: count))
  }
}

@available(*, unavailable)
extension ByteBuffer: Sendable {}
