internal import FluxGraph

/// Where a chain's audio goes.
enum AudioTail {
  /// A sink on the chain's own thread.
  case sink(AudioSinkTail)
  /// The queues in front of one or more branches.
  case branches([AudioBranch])
}

/// A sink at the end of a chain.
final class AudioSinkTail {
  private var sink: any AudioSink
  private let context: StageContext
  /// What says that the sink is being called.
  var mark: StageMark?

  init(_ sink: any AudioSink, _ context: StageContext) {
    self.sink = sink
    self.context = context
  }

  func prepare(_ format: AudioFormat) throws {
    mark?.enter()
    try sink.prepare(format: format, context)
  }

  func write(_ audio: borrowing AudioBuffer) throws {
    mark?.enter()
    try sink.write(audio)
  }

  var hasRoom: Bool { sink.hasRoom }
  /// Whether the sink has finished; it is asked again when the chain is woken.
  func finish() throws -> Bool {
    mark?.enter()
    return try sink.finish()
  }
}

/// A branch as the chain in front of it sees it: the queue its audio goes into.
struct AudioBranch {
  /// How far a source that can wait runs ahead of its branches.
  private static let lead = Duration.milliseconds(640)
  /// Four times what a pipe holds: samples may be twice as wide behind it as in it.
  private static let memory = 256 << 10

  let queue: AudioQueue
  /// Whether what comes is held to real time, and waits for its reader; there may be thousands of such branches.
  var isPaced = false

  /// Audio a branch may lag behind. For live sources this is how long a consumer may be away without a loss, and what a pipe holds
  /// of a source whose reader was away.
  private var lag: Duration { .milliseconds(isPaced ? 160 : 4000) }

  /// Opens the queue for what a chain gives.
  /// - Parameter isHeldBack: whether nothing is pushed while there is no room.
  func open(_ output: AudioProducer.Output, isHeldBack: Bool) {
    // More than that only as far as it takes no more memory than a pipe does.
    let most = max(Self.memory / output.format.bytesPerFrame, output.format.frames(in: Self.lead))
    let frames = min(output.format.frames(in: isHeldBack ? min(lag, Self.lead) : lag), most)
    queue.open(
      format: output.format, slotFrames: output.blockFrames,
      capacity: max(isPaced ? 2 : 3, frames / max(1, output.blockFrames)), dropsOldest: !isHeldBack)
  }
}
