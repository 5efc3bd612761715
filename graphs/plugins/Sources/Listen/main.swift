import ExampleStages
import FluxGraph
import FluxGraphHost
import Foundation

// A graph inside a program: audio from Swift goes in, events come out as values. Prints the turns it hears, found by the local
// Flux, with no key and no network, in 16-bit samples at 16 kHz on standard input:
//
//     ffmpeg -v error -i call.wav -f s16le -ar 16000 -ac 1 - | swift run listen

let recording = try FileHandle.standardInput.readToEnd() ?? Data()
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
  let samples = recording.withUnsafeBytes { bytes in
    (0..<bytes.count / 2).map { index in
      Float(bytes.loadUnaligned(fromByteOffset: 2 * index, as: Int16.self)) / 32_768
    }
  }
  for start in stride(from: 0, to: samples.count, by: 1_600) {
    try await voice.send(Array(samples[start..<min(start + 1_600, samples.count)]))
  }
  voice.finish()
}
