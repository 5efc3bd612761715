public import FluxGraph

/// The stage `side_by_side`: several streams as the channels of one, such as both ends of a call in a stereo file.
public struct SideBySide: AudioJoiner {
  public static let description = StageDescription<SideBySide>(
    "side_by_side", "Lays streams beside each other, as the channels of one.",
    details: """
      The first stream is the left channel, the second the right one, and so on, up to the end of the longest. Live streams are \
      laid where they were captured; what one of them misses is silent.
      """,
    examples: [
      "agent = file agent.wav; caller = file caller.wav; agent, caller | side_by_side | wav call.wav",
      "me = mic; them = monitor; me, them | side_by_side | wav call.wav",
    ])

  /// Live audio that waits this long for another stream waits no longer.
  private static let patience = 0.5

  private struct Lane {
    var isLive: Bool
    /// A ring.
    var samples: [Float]
    var head = 0
    var count = 0
    var isEnded = false

    var room: Int { samples.count - count }

    mutating func append(_ sample: Float) {
      samples[(head + count) % samples.count] = sample
      count += 1
    }

    mutating func takeFirst() -> Float {
      guard count > 0 else { return 0 }
      defer {
        head = (head + 1) % samples.count
        count -= 1
      }
      return samples[head]
    }
  }

  private var lanes: [Lane] = []
  private var rate = 1
  /// Frames given so far.
  private var position = 0
  /// When the first frame was captured, where there is live audio.
  private var epoch: Instant?

  public init() {}

  public func output(for input: AudioStreamType, inputs: Int) -> AudioStreamType {
    var output = input
    output.channels = inputs
    return output
  }

  public mutating func prepare(
    inputs: [(format: AudioFormat, liveness: Liveness)], _ context: StageContext
  ) throws -> AudioFormat {
    guard let format = inputs.first?.format, inputs.count <= AudioFormat.maximumChannels else {
      throw StageError(.badGraph, "\(inputs.count) streams cannot be the channels of one")
    }
    rate = format.rate
    lanes = inputs.map {
      Lane(isLive: $0.liveness == .live, samples: [Float](repeating: 0, count: 2 * max(rate, 16_384)))
    }
    return AudioFormat(.f32le, rate: rate, channels: inputs.count)
  }

  /// Half of it: silence may have to go before a block.
  public func room(of input: Int) -> Int { lanes[input].room / 2 }

  public mutating func take(_ audio: borrowing AudioBuffer, from input: Int) {
    let samples = audio.readOnlyFloats
    if lanes[input].isLive, let time = audio.captureTime {
      let begin = epoch ?? time
      epoch = begin
      let place = Int(time.duration(since: begin).seconds * Double(rate))
      let missing = place - (position + lanes[input].count)
      // Less is the unsteadiness of a device, and no gap.
      if missing > rate / 10 {
        for _ in 0..<min(missing, lanes[input].room - samples.count) { lanes[input].append(0) }
      }
    }
    for index in samples.indices { lanes[input].append(samples[index]) }
  }

  public mutating func inputEnded(_ input: Int) { lanes[input].isEnded = true }

  public mutating func read(into output: inout AudioBuffer) -> SourceProgress {
    // As much as every stream has that goes on; at the end, as much as any.
    var (shared, longest, isOpen) = (Int.max, 0, false)
    for lane in lanes {
      longest = max(longest, lane.count)
      if lane.isEnded { continue }
      isOpen = true
      shared = min(shared, lane.count)
    }
    let limit = Int(Self.patience * Double(rate))
    let isOverdue = shared == 0 && lanes.contains { $0.isLive && $0.count >= limit }
    let frames = min(!isOpen || isOverdue ? longest : shared, output.freeFrames)
    guard frames > 0 else { return isOpen ? .waiting : .finished }
    if let epoch { output.captureTime = epoch.advanced(by: .seconds(Double(position) / Double(rate))) }
    output.append { room in
      let samples = room.bindMemory(to: Float.self)
      for frame in 0..<frames {
        for lane in lanes.indices { samples[frame * lanes.count + lane] = lanes[lane].takeFirst() }
      }
      return frames
    }
    position += frames
    return .produced
  }
}
