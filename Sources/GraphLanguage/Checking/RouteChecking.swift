internal import FluxGraph

// Routes: each arm becomes a `where` of its own, so that nothing else needs to know of them.
extension Draft {
  /// The name an arm binds: a word alone that is no stage.
  func boundName(of arm: ArmSyntax) -> WordSyntax? {
    guard arm.stages.count == 1, let stage = arm.stages.first, stage.arguments.isEmpty,
      stage.predicate == nil,
      stage.route == nil, catalogue[stage.word.text] == nil
    else { return nil }
    return stage.word
  }

  mutating func read(
    _ route: RouteSyntax, _ stage: StageSyntax, isHead: Bool, fedBy streams: [Endpoint]?, name: WordSyntax?,
    following: StageSyntax?
  ) {
    var streams = streams
    if isHead {
      report(
        .notASource, "`route` takes events, and nothing comes before it", at: stage.word.span,
        help: "begin with a source, or with the name of a stream")
      streams = nil
    }
    if let name {
      report(
        .routeWithoutOutput, "a `route` has no output of its own that could be called `\(name.text)`",
        at: name.span, secondary: [.init(stage.word.span, "this route")],
        help: "name its arms: `event == EndOfTurn => \(name.text)`")
      _ = bind(name, to: nil, isPoisoned: true)
      names[name.text]?.isUsed = true
    }
    if let following {
      report(
        .routeWithoutOutput, "nothing comes out of a `route` but by its arms", at: following.word.span,
        secondary: [.init(stage.word.span, "this route")],
        help: "write `\(following.word.text)` into the arms, or name them and use the names")
    }
    guard let specification = catalogue["where"],
      let option = specification.options.first(where: { $0.type == .predicate })
    else {
      report(.unknownStage, "this program has no `where`, which routes are made of", at: stage.word.span)
      return
    }
    if let first = streams?.first, !checkGives(first, to: stage) { streams = nil }
    var earlier: Predicate?
    for (index, arm) in route.arms.enumerated() {
      if arm.isBroken {
        if let name = boundName(of: arm), names[name.text] == nil {
          _ = bind(name, to: nil, isPoisoned: true)
        }
        continue
      }
      let own = arm.predicate.map { bindings.check($0) }
      // After a mistake in a condition, what later arms let through is unknown, but their own mistakes still count.
      let isKnown = own.map { $0 != nil } ?? true
      let predicate = Self.condition(own ?? nil, earlier: earlier, isAll: route.isAll)
      if let own, let own { earlier = earlier.map { .or($0, own) } ?? own }
      let output =
        isKnown
        ? filter(specification, option, predicate, arm, of: stage, fedBy: streams) : nil
      if index > 0, let node = output?.first?.node { nodes[node].isFurtherArm = true }
      readTarget(of: arm, fedBy: output, in: stage)
    }
  }

  /// What an arm lets through: its own condition, and, unless all arms that fit are taken, none before it. Without a condition
  /// of its own (`else`) it takes what no other does.
  private static func condition(_ own: Predicate?, earlier: Predicate?, isAll: Bool) -> Predicate {
    guard let own else {
      // `else` alone takes everything: there is no event without a name.
      return earlier.map { .not($0) } ?? .compare(field: "event", .unequal, .text(""))
    }
    guard !isAll, let earlier else { return own }
    return .and(own, .not(earlier))
  }

  private mutating func filter(
    _ specification: StageSpecification, _ option: OptionSpecification, _ predicate: Predicate,
    _ arm: ArmSyntax, of route: StageSyntax, fedBy streams: [Endpoint]?
  ) -> [Endpoint] {
    var made = specification.make()
    try? specification.set(option.name, of: &made, to: .predicate(predicate))
    nodes.append(
      DraftNode(
        specification: specification, settings: [StageSetting(option.name, .predicate(predicate))],
        text: "\(specification.name) \(predicate)", stage: made, span: arm.span, word: route.word.span,
        inputs: streams ?? [], isPoisoned: streams == nil))
    for (span, name) in arm.predicate.map(awaited) ?? [] {
      awaitedEvents.append((span, name, nodes.count - 1))
    }
    return [Endpoint(node: nodes.count - 1, port: nil, span: arm.condition)]
  }

  private mutating func readTarget(of arm: ArmSyntax, fedBy streams: [Endpoint]?, in route: StageSyntax) {
    guard let name = boundName(of: arm) else {
      readChain(arm.stages, fedBy: streams, behind: route)
      return
    }
    guard isName(name.text) else {
      reportUnknownStage(arm.stages[0], isHead: false)
      return
    }
    armNames.insert(name.text)
    guard bind(name, to: streams, isPoisoned: streams == nil) else { return }
    if let node = streams?.first?.node { nodes[node].name = name.text }
  }

  private func isName(_ text: String) -> Bool {
    let bytes = Array(text.utf8)
    return bytes.allSatisfy(\.isNameByte) && !(bytes.first?.isDigit ?? true)
      && !Reserved.words.contains(text)
  }
}
