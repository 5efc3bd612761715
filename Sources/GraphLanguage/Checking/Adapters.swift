internal import FluxGraph

// The stages the checker puts between others: at most one of each role, in the order of the roles.
extension TypedGraph {
  /// Inserts what is needed between an input of `index` and `index`, and returns the type that arrives; nil after a mistake.
  mutating func adapt(
    _ input: Int, of index: Int, _ type: StreamType, to wanted: AudioRequirement, _ pacing: inout Pacing
  ) -> AudioStreamType? {
    guard var audio = decoded(input, of: index, type), checkChannels(audio, wanted, input, index) else {
      return nil
    }
    if wanted.channels == 1, audio.channels != 1 {
      guard let mixed = convert(.mix, .word("mono"), input, of: index, audio) else { return nil }
      audio = mixed
    }
    if let rate = wanted.rate, audio.rate != rate {
      let value = GraphValue.word(SampleRate(rate).description)
      guard let resampled = convert(.resample, value, input, of: index, audio) else { return nil }
      audio = resampled
    }
    if let sample = wanted.sample, audio.sample != sample {
      guard let formatted = convert(.format, .word(sample.rawValue), input, of: index, audio) else {
        return nil
      }
      audio = formatted
    }
    if let chunk = wanted.chunk, audio.chunk != chunk {
      guard let cut = convert(.chunk, .word(chunk.unitText), input, of: index, audio) else { return nil }
      audio = cut
    }
    if wanted.paced, !audio.isPaced, audio.liveness == .finite {
      let origin = nodes[index].inputs[input].node
      if let tee = nodes[origin].firstTee {
        if pacing.known.insert(tee).inserted { pacing.tees.append((tee, index)) }
        audio.isPaced = true
      } else {
        guard let paced = convert(.pace, .word("1x"), input, of: index, audio) else { return nil }
        audio = paced
      }
    }
    return audio
  }

  /// Brings several audio streams to one channel each and to one rate, as stages that join them need it.
  mutating func adaptUnion(_ index: Int, _ types: [StreamType], _ wanted: AudioRequirement) -> StreamType? {
    var streams: [AudioStreamType] = []
    for (input, type) in types.enumerated() {
      guard let audio = decoded(input, of: index, type) else { return nil }
      streams.append(audio)
    }
    // Each is mixed down by itself, as `mix` would do it.
    let option = nodes[index].role == .mix ? nodes[index].specification.adapter?.setting : nil
    let channel = nodes[index].settings.first { $0.option == option }?.value
    for input in streams.indices where streams[input].channels != 1 {
      guard let mixed = convert(.mix, channel ?? .word("mono"), input, of: index, streams[input]) else {
        return nil
      }
      streams[input] = mixed
    }
    let rates = Set(streams.map(\.rate))
    if rates.count > 1 || rates.contains(nil) || wanted.rate != nil {
      // The highest known rate loses nothing; without any, the rate most devices have.
      let rate = wanted.rate ?? streams.compactMap(\.rate).max() ?? 48_000
      for input in streams.indices where streams[input].rate != rate {
        let value = GraphValue.word(SampleRate(rate).description)
        guard let audio = convert(.resample, value, input, of: index, streams[input]) else { return nil }
        streams[input] = audio
      }
    }
    for input in streams.indices {
      guard let sample = wanted.sample, streams[input].sample != sample else { continue }
      guard let audio = convert(.format, .word(sample.rawValue), input, of: index, streams[input]) else {
        return nil
      }
      streams[input] = audio
    }
    var joined = streams[0]
    if streams.contains(where: { $0.channels != joined.channels }) { joined.channels = nil }
    if streams.contains(where: { $0.sample != joined.sample }) { joined.sample = nil }
    joined.liveness = streams.contains { $0.liveness == .live } ? .live : .finite
    joined.isPaced = joined.liveness == .live || streams.allSatisfy(\.isPaced)
    joined.chunk = nil
    return .audio(joined)
  }

  /// The audio of an input, decoded first if it is bytes.
  private mutating func decoded(_ input: Int, of index: Int, _ type: StreamType) -> AudioStreamType? {
    var type = type
    if case .bytes(let bytes) = type {
      guard
        let decoder = insert(
          .decode, bytes.samples.map(\.graphValue), after: nodes[index].inputs[input], type, for: index)
      else {
        return nil
      }
      nodes[index].inputs[input].node = decoder
      guard let output = nodes[decoder].output else { return nil }
      type = output
    }
    guard case .audio(let audio) = type else { return nil }
    return audio
  }

  private func isAdaptableDecoder(_ index: Int) -> Bool {
    nodes[index].stage.form.audioDecoder.map { $0.output.sample == nil } ?? false
  }

  /// Inserts a converter before an input of `index`, after bringing the samples into the form the converter computes in.
  private mutating func convert(
    _ role: AdapterRole, _ value: GraphValue, _ input: Int, of index: Int, _ audio: AudioStreamType
  ) -> AudioStreamType? {
    var audio = audio
    if role != .format, let specification = catalogue.adapter(role),
      case .audio(let accepted) = requirement(of: specification.make()), let sample = accepted.sample,
      audio.sample != sample
    {
      guard let formatted = convert(.format, .word(sample.rawValue), input, of: index, audio) else {
        return nil
      }
      audio = formatted
    }
    let endpoint = nodes[index].inputs[input]
    guard let adapter = insert(role, value, after: endpoint, .audio(audio), for: index) else { return nil }
    nodes[index].inputs[input].node = adapter
    guard case .audio(let output)? = nodes[adapter].output else { return nil }
    return output
  }

  /// Makes an automatic node behind an endpoint, for a consumer. Does not change the consumer's inputs.
  mutating func insert(
    _ role: AdapterRole, _ value: GraphValue?, after endpoint: Endpoint, _ input: StreamType,
    for consumer: Int
  ) -> Int? {
    guard let specification = catalogue.adapter(role) else {
      report(
        .noAdapter,
        "`\(nodes[consumer].specification.name)` needs a stage that can \(role.verb) before it, and none is known",
        at: nodes[consumer].word, help: "add one to the catalogue, or give the stage what it takes")
      return nil
    }
    var settings: [StageSetting] = []
    if let value, let option = specification.adapter?.setting { settings = [StageSetting(option, value)] }
    guard value == nil || !settings.isEmpty, let stage = try? specification.make(settings) else {
      report(
        .noAdapter,
        "`\(specification.name)` cannot be set to what `\(nodes[consumer].specification.name)` takes",
        at: nodes[consumer].word)
      return nil
    }
    var node = DraftNode(
      specification: specification, settings: settings, text: stageText(specification, settings),
      stage: stage,
      span: nodes[consumer].span,
      word: nodes[consumer].word, isAutomatic: true, inputs: [endpoint], input: input)
    node.output = output(of: stage, role: role, for: input)
    if case .audio? = node.output { node.firstTee = nodes[endpoint.node].firstTee }
    nodes.append(node)
    return nodes.count - 1
  }

  private mutating func checkChannels(
    _ audio: AudioStreamType, _ wanted: AudioRequirement, _ input: Int, _ index: Int
  ) -> Bool {
    guard let channels = wanted.channels, channels != 1, let given = audio.channels, given != channels else {
      return true
    }
    let endpoint = nodes[index].inputs[input]
    let title = nodes[index].specification.name
    report(
      .channelsMismatch,
      "`\(title)` takes \(channelText(channels)), but `\(source.text(of: endpoint.span))` gives \(channelText(given))",
      at: nodes[index].word, label: "takes \(channelText(channels))",
      secondary: [.init(endpoint.span, "gives \(channelText(given))")])
    return false
  }

  // MARK: Pacing

  /// Puts a pace stage directly behind each node noted, so that all ways behind it stay together.
  mutating func insertPacing(_ pacing: Pacing, _ written: Range<Int>) {
    var pacedBy: [Int: Int] = [:]
    for (node, consumer) in pacing.tees {
      guard let type = nodes[node].output else { continue }
      let endpoint = Endpoint(node: node, port: nil, span: nodes[node].word)
      guard let pace = insert(.pace, .word("1x"), after: endpoint, type, for: consumer) else { return }
      pacedBy[node] = pace
    }
    guard !pacedBy.isEmpty else { return }
    let paces = Set(pacedBy.values)
    for index in nodes.indices where !paces.contains(index) {
      for input in nodes[index].inputs.indices where nodes[index].inputs[input].port == nil {
        if let pace = pacedBy[nodes[index].inputs[input].node] { nodes[index].inputs[input].node = pace }
      }
    }
    for index in order() { markPaced(index) }
  }

  private mutating func markPaced(_ index: Int) {
    let isPaced = nodes[index].inputs.contains {
      if case .audio(let audio)? = nodes[$0.node].output { audio.isPaced } else { false }
    }
    guard isPaced, nodes[index].inputs.count == 1 else { return }
    if case .audio(var audio)? = nodes[index].input {
      audio.isPaced = true
      nodes[index].input = .audio(audio)
    }
    if case .audio(var audio)? = nodes[index].output {
      audio.isPaced = true
      nodes[index].output = .audio(audio)
    }
  }

  // MARK: What decoders are asked for

  /// Tells each decoder that can give any format what the stages behind it are there to make, so that it can give that at once.
  /// Only while there is one way to go: several would want several things.
  mutating func chooseDecoderFormats() {
    var consumers = [[Int]](repeating: [], count: nodes.count)
    for index in nodes.indices {
      for input in nodes[index].inputs where input.port == nil { consumers[input.node].append(index) }
    }
    for index in nodes.indices where isAdaptableDecoder(index) && !nodes[index].isPoisoned {
      let wanted = wish(of: index, consumers)
      nodes[index].wanted = wanted
      if wanted.sample != nil, wanted.sample != .f32le { forgetSample(behind: index, consumers) }
    }
  }

  /// What the adapters behind a decoder make together, as long as the decoder can stand in for them: the first of each role.
  private func wish(of decoder: Int, _ consumers: [[Int]]) -> AudioRequirement {
    var wanted = AudioRequirement()
    var met: Set<AdapterRole> = []
    var last = decoder
    while consumers[last].count == 1, let next = consumers[last].first, nodes[next].inputs.count == 1 {
      guard let role = nodes[next].role, role != .decode, canBeStoodInFor(next), met.insert(role).inserted,
        case .audio(let audio)? = nodes[next].output
      else {
        if case .audio(let accepted) = requirement(of: nodes[next].stage), let sample = accepted.sample {
          wanted.sample = wanted.sample ?? sample
        }
        break
      }
      switch role {
      case .mix: wanted.channels = audio.channels
      case .resample: wanted.rate = audio.rate
      // Telephone audio need not be decoded to be encoded again.
      case .format: wanted.sample = audio.sample
      default: break
      }
      last = next
    }
    return wanted
  }

  /// Whether fewer channels are all that a mixing stage makes: one that takes the left channel must not be given a mix of both.
  private func canBeStoodInFor(_ index: Int) -> Bool {
    guard nodes[index].role == .mix, let option = nodes[index].specification.adapter?.setting else {
      return true
    }
    let written = nodes[index].settings.first { $0.option == option }?.value.text
    return (written ?? nodes[index].specification.option(named: option)?.defaultText) == "mono"
  }

  /// What a decoder gives that is asked for other samples than floating point is known when it has seen the first bytes: those if it can do all that
  /// is wanted, floating point if it cannot. So it is with what stands behind it up to the first stage that makes it sure.
  private mutating func forgetSample(behind decoder: Int, _ consumers: [[Int]]) {
    var last = decoder
    while true {
      guard case .audio(var output)? = nodes[last].output, let next = consumers[last].first,
        case .audio(var input)? = nodes[next].input
      else { return }
      output.sample = nil
      nodes[last].output = .audio(output)
      input.sample = nil
      nodes[next].input = .audio(input)
      guard nodes[next].role == .chunk || nodes[next].role == .pace else { return }
      last = next
    }
  }

  /// With `--strict`, every stage that would have been inserted must be written.
  func reportImplicitAdapters() {
    var needed: [Int: [Int]] = [:]
    for index in nodes.indices where nodes[index].isAutomatic {
      needed[nodes[index].word.lower, default: []].append(index)
    }
    for (place, adapters) in needed.sorted(by: { $0.key < $1.key }) {
      let texts = adapters.sorted { (nodes[$0].role?.rawValue ?? 0) < (nodes[$1].role?.rawValue ?? 0) }
        .map { nodes[$0].text }
      let word = nodes[adapters[0]].word
      let name = source.text(of: word)
      let count = adapters.count == 1 ? "a stage that is" : "\(adapters.count) stages that are"
      report(
        .implicitAdapter, "`\(name)` needs \(count) not written before it", at: word,
        help: "write `\(texts.joined(separator: " | ")) | \(name)`, or leave out `--strict`",
        replacement: .init(SourceSpan(place, place), texts.map { $0 + " | " }.joined()))
    }
  }
}

extension AudioFormat {
  /// The format as a graph writes it.
  var graphValue: GraphValue {
    .call(
      "pcm",
      [
        .word(sample.rawValue), .word(SampleRate(rate).description),
        .word(channels == 1 ? "mono" : channels == 2 ? "stereo" : String(channels)),
      ])
  }
}

extension AdapterRole {
  var verb: String {
    switch self {
    case .decode: "decode"
    case .mix: "mix channels"
    case .resample: "change the sample rate"
    case .format: "change the sample format"
    case .chunk: "cut chunks"
    case .pace: "keep the pace"
    }
  }
}
