internal import FluxGraph
internal import Glibc

/// Runs one stage again and again, each time in a new world and a new directory, and compares what comes out.
struct ContractBench {
  let make: @Sendable () throws -> any Stage
  let input: StageContract.Input
  let files: [String: [UInt8]]
  let world: @Sendable () -> TestWorld

  /// How streams are cut: whole, frame by frame, evenly, unevenly, and as chance has it, always the same.
  static let cuts: [[Int]] = [
    [1 << 20], [1], [480], [7, 1, 64, 513, 2], (0..<97).map { ($0 * 7_919 + 13) % 1_201 + 1 },
  ]

  /// What a run left behind.
  struct Outcome: Equatable {
    var format: AudioFormat?
    var bytes: [UInt8] = []
    /// Frames of each piece; not compared.
    var pieces: [Int] = []
    var events: [String] = []
    var files: [String: [UInt8]] = [:]
    var notices: [String] = []

    static func == (left: Outcome, right: Outcome) -> Bool { left.difference(from: right) == nil }

    /// The first thing that is different, in words; nil when nothing is.
    func difference(from other: Outcome) -> String? {
      if format != other.format { return "the format was \(text(format)), and is \(text(other.format))" }
      if bytes != other.bytes {
        let place = zip(bytes, other.bytes).enumerated().first { $0.element.0 != $0.element.1 }?.offset
        return
          "the output differs from byte \(place ?? min(bytes.count, other.bytes.count)) on (\(bytes.count) bytes, then \(other.bytes.count))"
      }
      if events != other.events {
        let place = zip(events, other.events).enumerated().first { $0.element.0 != $0.element.1 }?.offset
        return
          "the events differ from number \((place ?? min(events.count, other.events.count)) + 1) on (\(events.count), then \(other.events.count))"
      }
      if files != other.files {
        let names = Set(files.keys).union(other.files.keys).sorted().filter { files[$0] != other.files[$0] }
        return "the files differ: \(names.joined(separator: ", "))"
      }
      if notices != other.notices { return "the notices differ: \(notices), then \(other.notices)" }
      return nil
    }

    private func text(_ format: AudioFormat?) -> String { format?.description ?? "none" }
  }

  func check() async throws {
    let stage = try make()
    switch stage.form {
    case .audioSource(let stage):
      let finite = stage.output.liveness == .finite
      try compare(repeatable: finite) { try read($0, cuts: $1, in: $2) }
    case .byteSource: try compare(repeatable: true) { try readBytes($0, cuts: $1, in: $2) }
    case .audioDecoder: try compare(repeatable: true) { try decode($0, cuts: $1, in: $2) }
    case .audioTransform: try compare(repeatable: true) { try transform($0, cuts: $1, in: $2) }
    case .audioConverter, .audioMixer: try compare(repeatable: true) { try convert($0, cuts: $1, in: $2) }
    case .audioRelay: try compare(repeatable: true) { try relay($0, cuts: $1, in: $2) }
    case .recogniser: try await compareEvents(Self.cuts) { try await recognise(cuts: $0, in: $1) }
    case .eventTransform: try await compareEvents([[1]]) { _, run in try events(try make(), in: run) }
    case .audioJoiner: break
    case .audioSink, .eventSink, .sink:
      if stage.form.audioSink != nil { try compare(repeatable: true) { try sink($0, cuts: $1, in: $2) } }
      if stage.form.eventSink != nil {
        try await compareEvents([[1]]) { _, run in try await eventSink(in: run) }
      }
    }
    if stage.form.audioJoiner != nil { try compare(repeatable: true) { try join($0, cuts: $1, in: $2) } }
    try checkAllocations()
  }

  /// Runs the stage with every way of cutting, and new stages twice.
  private func compare(
    repeatable: Bool, _ run: (any Stage, [Int], ContractRun) throws -> Outcome
  ) throws {
    var first: Outcome?
    for cuts in repeatable ? Self.cuts + [Self.cuts[0]] : [Self.cuts[0]] {
      let place = try ContractRun(world(), files)
      let outcome = try place.collecting(try run(try make(), cuts, place))
      guard let known = first else {
        first = outcome
        continue
      }
      if let difference = known.difference(from: outcome) {
        let isSame = cuts == Self.cuts[0]
        throw StageContract.Violation(
          rule: isSame ? .freshness : .cuts,
          message: isSame
            ? "a new stage with the same input does something else: \(difference)"
            : "cut into pieces of \(cuts.prefix(5).map(String.init).joined(separator: ", "))\(cuts.count > 5 ? " …" : "") \(difference)"
        )
      }
    }
  }

  private func compareEvents(
    _ cuts: [[Int]], _ run: ([Int], ContractRun) async throws -> Outcome
  ) async throws {
    var first: Outcome?
    for cut in cuts + [cuts[0]] {
      let place = try ContractRun(world(), files)
      let outcome = try place.collecting(try await run(cut, place))
      guard let known = first else {
        first = outcome
        continue
      }
      if let difference = known.difference(from: outcome) {
        let isSame = cut == cuts[0]
        throw StageContract.Violation(
          rule: isSame ? .freshness : .cuts,
          message: isSame
            ? "a new stage with the same input does something else: \(difference)"
            : "with other pieces of audio \(difference)")
      }
    }
  }

  // MARK: - Input

  /// The audio for a stage that takes `accepts`.
  func audio(for accepts: AudioRequirement) throws -> (bytes: [UInt8], format: AudioFormat) {
    if let format = input.format {
      if accepts.sample == nil || accepts.sample == format.sample { return (input.bytes, format) }
      guard format.sample == .f32le else {
        throw StageContract.TextError(
          description:
            "the stage takes \(accepts.sample?.rawValue ?? "") samples, not \(format.sample.rawValue)")
      }
    }
    let sample = accepts.sample ?? .f32le
    let format = AudioFormat(
      sample, rate: input.format?.rate ?? accepts.rate ?? 16_000,
      channels: input.format?.channels ?? accepts.channels ?? 1)
    let samples: [Float] =
      input.format == nil
      ? Self.tone(rate: format.rate, channels: format.channels)
      : input.bytes.withUnsafeBytes { Array($0.bindMemory(to: Float.self)) }
    switch sample {
    case .f32le: return (samples.withUnsafeBytes { Array($0) }, format)
    case .s16le:
      let integers = samples.map { Int16(max(-32_768, min(32_767, ($0 * 32_767).rounded()))) }
      return (integers.withUnsafeBytes { Array($0) }, format)
    // Any bytes are samples in the others: the upper bytes alone carry the tone.
    default:
      let size = sample.byteCount
      let bytes = samples.flatMap { value in
        [UInt8](repeating: 0, count: size - 1) + [UInt8(bitPattern: Int8(max(-127, min(127, value * 127))))]
      }
      return (bytes, format)
    }
  }

  /// Half a second of 440 Hz in noise.
  private static func tone(rate: Int, channels: Int) -> [Float] {
    var noise: UInt64 = 0x9E37_79B9_7F4A_7C15
    return (0..<(rate / 2 * channels)).map { index in
      noise ^= noise << 13
      noise ^= noise >> 7
      noise ^= noise << 17
      let hiss = Float(Int64(bitPattern: noise) >> 40) / Float(1 << 23)
      return 0.4 * Float(sin(2 * Double.pi * 440 * Double(index / channels) / Double(rate))) + 0.05 * hiss
    }
  }

  /// What a stage is given that joins streams: three of different lengths, none like another.
  static func streams(rate: Int) -> [[Float]] {
    let tone = tone(rate: rate, channels: 1)
    return [tone, Array(tone.reversed()) + tone, tone.prefix(tone.count / 3).map { -$0 }]
  }

  var conversation: [Event] { input.events ?? Self.conversation }

  /// Two turns of two speakers, and a notice.
  private static let conversation: [Event] = {
    var events: [Event] = []
    for (index, text) in ["Hello, my number is 020 7946 0018.", "Thank you, Ms Bell."].enumerated() {
      let start = Double(index) * 3 + 0.4
      let words = text.split(separator: " ").enumerated().map { place, word in
        TurnEvent.Word(
          word: String(word), start: start + Double(place) * 0.3, end: start + Double(place) * 0.3 + 0.25,
          confidence: 0.9)
      }
      for (kind, count) in [
        (TurnEvent.Kind.startOfTurn, 1), (.update, 2), (.eagerEndOfTurn, words.count),
        (.turnResumed, words.count),
        (.endOfTurn, words.count),
      ] {
        let heard = Array(words.prefix(count))
        events.append(
          .turn(
            TurnEvent(
              kind: kind, stream: index == 0 ? "caller" : "agent", session: "contract", turn: index + 1,
              isFinal: kind == .endOfTurn ? true : nil, trigger: kind == .endOfTurn ? "model" : nil,
              start: start, end: heard.last?.end ?? start,
              time: WallTime(seconds: 1_700_000_000 + start + Double(count)),
              transcript: heard.map(\.word).joined(separator: " "), words: heard, languages: ["en"])))
      }
    }
    events.append(
      .notice(
        Notice(
          "gap", "0.5 s of audio are missing", severity: .warning, time: WallTime(seconds: 1_700_000_009))))
    return events
  }()
}
