internal import FluxGraph

/// Memory for buffers that hold audio only while a step is under way: the chains of one thread take it from here and give it back,
/// so that a chain at rest has none. One audio thread's.
final class AudioMemory {
  /// What was given back, by the power of two that is its size. Each piece begins with the address of the next: giving back needs
  /// no memory.
  // Accesses are not checked: one thread has it, and nobody is called.
  @exclusivity(unchecked) private var free = [UnsafeMutableRawPointer?](repeating: nil, count: Int.bitWidth)

  deinit {
    for index in free.indices {
      while let memory = popFirst(index) { memory.deallocate() }
    }
  }

  /// So many bytes.
  func take(_ count: Int) -> UnsafeMutableRawBufferPointer {
    let size = Self.power(count)
    let memory =
      popFirst(size) ?? .allocate(byteCount: 1 << size, alignment: AudioBuffer.memoryAlignment)
    return UnsafeMutableRawBufferPointer(start: memory, count: count)
  }

  /// Takes back what `take` gave for so many bytes. A stage may have put other memory in its place, which is not of these sizes.
  func give(_ memory: UnsafeMutableRawBufferPointer, takenFor count: Int) {
    guard memory.count == count, let start = memory.baseAddress else { return memory.deallocate() }
    let size = Self.power(count)
    start.storeBytes(of: free[size], as: UnsafeMutableRawPointer?.self)
    free[size] = start
  }

  private func popFirst(_ size: Int) -> UnsafeMutableRawPointer? {
    guard let memory = free[size] else { return nil }
    free[size] = memory.load(as: UnsafeMutableRawPointer?.self)
    return memory
  }

  /// The power of two that holds so many bytes, and an address.
  private static func power(_ count: Int) -> Int {
    Int.bitWidth - (max(count, MemoryLayout<UnsafeMutableRawPointer?>.size) - 1).leadingZeroBitCount
  }
}
