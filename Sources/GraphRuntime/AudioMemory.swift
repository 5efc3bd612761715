internal import FluxGraph

/// Memory for buffers that hold audio only while a step is under way: the chains of one thread take it from here and give it back,
/// so that a chain at rest has none. One audio thread's.
final class AudioMemory {
  /// What was given back, by the power of two that is its size.
  private var free = [[UnsafeMutableRawBufferPointer]](repeating: [], count: Int.bitWidth)

  deinit {
    for memory in free.joined() { memory.deallocate() }
  }

  /// So many bytes.
  func take(_ count: Int) -> UnsafeMutableRawBufferPointer {
    let size = Self.power(count)
    let memory =
      free[size].popLast() ?? .allocate(byteCount: 1 << size, alignment: AudioBuffer.alignment)
    return UnsafeMutableRawBufferPointer(start: memory.baseAddress, count: count)
  }

  /// Takes back what `take` gave for so many bytes.
  func give(_ memory: UnsafeMutableRawBufferPointer) { free[Self.power(memory.count)].append(memory) }

  /// The power of two that holds so many bytes.
  private static func power(_ count: Int) -> Int { Int.bitWidth - max(0, count - 1).leadingZeroBitCount }
}
