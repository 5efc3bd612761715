import Glibc
import TestSupport

/// Sounds by the second, drawn: `_` digital silence, `.` noise at -62 dB, `n` noise at -40 dB, `s` something
/// like speech at -20 dB. One letter is 100 ms.
func signal(_ drawing: String, seed: UInt64 = 1) -> [Int16] {
  var random = SeededGenerator(seed: seed)
  var voice = Voice()
  var samples: [Int16] = []
  for letter in drawing {
    for _ in 0..<1600 {
      let noise = Double.random(in: -1...1, using: &random)
      switch letter {
      case ".": samples.append(Int16(noise * 26))
      case "n": samples.append(Int16(noise * 567))
      case "s": samples.append(Int16(max(-32_000, min(32_000, voice.next(noise: noise) + noise * 26))))
      default:
        voice = Voice()
        samples.append(0)
      }
    }
  }
  return samples
}

/// A voice without words: gliding pitch, moving formants, four syllables a second, each with a breath of a consonant.
private struct Voice {
  private var time = 0.0
  private var phase = 0.0
  private var formants = [Resonance(), Resonance(), Resonance()]
  private var lastNoise = 0.0

  mutating func next(noise: Double) -> Double {
    defer { time += 1 / 16_000 }
    let syllable = (time * 4).truncatingRemainder(dividingBy: 1)
    let vowel = (time * 4).rounded(.down)
    let glide: Double = 0.25 * sin(5 * time + 1) + 0.08 * sin(17 * time)
    phase += 130 * exp2(glide) / 16_000
    if phase >= 1 { phase -= 1 }
    let breath = noise - lastNoise
    lastNoise = noise
    let isConsonant = syllable > 0.75
    let loudness = isConsonant ? 0.15 : min(1, 0.4 + syllable * 5) * min(1, (0.78 - syllable) * 8)
    let source = (2 * phase - 1) * loudness
    let places: [Double] = [450 + 200 * sin(vowel * 2.1), 1300 + 500 * sin(vowel * 1.3 + syllable), 2600]
    var sound = 0.0
    for index in formants.indices {
      sound += formants[index].next(source, at: places[index]) / Double(index + 1)
    }
    return sound * 3000 + (isConsonant ? breath * 900 : 0)
  }
}

private struct Resonance {
  private var last = 0.0
  private var before = 0.0

  /// Two poles, 100 Hz wide.
  mutating func next(_ input: Double, at frequency: Double) -> Double {
    let radius = exp(-Double.pi * 100 / 16_000)
    let turn: Double = 2 * radius * cos(2 * Double.pi * frequency / 16_000)
    let output: Double = input * (1 - radius) * 2 + turn * last - radius * radius * before
    (before, last) = (last, output)
    return output
  }
}
