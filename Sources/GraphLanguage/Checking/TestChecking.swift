internal import FluxGraph

/// The `test` blocks of a graph: what they name is looked up in the draft, and what flows there in the typed graph.
struct TestChecking: CheckStep {
  let grounds: Grounds
  private var draft: Draft
  private let graph: TypedGraph

  init(_ draft: Draft, _ graph: TypedGraph) {
    grounds = draft.grounds
    self.draft = draft
    self.graph = graph
  }

  /// Checks the tests, and plans the part of the graph they need; nil when anything is wrong.
  mutating func tests(_ tree: SyntaxTree) -> GraphTests? {
    var drafts: [(TestSyntax, [(TestStepSyntax, [Endpoint])])] = []
    var titles: [String: SourceSpan] = [:]
    for case .test(let test) in tree.items where !test.isBroken {
      if let earlier = titles[test.title.text] {
        report(
          .duplicateName, "two tests have this title", at: test.title.span,
          secondary: [.init(earlier, "the first")])
      }
      titles[test.title.text] = test.title.span
      drafts.append((test, test.steps.map { ($0, point($0) ?? []) }))
      if !test.steps.contains(where: { if case .feed = $0.kind { false } else { true } }) {
        report(
          .badTest, "this test expects nothing", at: test.title.span,
          help: "add a line such as `expect heard count == 2`")
      }
    }
    var planned: [(TestSyntax, [(TestStepSyntax, [Endpoint], GraphTest.Expectation.Claim?)])] = []
    for (test, steps) in drafts {
      planned.append((test, steps.map { ($0.0, $0.1, claim($0.0)) }))
    }
    guard !hasErrors else { return nil }
    let points = planned.flatMap { $0.1.flatMap { $0.1.map(\.node) } }
    let (plan, numbers) = graph.assemble(needed: graph.reaching(points))
    let tests = planned.map { test, steps in
      var result = GraphTest(
        title: test.title.text, location: source.location(of: test.title.span), feeds: [], expectations: [])
      for (step, endpoints, claim) in steps {
        let streams = endpoints.compactMap { end in
          numbers[end.node].map { TestPoint(node: $0, port: end.port) }
        }
        let location = source.location(of: step.span)
        if case .feed(let value) = step.kind {
          let file = draft.bindings.resolve(value, as: .path)?.text ?? ""
          let directory = source.file(of: value.span.lower).directory
          let path = Path(file).resolved(in: directory, home: nil)
          result.feeds.append(.init(streams: streams, path: path, location: location))
        } else if let claim {
          let text = source.text(of: step.span)
          let subject =
            if case .field(let index, let field, _, _) = step.kind {
              "\(step.name.text)[\(index)].\(field.text)"
            } else {
              step.name.text
            }
          result.expectations.append(
            .init(streams: streams, claim: claim, text: text, subject: subject, location: location))
        }
      }
      return result
    }
    return GraphTests(plan: plan, tests: tests)
  }

  private mutating func point(_ step: TestStepSyntax) -> [Endpoint]? {
    let (stem, port) = draft.split(step.name)
    guard draft.names[stem.text] != nil else {
      draft.reportUnknownName(step.name)
      return nil
    }
    guard let endpoints = draft.resolve(stem, port) else { return nil }
    if case .feed = step.kind, endpoints.count > 1 {
      report(
        .badTest, "`\(step.name.text)` stands for several streams: feed them one by one", at: step.name.span)
      return nil
    }
    for endpoint in endpoints {
      let node = graph.nodes[endpoint.node]
      if node.isPoisoned { return nil }
      let isSink = node.specification.group == .sink
      if case .feed = step.kind, isSink, endpoint.port == nil {
        report(
          .badTest, "`\(step.name.text)` is a sink: events are fed into what comes before it",
          at: step.name.span,
          secondary: [.init(node.word, "a sink")])
        return nil
      }
      let type = endpoint.port != nil ? .events : isSink ? node.input : node.output
      guard type == .events else {
        if graph.isKnownMismatch(endpoint) { return nil }
        report(
          .eventsExpected,
          "tests are about events, and `\(step.name.text)` carries \(type?.noun ?? "nothing")",
          at: step.name.span, secondary: [.init(node.word, "gives \(type?.noun ?? "nothing") here")],
          help: "feed the stream behind `flux`")
        return nil
      }
    }
    return endpoints
  }

  private mutating func claim(_ step: TestStepSyntax) -> GraphTest.Expectation.Claim? {
    switch step.kind {
    case .feed(let value):
      _ = draft.bindings.resolve(value, as: .path)
      return nil
    case .count(let sign, let value):
      let text = draft.bindings.resolve(value, as: nil)?.text
      guard sign.comparison != .contains, sign.comparison != .containsNot else {
        report(
          .badTest, "a count is a number and cannot be compared with `\(sign.comparison.rawValue)`",
          at: sign.span, help: "write `count == 2`")
        return nil
      }
      guard let count = text.flatMap({ Int($0) }), count >= 0 else {
        report(.badTest, "a count is a whole number", at: value.span, help: "write `count == 2`")
        return nil
      }
      return .count(sign.comparison, count)
    case .field(let index, let field, let sign, let value):
      return draft.bindings.check(.compare(field, sign, value)).map { .field(index: index, $0) }
    }
  }
}
