public import FluxGraph
import Glibc

/// The stage `dial`: the tones a telephone dials with (DTMF, ITU-T Q.23), to try out what listens for them.
public struct Dial: AudioSource {
  public static let description = StageDescription<Dial>(
    "dial", "Dials a telephone number, as tones.",
    examples: [#"dial "020 7946 0018" | wav number.wav"#, "dial *21# tone=80ms pause=80ms | null"]
  ) {
    Option("number", \Dial.number, "Digits, `*`, `#` and A to D.", positional: true, required: true)
    // The checker asks it, so that a mistake shows before anything runs.
    Rule(reads: ["number"]) { dial in
      guard let odd = dial.digits.first(where: { Self.frequencies(of: $0) == nil }) else { return nil }
      return OptionConflict(
        code: "no-such-key", "a telephone has no key `\(odd)`", options: ["number"],
        help: "there are 0 to 9, `*`, `#` and A to D")
    }
    Option("tone", \Dial.tone, "How long each tone lasts.", in: .milliseconds(40)...(.seconds(10)))
    Option("pause", \Dial.pause, "The silence behind each.", in: .milliseconds(40)...(.seconds(10)))
    Option("level", \Dial.level, "The peak.", in: .decibels(-60)...(.decibels(0)))
  }

  public var number = ""
  public var tone = Duration.milliseconds(100)
  public var pause = Duration.milliseconds(100)
  public var level = Decibels(-10)

  private static let keys = [Array("123A"), Array("456B"), Array("789C"), Array("*0#D")]
  private static let rows = [697.0, 770, 852, 941]
  private static let columns = [1209.0, 1336, 1477, 1633]
  private let format = AudioFormat(.f32le, rate: 8_000, channels: 1)
  /// The two frequencies of each tone.
  private var tones: [(Double, Double)] = []
  private var toneFrames = 0
  private var stepFrames = 1
  private var position = 0

  public init() {}

  /// Blanks and what else stands between digits on paper are no tones.
  private var digits: [Character] { number.filter { !" -()/.".contains($0) }.map { $0 } }

  /// `finite`: the source waits for the stages behind it.
  public var output: AudioStreamType { AudioStreamType(format, liveness: .finite) }

  public mutating func open(_ context: StageContext) throws -> AudioFormat {
    tones = digits.compactMap(Self.frequencies)
    toneFrames = format.frames(in: tone)
    stepFrames = toneFrames + format.frames(in: pause)
    return format
  }

  public mutating func read(into audio: inout AudioBuffer) throws -> SourceProgress {
    let frames = min(audio.freeFrames, tones.count * stepFrames - position)
    guard frames > 0 else { return .finished }
    let amplitude = Double(level.amplitude) / 2
    audio.append { room in
      let samples = room.bindMemory(to: Float.self)
      for index in 0..<frames {
        let (step, frame) = (position + index).quotientAndRemainder(dividingBy: stepFrames)
        let angle = 2 * Double.pi * Double(frame) / Double(format.rate)
        let (low, high) = tones[step]
        samples[index] = frame < toneFrames ? Float(amplitude * (sin(low * angle) + sin(high * angle))) : 0
      }
      return frames
    }
    position += frames
    return .produced
  }

  private static func frequencies(of key: Character) -> (Double, Double)? {
    for (row, keys) in keys.enumerated() {
      if let column = keys.firstIndex(of: key) { return (rows[row], columns[column]) }
    }
    return nil
  }
}
