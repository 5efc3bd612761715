internal import FluxGraph

/// Samples of several branches, joined into one stream.
final class JoinProducer: AudioProducer {
  /// How long a live branch waits for others that are not open. Queues of live audio hold little more.
  private static let patience = Duration.milliseconds(100)

  /// A branch that ends here.
  final class Input {
    let queue: AudioQueue
    let liveness: Liveness
    /// The format it will have, where the graph tells before it is open.
    let planned: AudioFormat?
    /// The format the joiner was promised.
    fileprivate var promised: AudioFormat?
    /// The position the next block should have.
    fileprivate var expected: Int64 = 0
    fileprivate var isEnded = false
    fileprivate var block = AudioBuffer(format: AudioFormat(.f32le, rate: 1, channels: 1), capacity: 0)

    init(_ queue: AudioQueue, _ type: AudioStreamType) {
      self.queue = queue
      liveness = type.liveness
      planned = type.format
    }

    /// Makes room for its blocks, once it is open.
    fileprivate func open() throws {
      guard block.capacity == 0 else { return }
      if let promised, promised != queue.format {
        throw StageError(.internal, "a stream is \(queue.format), and was to be \(promised)")
      }
      block.reset(format: queue.format, capacity: queue.slotFrames)
    }
  }

  private let inputs: [Input]
  private var joiner: any AudioJoiner
  private let context: StageContext
  private let alarm: Alarm
  /// When the first branch was open.
  private var firstOpening: Instant?

  init(_ inputs: [Input], _ joiner: any AudioJoiner, _ context: StageContext) {
    self.inputs = inputs
    self.joiner = joiner
    self.context = context
    alarm = Alarm(context)
  }

  override func begin(_ now: Instant) throws -> Output? {
    guard let known = inputs.first(where: \.queue.isOpen)?.queue.format else {
      // The failures are told by the chains in front; what one of them gives is still worth having.
      if inputs.allSatisfy(\.queue.neverOpens) { throw EndOfInterest() }
      return nil
    }
    guard hasAll || canDoWithout(now) else { return nil }
    for input in inputs {
      let queue = input.queue
      input.promised = queue.isOpen ? queue.format : queue.neverOpens ? known : input.planned
    }
    let all = inputs.map { (format: $0.promised ?? known, liveness: $0.liveness) }
    let format = try joiner.prepare(inputs: all, context)
    return Output(format: format, blockFrames: max(1, format.rate / 25))
  }

  private var hasAll: Bool {
    inputs.allSatisfy { $0.queue.isOpen || $0.queue.neverOpens }
  }

  /// Whether those that are not open are live ones that have been waited for long enough: what the others capture meanwhile
  /// would be lost.
  private func canDoWithout(_ now: Instant) -> Bool {
    let missing = inputs.lazy.filter { !$0.queue.isOpen && !$0.queue.neverOpens }
    guard missing.allSatisfy({ $0.liveness == .live && $0.planned != nil }) else { return false }
    let start = firstOpening ?? now
    firstOpening = start
    let end = start.advanced(by: Self.patience)
    if now < end { alarm.set(end) }
    return now >= end
  }

  override func pull(_ audio: inout AudioBuffer, _ now: Instant) throws -> SourceProgress {
    mark?.enter()
    while true {
      for index in inputs.indices { try fill(index) }
      let progress = joiner.read(into: &audio)
      // What was read may have made room for more of what is there.
      if progress != .waiting || !inputs.indices.contains(where: canFill) { return progress }
    }
  }

  private func canFill(_ index: Int) -> Bool {
    let queue = inputs[index].queue
    guard queue.isOpen, !inputs[index].isEnded else { return false }
    return queue.count > 0 && joiner.room(of: index) >= queue.slotFrames
  }

  /// Hands over the blocks of one input, as many as there is room for.
  private func fill(_ index: Int) throws {
    let input = inputs[index]
    guard !input.isEnded else { return }
    let queue = input.queue
    guard queue.isOpen else {
      if queue.neverOpens { end(index) }
      return
    }
    try input.open()
    while joiner.room(of: index) >= queue.slotFrames {
      let result = queue.pop { bytes, frames, position, captureTime in
        input.block.position = position
        input.block.captureTime = captureTime
        input.block.append { room in
          room.copyMemory(from: bytes)
          return frames
        }
      }
      switch result {
      case .empty: return
      case .ended:
        end(index)
        return
      case .block: break
      }
      if input.block.position > input.expected {
        tellGap(input.block.position - input.expected, queue.format)
      }
      input.expected = input.block.endPosition
      joiner.take(input.block, from: index)
      input.block.removeAll()
    }
  }

  private func end(_ index: Int) {
    inputs[index].isEnded = true
    joiner.inputEnded(index)
  }

  private func tellGap(_ frames: Int64, _ format: AudioFormat) {
    context.notice(
      Notice(
        "gap",
        "\(fixedText(Double(frames) / Double(format.rate), digits: 2)) s of one stream were dropped because mixing did not "
          + "keep up; they are silent", severity: .warning,
        loss: .init(audio: Double(frames) / Double(format.rate))))
  }

  override func stop() {}
  override var hasSource: Bool { false }

  override func close() throws -> Bool {
    for input in inputs { input.queue.close() }
    return true
  }
}
