internal import FluxGraph

// Stages that take or change audio.
extension ContractBench {
  func transform(_ stage: any Stage, cuts: [Int], in run: ContractRun) throws -> Outcome {
    guard var stage = stage.form.audioTransform else { return Outcome() }
    let (bytes, format) = try audio(for: stage.accepts)
    try stage.prepare(format: format, run.context)
    var outcome = Outcome(format: format)
    try feed(bytes, format, cuts) { block in
      let frames = block.frameCount
      stage.process(&block)
      guard block.format == format, block.frameCount == frames else {
        throw StageContract.Violation(
          rule: .types,
          message:
            "a transform gives as much as it takes, in the same format: \(frames) frames of \(format) became \(block.frameCount) of \(block.format)"
        )
      }
      outcome.append(block)
    }
    return outcome
  }

  func convert(_ stage: any Stage, cuts: [Int], in run: ContractRun) throws -> Outcome {
    guard var stage = stage.form.audioConverter else { return Outcome() }
    let (bytes, format) = try audio(for: stage.accepts)
    if stage.passes(format) {
      // Left out of a graph: what goes in comes out.
      return Outcome(format: format, bytes: bytes)
    }
    let declared = stage.output(for: AudioStreamType(format, liveness: .finite))
    let (produced, capacity) = try stage.prepare(input: format, run.context)
    try check(produced, against: declared)
    var outcome = Outcome(format: produced)
    var room = AudioBuffer(format: produced, capacity: capacity)
    try feed(bytes, format, cuts) { block in
      while !block.isEmpty {
        let before = block.frameCount
        stage.convert(&block, into: &room)
        if block.frameCount == before && room.isEmpty {
          throw StageContract.Violation(
            rule: .progress, message: "convert took none of \(before) frames and gave none")
        }
        outcome.append(room)
        room.removeAll()
      }
    }
    var calls = 0
    while true {
      stage.finish(into: &room)
      if room.isEmpty { break }
      outcome.append(room)
      room.removeAll()
      calls += 1
      if calls > 100_000 {
        throw StageContract.Violation(rule: .flush, message: "finish goes on giving frames without an end")
      }
    }
    stage.finish(into: &room)
    guard room.isEmpty else {
      throw StageContract.Violation(
        rule: .flush, message: "finish had nothing left, and then gave \(room.frameCount) frames more")
    }
    if let chunk = declared.chunk {
      let frames = produced.frames(in: chunk)
      if let odd = outcome.pieces.dropLast().first(where: { $0 != frames }) {
        throw StageContract.Violation(
          rule: .types, message: "pieces of \(frames) frames are declared, and one had \(odd)")
      }
    }
    return outcome
  }

  func relay(_ stage: any Stage, cuts: [Int], in run: ContractRun) throws -> Outcome {
    guard var stage = stage.form.audioRelay else { return Outcome() }
    let (bytes, format) = try audio(for: stage.accepts)
    let declared = stage.output(for: AudioStreamType(format, liveness: .finite))
    let produced = try stage.prepare(input: format, run.context)
    try check(produced, against: declared)
    var outcome = Outcome(format: produced)
    var room = AudioBuffer(format: produced, capacity: max(1, produced.rate / 25))
    var isFinished = false
    let read = { (stage: inout any AudioRelay) throws -> Bool in
      switch try stage.read(into: &room) {
      case .produced:
        outcome.append(room)
        room.removeAll()
        return true
      case .finished: isFinished = true
      case .waiting, .restarted: break
      }
      return false
    }
    try feed(bytes, format, cuts) { block in
      while !block.isEmpty && !isFinished {
        let before = block.frameCount
        try stage.write(&block)
        if try !read(&stage) && block.frameCount == before && !isFinished { try run.wait() }
      }
    }
    try stage.endInput()
    while !isFinished { if try !read(&stage) && !isFinished { try run.wait() } }
    while try !stage.close() { try run.wait() }
    return outcome
  }

  func join(_ stage: any Stage, cuts: [Int], in run: ContractRun) throws -> Outcome {
    guard let stage = stage.form.audioJoiner else { return Outcome() }
    let rate = stage.accepts.rate ?? 16_000
    let streams = Self.streams(rate: rate)
    let input = AudioStreamType(AudioFormat(.f32le, rate: rate, channels: 1), liveness: .finite)
    let declared = stage.output(for: input, inputs: streams.count)
    var course = JoinCourse(stage, streams, rate: rate, cuts: cuts)
    let output = try course.run(
      run.context, prepared: { try check($0, against: declared) }, wait: { try run.wait() })
    return Outcome(format: output.format, bytes: output.bytes, pieces: output.pieces)
  }

  func sink(_ stage: any Stage, cuts: [Int], in run: ContractRun) throws -> Outcome {
    guard var stage = stage.form.audioSink else { return Outcome() }
    let (bytes, format) = try audio(for: stage.accepts)
    try stage.prepare(format: format, run.context)
    try feed(bytes, format, cuts) { block in
      while !stage.hasRoom { try run.wait() }
      try stage.write(block)
    }
    while try !stage.finish() { try run.wait() }
    return Outcome()
  }

  func decode(_ stage: any Stage, cuts: [Int], in run: ContractRun) throws -> Outcome {
    guard let stage = stage.form.audioDecoder else { return Outcome() }
    guard !input.bytes.isEmpty else {
      throw StageContract.TextError(description: "a decoder needs encoded sound: input: .bytes(…)")
    }
    let declared = stage.output
    let output = try AudioHarness.run(stage, bytes: input.bytes, cuts: cuts, context: run.context)
    try check(output.format, against: declared)
    return Outcome(format: output.format, bytes: output.bytes, pieces: output.pieces)
  }

  /// What a stage says it gives before it runs must hold once it runs.
  func check(_ format: AudioFormat, against declared: AudioStreamType) throws {
    guard declared.sample ?? format.sample == format.sample, declared.rate ?? format.rate == format.rate,
      declared.channels ?? format.channels == format.channels
    else {
      throw StageContract.Violation(
        rule: .types, message: "audio \(declared) is declared, and it is \(format)")
    }
  }

  /// Hands audio on in blocks, each with its place in the stream, in one buffer over and over.
  func feed(
    _ bytes: [UInt8], _ format: AudioFormat, _ cuts: [Int], _ body: (inout AudioBuffer) throws -> Void
  ) throws {
    let total = bytes.count / format.bytesPerFrame
    var block = AudioBuffer(format: format, capacity: min(total, cuts.max() ?? 1))
    var start = 0
    var turn = 0
    while start < total {
      let frames = min(total - start, cuts[turn % cuts.count])
      block.reset(format: format, capacity: frames)
      block.position = Int64(start)
      block.fill(bytes, from: start, frames: frames)
      try body(&block)
      start += frames
      turn += 1
    }
  }
}

extension AudioBuffer {
  /// Appends frames of an array of samples as they are stored.
  mutating func fill(_ bytes: [UInt8], from start: Int, frames: Int) {
    let size = format.bytesPerFrame
    bytes.withUnsafeBytes { source in
      append { room in
        room.copyMemory(
          from: UnsafeRawBufferPointer(rebasing: source[(start * size)..<((start + frames) * size)]))
        return frames
      }
    }
  }
}

extension ContractBench.Outcome {
  mutating func append(_ block: borrowing AudioBuffer) {
    guard !block.isEmpty else { return }
    block.withBytes { bytes.append(contentsOf: $0) }
    pieces.append(block.frameCount)
  }
}
