internal import FluxGraph

/// Samples that went through something with a pace of its own.
final class RelayProducer: BufferedProducer {
  private var relay: any AudioRelay
  private var isPrepared = false
  private var isRelayClosed = false

  init(_ upstream: AudioProducer, _ relay: any AudioRelay, _ context: StageContext) {
    self.relay = relay
    super.init(upstream, context)
  }

  override func begin(_ now: Instant) throws -> Output? {
    guard let given = try upstream.start(now) else { return nil }
    mark?.enter()
    try requireSample(relay.accepts.sample, given.format, context)
    take(given)
    let format = try relay.prepare(input: given.format, context)
    isPrepared = true
    return Output(format: format, blockFrames: max(1, format.rate / 25))
  }

  override func pull(_ audio: inout AudioBuffer, _ now: Instant) throws -> SourceProgress {
    defer { rest() }
    while true {
      mark?.enter()
      try relay.write(&input)
      // Taken before more is given: what is full on one side must not keep the other from flowing.
      mark?.enter()
      switch try relay.read(into: &audio) {
      case .produced: return .produced
      case .finished: return try finished()
      case .waiting, .restarted: break
      }
      guard input.isEmpty, !inputEnded, fill(now) else { return .waiting }
      if inputEnded { try relay.endInput() }
    }
  }

  override func close() throws -> Bool {
    mark?.enter()
    if isPrepared && !isRelayClosed { isRelayClosed = try relay.close() }
    let isUpstreamClosed = try super.close()
    return (isRelayClosed || !isPrepared) && isUpstreamClosed
  }
}
