import Glibc

/// SplitMix64: the same numbers on every run.
struct SeededGenerator: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) {
    state = seed
  }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var value = state
    value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
    value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
    return value ^ (value >> 31)
  }
}

/// Sounds by the second, drawn: `_` digital silence, `.` noise at -62 dB, `n` noise at -40 dB, `s` something
/// like speech at -20 dB. One letter is 100 ms.
func signal(_ drawing: String, seed: UInt64 = 1) -> [Int16] {
  var random = SeededGenerator(seed: seed)
  var samples: [Int16] = []
  var phase = 0.0
  for letter in drawing {
    for _ in 0..<1600 {
      let noise = Double.random(in: -1...1, using: &random)
      let time = Double(samples.count) / 16_000
      switch letter {
      case ".": samples.append(Int16(noise * 26))
      case "n": samples.append(Int16(noise * 567))
      case "s":
        // A voice of 120 Hz in syllables of a quarter second.
        phase += 120 / 16_000
        if phase >= 1 { phase -= 1 }
        let syllable = 0.7 + 0.3 * sin(2 * .pi * 4 * time)
        samples.append(Int16((2 * phase - 1) * syllable * 6000 + noise * 26))
      default: samples.append(0)
      }
    }
  }
  return samples
}
