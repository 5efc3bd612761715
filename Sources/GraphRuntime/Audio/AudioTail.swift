internal import FluxGraph

/// Where a chain's audio goes.
enum AudioTail {
  /// A sink on the chain's own thread.
  case sink(AudioSinkTail)
  /// The queues of one or more branches, a recogniser's inlet among them.
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

/// A branch as the chain in front of it sees it.
final class AudioBranch: Sendable {
  /// Audio a branch may lag behind. For live sources this is how long a consumer may be away without a loss, and what a pipe holds
  /// of a source whose reader was away; a paced one waits for its consumer, and there may be thousands.
  private let capacity: Duration
  private let isPaced: Bool

  /// How far a source that can wait runs ahead of its branches.
  private static let lead = Duration.milliseconds(640)
  /// Four times what a pipe holds: samples may be twice as wide behind it as in it.
  private static let memory = 256 << 10

  /// Receives the queue once the format is known.
  private let opened: @Sendable (AudioQueue) -> Void
  /// Ends the branch, for which there is no queue and never will be.
  let endUnopened: @Sendable () -> Void

  init(
    isPaced: Bool = false, opened: @escaping @Sendable (AudioQueue) -> Void,
    endUnopened: @escaping @Sendable () -> Void
  ) {
    self.isPaced = isPaced
    capacity = .milliseconds(isPaced ? 160 : 4000)
    self.opened = opened
    self.endUnopened = endUnopened
  }

  /// Makes the queue for blocks of a format and hands its other end to the branch.
  /// - Parameter isHeldBack: whether nothing is pushed while there is no room.
  func open(_ output: AudioProducer.Output, isHeldBack: Bool) -> AudioQueue {
    // More than that only as far as it takes no more memory than a pipe does.
    let most = max(Self.memory / output.format.bytesPerFrame, output.format.frames(in: Self.lead))
    let frames = min(output.format.frames(in: isHeldBack ? min(capacity, Self.lead) : capacity), most)
    let queue = AudioQueue(
      format: output.format, slotFrames: output.blockFrames,
      capacity: max(isPaced ? 2 : 3, frames / max(1, output.blockFrames)), dropsOldest: !isHeldBack)
    opened(queue)
    return queue
  }
}
