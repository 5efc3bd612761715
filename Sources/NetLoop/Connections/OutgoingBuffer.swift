/// Bytes waiting to be sent, in chunks whose addresses stay put.
///
/// The addresses matter: when OpenSSL cannot finish a write, the next attempt must offer the same bytes at the same
/// place and at least as many of them (SSL_write(3)); libcurl hands our pointer straight to it. So a chunk that was
/// offered is offered again unchanged until some of it is taken.
struct OutgoingBuffer: ~Copyable {
  /// The most plain text a TLS record carries (RFC 8446 §5.1): an offered chunk is one record.
  static let chunkCapacity = 16_384

  private struct Chunk {
    let memory: UnsafeMutableRawPointer
    var start = 0
    var end = 0
  }

  private var chunks: [Chunk] = []
  private var head = 0
  /// Set once the first chunk was offered and refused: it takes no more bytes.
  private var isHeadFrozen = false
  private(set) var count = 0

  init() {}

  deinit {
    for chunk in chunks[head...] { chunk.memory.deallocate() }
  }

  mutating func append(_ bytes: UnsafeRawBufferPointer, from pool: ChunkPool) {
    var rest = bytes[...]
    while !rest.isEmpty {
      let isOpen =
        chunks.count > head && chunks[chunks.count - 1].end < Self.chunkCapacity
        && !(isHeadFrozen && chunks.count - 1 == head)
      if !isOpen { chunks.append(Chunk(memory: pool.take())) }
      let last = chunks.count - 1
      let length = min(rest.count, Self.chunkCapacity - chunks[last].end)
      UnsafeMutableRawBufferPointer(start: chunks[last].memory + chunks[last].end, count: length)
        .copyMemory(from: UnsafeRawBufferPointer(rebasing: rest.prefix(length)))
      chunks[last].end += length
      count += length
      rest = rest.dropFirst(length)
    }
  }

  /// The bytes to offer next, the same ones until ``consume(_:pool:)``; nil when there are none.
  var front: UnsafeRawBufferPointer? {
    guard head < chunks.count else { return nil }
    let chunk = chunks[head]
    return UnsafeRawBufferPointer(start: chunk.memory + chunk.start, count: chunk.end - chunk.start)
  }

  mutating func freezeFront() {
    isHeadFrozen = true
  }

  /// Drops bytes of ``front`` that were taken.
  mutating func consume(_ length: Int, pool: ChunkPool) {
    isHeadFrozen = false
    count -= length
    chunks[head].start += length
    guard chunks[head].start == chunks[head].end else { return }
    pool.give(chunks[head].memory)
    head += 1
    if head == chunks.count {
      chunks.removeAll(keepingCapacity: true)
      head = 0
    } else if head >= 64 {
      chunks.removeFirst(head)
      head = 0
    }
  }

  mutating func removeAll(pool: ChunkPool) {
    for chunk in chunks[head...] { pool.give(chunk.memory) }
    chunks = []
    head = 0
    count = 0
    isHeadFrozen = false
  }
}

/// Chunks shared by all connections of a loop, so that a connection at rest holds none and a send in the steady
/// state allocates nothing. Loop thread only.
final class ChunkPool {
  private static let keptAtMost = 64
  private var free: [UnsafeMutableRawPointer] = []

  deinit {
    for memory in free { memory.deallocate() }
  }

  func take() -> UnsafeMutableRawPointer {
    free.popLast() ?? .allocate(byteCount: OutgoingBuffer.chunkCapacity, alignment: 16)
  }

  func give(_ memory: UnsafeMutableRawPointer) {
    if free.count < Self.keptAtMost { free.append(memory) } else { memory.deallocate() }
  }
}
