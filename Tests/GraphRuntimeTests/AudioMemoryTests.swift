import FluxGraph
import Glibc
import StageTesting
import Testing

@testable import GraphRuntime

@Suite struct AudioMemoryTests {
  @Test("what was given back is lent again, to anyone who needs as much or a little less")
  func lending() {
    let memory = AudioMemory()
    let first = memory.take(2560)
    let address = first.baseAddress
    memory.give(first, takenFor: 2560)
    let second = memory.take(2100)
    #expect(second.baseAddress == address && second.count == 2100)
    // The same size, and nothing there to be lent.
    let third = memory.take(2560)
    #expect(third.baseAddress != address)
    memory.give(second, takenFor: 2100)
    memory.give(third, takenFor: 2560)
  }

  @Test("memory another has put in its place is never lent, whatever its size", arguments: [100, 2600, 3000])
  func foreign(_ size: Int) throws {
    // Glibc's module does not show it.
    let symbol = try #require(dlsym(nil, "malloc_usable_size"))
    let usableSize = unsafeBitCast(symbol, to: (@convention(c) (UnsafeMutableRawPointer?) -> Int).self)
    let memory = AudioMemory()
    memory.take(2560).deallocate()
    memory.give(.allocate(byteCount: size, alignment: AudioBuffer.memoryAlignment), takenFor: 2560)
    let lent = memory.take(size)
    #expect(usableSize(lent.baseAddress) >= size.nextPowerOfTwo)
    memory.give(lent, takenFor: size)
  }

  @Test("a stage may make the block it is given larger, again and again, and nothing is lost")
  func growing() async throws {
    let bench = Bench()
    let graph = try GraphHarness(
      "a = growing | record\nb = counting 60 | record\nc = growing | pieces | record",
      catalogue: stages.adding(Growing.self), world: TestWorld(resources: [bench]))
    #expect(try await graph.run().isEmpty)
    for sink in ["a", "b", "c"] {
      #expect(bench.read { $0.samples[sink] } == counted(0..<60 * 640), "\(sink)")
    }
  }
}

/// Counts, into a larger block each time: of sizes that are no powers of two.
private struct Growing: AudioSource {
  static let description = StageDescription<Growing>("growing", "Counts.")
  private static let format = AudioFormat(.s16le, rate: 16_000, channels: 1)
  private var blocks = 0
  var output: AudioStreamType { AudioStreamType(Self.format, liveness: .finite) }

  mutating func open(_ context: StageContext) throws -> AudioFormat { Self.format }

  mutating func read(into audio: inout AudioBuffer) throws -> SourceProgress {
    guard blocks < 60 else { return .finished }
    audio.reset(format: Self.format, capacity: 640 + 7 * blocks)
    let samples = counted(blocks * 640..<(blocks + 1) * 640)
    audio.append { room in
      room.copyBytes(from: samples.withUnsafeBytes { Array($0) })
      return 640
    }
    blocks += 1
    return .produced
  }
}

extension Int {
  fileprivate var nextPowerOfTwo: Int { 1 << (Int.bitWidth - (self - 1).leadingZeroBitCount) }
}
