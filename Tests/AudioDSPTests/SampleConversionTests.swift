import AudioDSP
import Glibc
import TestSupport
import Testing

@Suite struct SampleConversionTests {
  func integers(_ input: [Float]) -> [Int16] {
    var output = [Int16](repeating: 99, count: input.count)
    var span = output.mutableSpan
    #expect(SampleConversion.convert(input.span, into: &span) == input.count)
    return output
  }

  @Test("all 16-bit samples survive the way to float and back, and are a 32768th each")
  func roundTrip() {
    let input = (-32768...32767).map { Int16($0) }
    var floats = [Float](repeating: .nan, count: input.count)
    var span = floats.mutableSpan
    #expect(SampleConversion.convert(input.span, into: &span) == input.count)
    #expect(floats == input.map { Float($0) / 32768 })
    #expect(integers(floats) == input)
  }

  @Test("floats are rounded to the nearest as the C library rounds them, and clamped")
  func rounding() {
    var random = SeededGenerator(seed: 8)
    var input: [Float] = (0..<20_000).map { _ in Float.random(in: -1.1...1.1, using: &random) }
    // Halves, where the even neighbour is the nearest.
    input += (-70000...70000).map { Float($0) / 65536 }
    let expected = input.map { Int16(max(-32768, min(32767, rintf($0 * 32768)))) }
    #expect(integers(input) == expected)
  }

  @Test("what is not a number becomes silence, the infinite full scale")
  func special() {
    let tiny = Float.leastNonzeroMagnitude
    let input: [Float] = [
      .nan, .infinity, -.infinity, -0.0, tiny, .signalingNaN, .greatestFiniteMagnitude, -.nan, -1e30,
    ]
    #expect(integers(input) == [0, 32767, -32768, 0, 0, 0, 32767, 0, -32768])
  }

  @Test("only as many as fit are converted, for every length")
  func lengths() {
    for count in 0...20 {
      var output = [Int16](repeating: 7, count: count)
      var span = output.mutableSpan
      #expect(SampleConversion.convert([Float](repeating: 0.5, count: 20).span, into: &span) == count)
      #expect(output == [Int16](repeating: 16384, count: count))
      var floats = [Float](repeating: 7, count: 20)
      var floatSpan = floats.mutableSpan
      #expect(
        SampleConversion.convert([Int16](repeating: -16384, count: count).span, into: &floatSpan) == count)
      #expect(floats == (0..<20).map { $0 < count ? -0.5 : 7 })
    }
  }
}
