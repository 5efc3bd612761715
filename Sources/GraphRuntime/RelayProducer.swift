internal import FluxGraph

/// Samples that went through something with a pace of its own.
final class RelayProducer: AudioProducer {
  private let upstream: AudioProducer
  private var relay: any AudioRelay
  private let context: StageContext
  private var input = AudioBuffer(format: AudioFormat(.f32le, rate: 1, channels: 1), capacity: 0)
  private var inputEnded = false
  private var isPrepared = false
  private var isRelayClosed = false
  /// What ended the input, told once everything before it has come back.
  private var failure: (any Error)?

  init(_ upstream: AudioProducer, _ relay: any AudioRelay, _ context: StageContext) {
    self.upstream = upstream
    self.relay = relay
    self.context = context
  }

  override func begin(_ now: Instant) throws -> Output? {
    guard let given = try upstream.start(now) else { return nil }
    try requireSample(relay.accepts.sample, given.format, context)
    input.reset(format: given.format, capacity: given.blockFrames)
    let format = try relay.prepare(input: given.format, context)
    isPrepared = true
    return Output(format: format, blockFrames: max(1, format.rate / 25))
  }

  override func pull(_ audio: inout AudioBuffer, _ now: Instant) throws -> SourceProgress {
    while true {
      mark?.enter()
      try relay.write(&input)
      // Taken before more is given: what is full on one side must not keep the other from flowing.
      switch try relay.read(into: &audio) {
      case .produced: return .produced
      case .finished:
        if let failure { throw failure }
        return .finished
      case .waiting, .restarted: break
      }
      guard input.isEmpty && !inputEnded else { return .waiting }
      do {
        switch try upstream.pull(&input, now) {
        case .produced: continue
        case .waiting, .restarted: return .waiting
        case .finished: break
        }
      } catch {
        failure = error
      }
      inputEnded = true
      try relay.endInput()
    }
  }

  override func stop() { upstream.stop() }

  override func close() throws -> Bool {
    if isPrepared && !isRelayClosed { isRelayClosed = try relay.close() }
    let isUpstreamClosed = try upstream.close()
    return (isRelayClosed || !isPrepared) && isUpstreamClosed
  }

  override var hasSource: Bool { upstream.hasSource }
  override var heldUntil: Instant? { upstream.heldUntil }
  override var progress: Double? { upstream.progress }
}
