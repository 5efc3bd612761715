import TestSupport

/// Sounds by the second, drawn: `_` digital silence, `.` noise at -62 dB, `n` noise at -40 dB, `s` speech at -20 dB, which is
/// silent where there is no flite. One letter is 100 ms.
func signal(_ drawing: String, seed: UInt64 = 1) -> [Int16] {
  var random = SeededGenerator(seed: seed)
  var spoken = 0
  var samples: [Int16] = []
  for letter in drawing {
    for _ in 0..<1600 {
      let noise = Double.random(in: -1...1, using: &random)
      switch letter {
      case ".": samples.append(Int16(noise * 26))
      case "n": samples.append(Int16(noise * 567))
      case "s":
        samples.append(passage.isEmpty ? 0 : passage[spoken % passage.count])
        spoken += 1
      default:
        spoken = 0
        samples.append(0)
      }
    }
  }
  return samples
}

/// Three seconds of speech without a pause, from its first sound on.
private let passage: [Int16] = {
  let text = "We were away a year ago while you will allow me a yellow lily."
  guard let spoken = try? Flite.say(text, voice: "awb") else { return [] }
  let loudest = spoken.map(\.magnitude).max() ?? 0
  let audible = spoken.drop { $0.magnitude < loudest / 100 }
  let power = audible.reduce(0) { $0 + Double($1) * Double($1) } / Double(max(1, audible.count))
  let gain = 3277 / max(1, power.squareRoot())
  return audible.map { Int16(max(-32_000, min(32_000, Double($0) * gain))) }
}()
