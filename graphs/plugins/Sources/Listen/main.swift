import ExampleStages
import FluxGraph
import FluxGraphCLI

// A graph inside a program: audio from Swift goes in, events come out as values. Prints the turns it hears in two seconds of a
// tone, found by the local Flux, with no key and no network.

let graph = try Graph(
  text: """
    voice = feed rate=16k
    heard = voice | voice_gate -40dB | flux endpoint=local words=none
    """,
  catalogue: .standard.adding(.examples))
let voice = try graph.feed("voice")
let heard = try graph.events(of: "heard")

async let end: Void = graph.run()
async let sent: Void = speak(into: voice)

for await case .turn(let turn) in heard where turn.kind == .endOfTurn {
  print("turn \(turn.turn): \(turn.transcript), \(turn.end - turn.start) s")
}
try await sent
try await end

func speak(into voice: AudioFeed) async throws {
  var phase: Float = 0
  for _ in 0..<20 {
    let samples = (0..<1_600).map { _ -> Float in
      phase += 1
      // A triangle of 100 Hz.
      return abs((phase / 160).truncatingRemainder(dividingBy: 1) - 0.5) - 0.25
    }
    try await voice.send(samples)
  }
  voice.finish()
}
