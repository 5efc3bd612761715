internal import FluxGraph

// Stream types flow from the sources to the sinks; where what comes is not what is taken, adapters go between.
extension TypedGraph {
  /// Gives every node its types and inserts the adapters. Nodes written by the user stand in the order of the flow.
  mutating func inferTypes() {
    let written = nodes.indices
    var consumers = [[Int]](repeating: [], count: written.count)
    for index in written {
      for input in Set(nodes[index].inputs.filter { $0.port == nil }.map(\.node)) {
        consumers[input].append(index)
      }
    }
    var pacing = Pacing()
    for index in written {
      infer(index, &pacing)
      shareDecoder(of: index, consumers[index])
      noteTee(index, consumers[index].count)
    }
    insertPacing(pacing, written)
    if options.isStrict { reportImplicitAdapters() }
    chooseDecoderFormats()
  }

  /// Where audio has to be slowed down to real time before it goes several ways: the node before the tee, and for whom.
  struct Pacing {
    var tees: [(node: Int, consumer: Int)] = []
    var known: Set<Int> = []
  }

  /// Types one node: its input after adapting, and its output.
  private mutating func infer(_ index: Int, _ pacing: inout Pacing) {
    let inputs = nodes[index].inputs
    let requirement = requirement(of: nodes[index].stage)
    if nodes[index].isPoisoned || inputs.contains(where: { nodes[$0.node].isPoisoned }) {
      nodes[index].isPoisoned = true
      return
    }
    if case .none = requirement {
      nodes[index].output = output(of: nodes[index].stage, role: nodes[index].role, for: nil)
      return
    }
    let types = inputs.compactMap { $0.port == nil ? nodes[$0.node].output : .events }
    guard types.count == inputs.count, !types.isEmpty else {
      nodes[index].isPoisoned = true
      return
    }
    guard let input = connect(index, inputs, types, requirement, &pacing) else {
      nodes[index].isPoisoned = true
      return
    }
    nodes[index].input = input
    nodes[index].output = output(
      of: nodes[index].stage, role: nodes[index].role, for: input, inputs: inputs.count)
    if nodes[index].role == .pace, case .audio(let audio) = input, audio.liveness == .live {
      report(
        .paceBehindLive,
        "a live source sets the pace itself: `\(nodes[index].specification.name)` adds a second clock",
        at: nodes[index].word, help: "leave `\(nodes[index].specification.name)` out")
    }
  }

  /// The type a node takes in when everything is adapted; nil after a mistake.
  private mutating func connect(
    _ index: Int, _ inputs: [Endpoint], _ types: [StreamType], _ requirement: InputRequirement,
    _ pacing: inout Pacing
  ) -> StreamType? {
    let eventCount = types.count { $0 == .events }
    if eventCount > 0 && eventCount < types.count {
      if nodes[index].isFurtherArm { return nil }
      reportMixedUnion(inputs, types)
      return nil
    }
    if eventCount == 0 && types.count > 1 && nodes[index].stage.form.audioJoiner == nil {
      reportTwoAudioStreams(index, inputs)
      return nil
    }
    switch (requirement, types[0]) {
    case (.events, .events), (.audioOrEvents, .events): return .events
    case (.bytes, .bytes): return types[0]
    case (.audio(let audio), .audio), (.audio(let audio), .bytes), (.audioOrEvents(let audio), .audio),
      (.audioOrEvents(let audio), .bytes):
      if types.count > 1 { return adaptUnion(index, types, audio) }
      return adapt(0, of: index, types[0], to: audio, &pacing).map { .audio($0) }
    default:
      reportMismatch(index, inputs[0], types[0], requirement)
      return nil
    }
  }

  /// When several stages need the audio of one file, it is decoded once, before the ways part.
  private mutating func shareDecoder(of index: Int, _ consumers: [Int]) {
    guard case .bytes(let bytes)? = nodes[index].output, nodes[index].specification.group == .source else {
      return
    }
    let takers = consumers.filter {
      switch requirement(of: nodes[$0].stage) {
      case .bytes, .events: return false
      default: return nodes[$0].inputs.count == 1 && !nodes[$0].isPoisoned
      }
    }
    guard takers.count > 1, let first = takers.first else { return }
    let endpoint = Endpoint(node: index, port: nil, span: nodes[index].word)
    guard
      let decoder = insert(
        .decode, bytes.samples.map(\.graphValue), after: endpoint, .bytes(bytes), for: first)
    else { return }
    for taker in takers {
      for input in nodes[taker].inputs.indices where nodes[taker].inputs[input].node == index {
        nodes[taker].inputs[input].node = decoder
      }
    }
    noteTee(decoder, takers.count)
  }

  /// Notes where audio first goes several ways.
  private mutating func noteTee(_ index: Int, _ consumers: Int) {
    guard case .audio? = nodes[index].output else { return }
    let upstream = nodes[index].inputs.count == 1 ? nodes[nodes[index].inputs[0].node].firstTee : nil
    nodes[index].firstTee = upstream ?? nodes[index].firstTee ?? (consumers > 1 ? index : nil)
  }

  // MARK: Mistakes

  private mutating func reportMixedUnion(_ inputs: [Endpoint], _ types: [StreamType]) {
    let audio = inputs.indices.filter { types[$0] != .events }
    // One recogniser that was forgotten shows wherever the stream is joined.
    let news = audio.filter { mismatchedStreams.insert(stream(inputs[$0])).inserted }
    guard !news.isEmpty else { return }
    var labels = zip(inputs, types).map { Diagnostic.Label($0.0.span, "carries \($0.1.noun)") }
    var help = "join events with events, or audio with audio by `mix`"
    var replacement: Diagnostic.Replacement?
    if audio.count == 1, let recogniser = catalogue["flux"]?.name {
      let origin = nodes[written(inputs[audio[0]].node)]
      labels.append(.init(origin.word, "gives \(types[audio[0]].noun) here"))
      help = "put `\(recogniser)` behind it: `\(source.text(of: origin.word)) … | \(recogniser)`"
      replacement = .init(SourceSpan(origin.span.upper, origin.span.upper), " | \(recogniser)")
    }
    report(
      .mixedUnion, "streams of different types cannot be joined", at: labels[0].span, label: labels[0].text,
      secondary: Array(labels.dropFirst()), help: help, replacement: replacement)
  }

  private func reportTwoAudioStreams(_ index: Int, _ inputs: [Endpoint]) {
    let names = inputs.map { source.text(of: $0.span) }.joined(separator: ", ")
    report(
      .twoAudioStreams, "two audio streams cannot be joined with `,`, except directly into `mix`",
      at: SourceSpan(inputs[0].span.lower, inputs[inputs.count - 1].span.upper), label: "carry audio",
      secondary: [.init(nodes[index].word, "takes one stream")],
      help:
        "one transcript of both: `\(names) | mix mono | flux`; who said what: a `flux` for each, with `as=me` and `as=them`"
    )
  }

  /// The stage somebody wrote that an automatic one stands behind.
  private func written(_ node: Int) -> Int {
    var node = node
    while nodes[node].isAutomatic, let before = nodes[node].inputs.first?.node { node = before }
    return node
  }

  /// A stream, wherever it is named.
  func stream(_ endpoint: Endpoint) -> Endpoint {
    Endpoint(node: written(endpoint.node), port: endpoint.port, span: endpoint.span).unplaced
  }

  /// Whether several stages use a stream, and all of them take events.
  private func isAllForEvents(_ input: Endpoint) -> Bool {
    let uses = nodes.filter { node in
      !node.isAutomatic && !node.isFurtherArm && node.inputs.contains { stream($0) == stream(input) }
    }
    return (uses.count > 1 || testedStreams.contains(stream(input)))
      && uses.allSatisfy { if case .events = requirement(of: $0.stage) { true } else { false } }
  }

  /// Whether it was said of a stream that it carries something else than is wanted.
  func isKnownMismatch(_ endpoint: Endpoint) -> Bool { mismatchedStreams.contains(stream(endpoint)) }

  private mutating func reportMismatch(
    _ index: Int, _ input: Endpoint, _ type: StreamType, _ requirement: InputRequirement
  ) {
    let node = nodes[index]
    // The arms of a route are several stages, and one mistake.
    if node.isFurtherArm { return }
    let title = source.text(of: node.word)
    let origin = nodes[written(input.node)]
    let isReference = input.span != origin.word
    // The same slip shows wherever the stream is used.
    let isSharedSlip = isReference && findings.errorCount < Checker.maximumErrors && isAllForEvents(input)
    if isSharedSlip, !mismatchedStreams.insert(stream(input)).inserted { return }
    let from = isReference ? source.text(of: input.span) : origin.specification.name
    let verb = isReference ? "carries" : "gives"
    let message = "`\(title)` takes \(requirement.noun), but `\(from)` \(verb) \(type.noun)"
    let secondary = [
      Diagnostic.Label(origin.word, input.port == nil ? "gives \(type.noun) here" : "has this port")
    ]
    let recogniser =
      catalogue.names(of: .recogniser).first ?? "flux"
    let code: DiagnosticCode
    let help: String
    var replacement: Diagnostic.Replacement?
    switch requirement {
    case .events:
      code = .eventsExpected
      if isSharedSlip {
        help =
          "put `\(recogniser)` behind what gives \(type.noun): `\(source.text(of: origin.word)) … | \(recogniser)`"
        replacement = .init(SourceSpan(origin.span.upper, origin.span.upper), " | \(recogniser)")
      } else {
        help = "put `\(recogniser)` between them: `| \(recogniser) | \(title)`"
        replacement = .init(SourceSpan(node.word.lower, node.word.lower), "\(recogniser) | ")
      }
    case .bytes:
      code = .bytesExpected
      help =
        type == .events
        ? "`\(title)` stands directly behind a source of bytes, such as `file`"
        : "leave `\(title)` out: the audio is decoded already"
    default:
      code = .audioExpected
      help =
        "name the audio before `\(recogniser)`, and use the name twice: `sound = …`, `sound | \(recogniser)`, `sound | \(title)`"
    }
    _ = mismatchedStreams.insert(stream(input))
    report(
      code, message, at: node.word, label: "takes \(requirement.noun)", secondary: secondary, help: help,
      replacement: replacement)
  }
}
