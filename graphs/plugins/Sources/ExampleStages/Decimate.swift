public import FluxGraph

/// The stage `decimate`: audio of a lower rate, which is its own type of stream.
///
/// A frame of the output is the mean of `by` frames. What is left of a group at the end of the stream is given as the last one.
public struct Decimate: AudioConverter {
  public static let description = StageDescription<Decimate>(
    "decimate", "Lowers the sample rate to a whole part of it, by means of neighbouring samples.",
    details: """
      Cheap, and good enough for a level or a voice detector. What lies above half of the new rate is only weakened, and comes \
      back lower: for what people or recognisers listen to there is `resample`.
      """,
    examples: ["tone rate=48k duration=1s | decimate 3 | wav tone.wav", "mic | decimate by=2 | null"]
  ) {
    Option(
      "by", \Decimate.factor, "How many samples become one.", in: 2...64, positional: true, required: true)
  }

  public var factor = 2
  /// The sums of the group under way, one for each channel.
  private var sums: [Float] = []
  private var count = 0

  public init() {}

  public var accepts: AudioRequirement { .float }

  /// The checker asks this, before anything is opened: a rate that is not known yet stays so.
  public func output(for input: AudioStreamType) -> AudioStreamType {
    var output = input
    output.rate = input.rate.map { $0 / factor }
    // Pieces come as they come.
    output.chunk = nil
    return output
  }

  public mutating func prepare(
    input: AudioFormat, _ context: StageContext
  ) throws -> (output: AudioFormat, capacity: Int) {
    let rate = input.rate / factor
    guard rate * factor == input.rate, AudioFormat.supportedRates.contains(rate) else {
      throw StageError(
        .badGraph, "a rate of \(SampleRate(input.rate)) cannot be divided by \(factor)",
        help: "`resample` takes any rate.")
    }
    sums = [Float](repeating: 0, count: input.channels)
    return (AudioFormat(.f32le, rate: rate, channels: input.channels), capacity: 4096)
  }

  public mutating func convert(_ input: inout AudioBuffer, into output: inout AudioBuffer) {
    let channels = sums.count
    let frames = min(input.frameCount, output.freeFrames * factor - count)
    output.append { room in
      let samples = input.readOnlyFloats
      let means = room.bindMemory(to: Float.self)
      var written = 0
      for frame in 0..<frames {
        for channel in 0..<channels { sums[channel] += samples[frame * channels + channel] }
        count += 1
        if count == factor {
          giveMean(to: means, at: written * channels)
          written += 1
        }
      }
      return written
    }
    input.removeFirst(frames)
  }

  public mutating func finish(into output: inout AudioBuffer) {
    guard count > 0 else { return }
    output.append { room in
      giveMean(to: room.bindMemory(to: Float.self), at: 0)
      return 1
    }
  }

  private mutating func giveMean(to means: UnsafeMutableBufferPointer<Float>, at index: Int) {
    for channel in sums.indices {
      means[index + channel] = sums[channel] / Float(count)
      sums[channel] = 0
    }
    count = 0
  }
}
