internal import FluxGraph
internal import GraphRuntime

// What a block costs.
extension ContractBench {
  /// Frames of a block.
  private static let blockFrames = 480
  /// The first of these blocks may make what the later ones use again.
  private static let (warmBlocks, blocks) = (100, 200)

  /// Has a stage of the audio threads work until it is warm, and then counts what a block costs.
  func checkAllocations() throws {
    switch try make().form {
    case .audioTransform(let stage): try countTransform(stage)
    case .audioSource(let source): try countSource(source)
    case .audioDecoder(let decoder): try countDecoder(decoder)
    case .audioRelay(let relay): try countRelay(relay)
    default: break
    }
    let stage = try make()
    if let converter = stage.form.audioConverter { try countConverter(converter) }
    if let joiner = stage.form.audioJoiner { try countJoiner(joiner) }
    if let sink = stage.form.audioSink { try countSink(sink) }
  }

  private func countTransform(_ stage: any AudioTransform) throws {
    var stage = stage
    let run = try ContractRun(world(), files)
    let (bytes, format) = try audio(for: stage.accepts)
    try stage.prepare(format: format, run.context)
    try countPerBlock(bytes, format) { block in stage.process(&block) }
  }

  private func countConverter(_ stage: any AudioConverter) throws {
    var stage = stage
    let run = try ContractRun(world(), files)
    let (bytes, format) = try audio(for: stage.accepts)
    if stage.passes(format) { return }
    let (produced, capacity) = try stage.prepare(input: format, run.context)
    var room = AudioBuffer(format: produced, capacity: capacity)
    try countPerBlock(bytes, format) { block in
      while !block.isEmpty {
        stage.convert(&block, into: &room)
        room.removeAll()
      }
    }
  }

  private func countSource(_ source: any AudioSource) throws {
    var source = source
    let run = try ContractRun(world(), files)
    let format = try source.open(run.context)
    var block = AudioBuffer(format: format, capacity: max(1, format.rate / 25))
    var isLive = true
    try countPerBlock([0], AudioFormat(.mulaw, rate: 1, channels: 1)) { _ in
      guard isLive else { return }
      isLive = (try? source.read(into: &block)) == .produced
      block.removeAll()
    }
    source.close()
  }

  private func countJoiner(_ stage: any AudioJoiner) throws {
    var stage = stage
    let run = try ContractRun(world(), files)
    let rate = stage.accepts.rate ?? 16_000
    let format = AudioFormat(.f32le, rate: rate, channels: 1)
    let count = Self.streams(rate: rate).count
    let produced = try stage.prepare(inputs: (0..<count).map { _ in (format, .finite) }, run.context)
    var room = AudioBuffer(format: produced, capacity: max(1, produced.rate / 25))
    let (bytes, _) = try audio(for: AudioRequirement(sample: .f32le, rate: rate, channels: 1))
    try countPerBlock(bytes, format) { block in
      for index in 0..<count where stage.room(of: index) >= block.frameCount {
        stage.take(block, from: index)
      }
      while stage.read(into: &room) == .produced { room.removeAll() }
    }
  }

  /// A sink hands its blocks to other threads, which may take what they need: only what the calling one costs is counted, and
  /// now and then it may wake another.
  private func countSink(_ sink: any AudioSink) throws {
    var sink = sink
    let run = try ContractRun(world(), files)
    let (bytes, format) = try audio(for: sink.accepts)
    try sink.prepare(format: format, run.context(disk: try DiskThreads().lane()))
    var failure: (any Error)?
    try countPerBlock(bytes, format, free: Self.warmBlocks / 2) { block in
      guard failure == nil else { return }
      do {
        try sink.write(block)
      } catch {
        failure = error
      }
    }
    if let failure { throw failure }
    while try !sink.finish() { try run.wait() }
  }

  /// What a decoder gives of the second half of what it is given.
  private func countDecoder(_ decoder: any AudioDecoder) throws {
    var decoder = decoder
    let run = try ContractRun(world(), files)
    try decoder.prepare(wanted: .any, run.context)
    var audio = AudioBuffer(format: AudioFormat(.f32le, rate: 48_000, channels: 2), capacity: 5_760)
    var bytes = ByteBuffer(capacity: 128 * 1024)
    var given = 0
    var calls = 0
    var costs = 0
    while true {
      let isLast = given == input.bytes.count
      var progress = DecodeProgress.needsBytes
      let count = try AllocationCounter.count {
        progress = try decoder.decode(&bytes, isLast: isLast, into: &audio)
      }
      // The end may have to be told of.
      if given > input.bytes.count / 2 && !isLast {
        calls += 1
        costs += count
      }
      let gave = !audio.isEmpty
      audio.removeAll()
      if progress == .finished || (isLast && !gave && progress != .produced) { break }
      if gave || progress == .produced { continue }
      let piece = min(1_024, input.bytes.count - given, bytes.free)
      bytes.append(Array(input.bytes[given..<(given + piece)]))
      given += piece
    }
    try judge(costs, "\(calls) calls of decode")
  }

  /// What goes through a relay, until it has all of it.
  private func countRelay(_ relay: any AudioRelay) throws {
    var relay = relay
    let run = try ContractRun(world(), files)
    let (bytes, format) = try audio(for: relay.accepts)
    let produced = try relay.prepare(input: format, run.context)
    var room = AudioBuffer(format: produced, capacity: max(1, produced.rate / 25))
    let frames = min(Self.blockFrames, bytes.count / format.bytesPerFrame)
    let places = bytes.count / format.bytesPerFrame / frames
    var block = AudioBuffer(format: format, capacity: frames)
    var costs = 0
    var progress = SourceProgress.waiting
    for turn in 0..<Self.blocks where progress != .finished {
      block.reset(format: format, capacity: frames)
      block.position = Int64(turn * frames)
      block.fill(bytes, from: turn % places * frames, frames: frames)
      while !block.isEmpty && progress != .finished {
        let before = block.frameCount
        let count = try AllocationCounter.count {
          try relay.write(&block)
          progress = try relay.read(into: &room)
        }
        if turn >= Self.warmBlocks { costs += count }
        room.removeAll()
        if progress == .waiting && block.frameCount == before { try run.wait() }
      }
    }
    try relay.endInput()
    while progress != .finished {
      progress = try relay.read(into: &room)
      room.removeAll()
      if progress == .waiting { try run.wait() }
    }
    while try !relay.close() { try run.wait() }
    try judge(costs, "\(Self.blocks - Self.warmBlocks) blocks of \(frames) frames")
  }

  /// - Parameter free: allocations that are no fault.
  private func countPerBlock(
    _ bytes: [UInt8], _ format: AudioFormat, free: Int = 0, _ body: (inout AudioBuffer) -> Void
  ) throws {
    let frames = min(Self.blockFrames, bytes.count / format.bytesPerFrame)
    let places = bytes.count / format.bytesPerFrame / frames
    var block = AudioBuffer(format: format, capacity: frames)
    var costs = 0
    for turn in 0..<Self.blocks {
      block.reset(format: format, capacity: frames)
      block.position = Int64(turn * frames)
      block.fill(bytes, from: turn % places * frames, frames: frames)
      let count = AllocationCounter.count { body(&block) }
      if turn >= Self.warmBlocks { costs += count }
    }
    try judge(costs, "\(Self.blocks - Self.warmBlocks) blocks of \(frames) frames", free: free)
  }

  private func judge(_ costs: Int, _ what: String, free: Int = 0) throws {
    guard costs > free else { return }
    throw StageContract.Violation(
      rule: .allocation,
      message: "\(what), once warm, cost \(costs) allocations; make in prepare or open what blocks need")
  }
}
