package import FluxGraph

/// The stage `chunk`: cuts a stream into pieces of one length.
package struct Chunk: AudioConverter {
  package static let description = StageDescription<Chunk>(
    "chunk", "Cuts audio into pieces of exactly one length; the last one may be shorter.",
    role: .chunk(setting: "length"),
    examples: ["file talk.opus | chunk 80ms | null", "file talk.wav | chunk 20ms | null"]
  ) {
    Option(
      "length", \Chunk.length, "The length of a piece.", in: .milliseconds(1)...(.seconds(1)),
      positional: true)
  }

  package var length = Duration.milliseconds(80)
  private var frames = 0
  /// What has come since the last piece was given.
  private var partial = PartialChunk()

  package init() {}

  package var accepts: AudioRequirement { .any }

  package func output(for input: AudioStreamType) -> AudioStreamType {
    var output = input
    output.chunk = length
    return output
  }

  package mutating func prepare(
    input: AudioFormat, _ context: StageContext
  ) throws -> (output: AudioFormat, capacity: Int) {
    frames = max(1, input.frames(in: length))
    partial.format = input
    return (input, frames)
  }

  package mutating func convert(_ input: inout AudioBuffer, into output: inout AudioBuffer) {
    let wanted = frames - partial.buffer.frameCount
    if partial.buffer.isEmpty && input.frameCount >= frames {
      // A whole piece at once needs no stop on the way.
      output.captureTime = input.captureTime
      output.append(input, count: frames)
      input.removeFirst(frames)
      return
    }
    partial.makeRoom(for: frames)
    if partial.buffer.isEmpty { partial.buffer.captureTime = input.captureTime }
    let taken = partial.buffer.append(input, count: wanted)
    input.removeFirst(taken)
    if partial.buffer.frameCount == frames { flush(into: &output) }
  }

  package mutating func finish(into output: inout AudioBuffer) {
    flush(into: &output)
  }

  private func flush(into output: inout AudioBuffer) {
    if partial.buffer.isEmpty { return }
    output.captureTime = partial.buffer.captureTime
    output.append(partial.buffer)
    partial.buffer.removeAll()
  }
}

/// A buffer in a stage, which is copied where buffers are not.
private final class PartialChunk {
  var format = AudioFormat(.s16le, rate: 1, channels: 1)
  var buffer = AudioBuffer(format: AudioFormat(.s16le, rate: 1, channels: 1), capacity: 0)

  /// Takes memory the first time there is a piece to be kept: sources that give whole chunks never need it.
  func makeRoom(for frames: Int) {
    if buffer.capacity == 0 { buffer.reset(format: format, capacity: frames) }
  }
}
