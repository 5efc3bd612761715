/// ITU-T G.711: 8-bit logarithmic samples, as telephone networks carry them.
package enum G711 {
  /// The mu-law byte for `sample`, by the decision values of G.711 table 2.
  ///
  /// Three bits of segment and four of step, on the 14-bit magnitude with a bias of 33; all bits inverted.
  package static func muLaw(_ sample: Int16) -> UInt8 {
    let sign: UInt8 = sample < 0 ? 0x80 : 0
    let magnitude = min(Int(sample.magnitude), 32635) + 132
    // The segment is the place of the highest bit: the bias makes it bit 7 at least.
    let segment = Int.bitWidth - 1 - magnitude.leadingZeroBitCount - 7
    let step = (magnitude >> (segment + 3)) & 0x0F
    return ~(sign | UInt8(segment << 4) | UInt8(step))
  }

  /// The 16-bit sample a mu-law byte stands for.
  package static func sample(muLaw byte: UInt8) -> Int16 {
    let code = Int(~byte)
    let magnitude = (((code & 0x0F) << 3) + 132) << ((code & 0x70) >> 4)
    return Int16(code & 0x80 != 0 ? 132 - magnitude : magnitude - 132)
  }

  /// The A-law byte for `sample`, by the decision values of G.711 table 1.
  ///
  /// Three bits of segment and four of step, on the 13-bit value; the sign bit is 1 for positive, even bits inverted.
  package static func aLaw(_ sample: Int16) -> UInt8 {
    let sign: UInt8 = sample < 0 ? 0 : 0x80
    // One's complement for negative values: the code has no zero, both signs have a smallest step.
    let magnitude = (sample < 0 ? Int(~sample) : Int(sample)) >> 4
    // The first two segments have the same step; from there on each has twice the step of the one before.
    let segment = max(Int.bitWidth - 1 - magnitude.leadingZeroBitCount - 3, 1)
    let code = magnitude < 32 ? magnitude : segment << 4 | (magnitude >> (segment - 1)) & 0x0F
    return (sign | UInt8(code)) ^ 0x55
  }

  /// The 16-bit sample an A-law byte stands for.
  package static func sample(aLaw byte: UInt8) -> Int16 {
    let code = Int(byte ^ 0x55)
    let segment = (code & 0x70) >> 4
    let step = (code & 0x0F) << 4 + 8
    let magnitude = segment == 0 ? step : (step + 0x100) << (segment - 1)
    return Int16(code & 0x80 != 0 ? magnitude : -magnitude)
  }

  /// `sample(muLaw:)` of every byte.
  static let muLawSamples: [Int16] = (0...255).map { sample(muLaw: $0) }
  /// `sample(aLaw:)` of every byte.
  static let aLawSamples: [Int16] = (0...255).map { sample(aLaw: $0) }
}
