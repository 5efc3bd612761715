internal import FluxGraph

/// Samples of several branches, joined into one stream.
final class JoinProducer: AudioProducer {
  /// A branch that ends here.
  final class Input {
    let branch: BranchQueue
    let liveness: Liveness
    /// The position the next block should have.
    fileprivate var expected: Int64 = 0
    fileprivate var isEnded = false
    fileprivate var block = AudioBuffer(format: AudioFormat(.f32le, rate: 1, channels: 1), capacity: 0)

    init(_ branch: BranchQueue, _ liveness: Liveness) {
      self.branch = branch
      self.liveness = liveness
    }
  }

  private let inputs: [Input]
  private var joiner: any AudioJoiner
  private let context: StageContext

  init(_ inputs: [Input], _ joiner: any AudioJoiner, _ context: StageContext) {
    self.inputs = inputs
    self.joiner = joiner
    self.context = context
  }

  override func begin(_ now: Instant) throws -> Output? {
    var formats: [(format: AudioFormat, liveness: Liveness)] = []
    for input in inputs {
      if input.branch.neverOpens { continue }
      guard let queue = input.branch.opened else { return nil }
      formats.append((queue.format, input.liveness))
    }
    // The failures are told by the chains in front; what one of them gives is still worth having.
    guard let known = formats.first?.format else { throw EndOfInterest() }
    let all = inputs.map { (format: $0.branch.opened?.format ?? known, liveness: $0.liveness) }
    let format = try joiner.prepare(inputs: all, context)
    for input in inputs {
      guard let queue = input.branch.opened else { continue }
      input.block.reset(format: queue.format, capacity: queue.slotFrames)
    }
    return Output(format: format, blockFrames: max(1, format.rate / 25))
  }

  override func pull(_ audio: inout AudioBuffer, _ now: Instant) throws -> SourceProgress {
    mark?.enter()
    for index in inputs.indices { fill(index) }
    let progress = joiner.read(into: &audio)
    // What was read made room, which nobody tells this chain about.
    if progress == .waiting, inputs.indices.contains(where: canFill) { context.wake() }
    return progress
  }

  private func canFill(_ index: Int) -> Bool {
    guard let queue = inputs[index].branch.opened, !inputs[index].isEnded else { return false }
    return queue.count > 0 && joiner.room(of: index) >= queue.slotFrames
  }

  /// Hands over the blocks of one input, as many as there is room for.
  private func fill(_ index: Int) {
    let input = inputs[index]
    guard !input.isEnded else { return }
    guard let queue = input.branch.opened else {
      if input.branch.neverOpens { end(index) }
      return
    }
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
          + "keep up; they are silent", severity: .warning))
  }

  override func stop() {}
  override var hasSource: Bool { false }

  override func close() throws -> Bool {
    for input in inputs { input.branch.close() }
    return true
  }
}
