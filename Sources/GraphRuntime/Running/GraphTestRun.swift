package import FluxGraph
package import GraphLanguage

/// Runs a graph's tests: recorded events go through the event stages between where they are fed and where they are looked at.
/// Sources and recognisers are never made, and a sink only collects, so that no device, file or network is touched.
package struct GraphTestRun {
  /// An expectation that did not come true.
  package struct Failure: Sendable, Hashable {
    /// The line of the test.
    package var text: String
    package var location: String
    /// What was found instead, as one sentence.
    package var found: String
  }

  private let tests: GraphTests

  package init(_ tests: GraphTests) {
    self.tests = tests
  }

  /// Runs one test on fresh stages.
  /// - Parameter events: what a recorded file holds, in order.
  package func run(
    _ test: GraphTest, events: (GraphTest.Feed) throws(StageError) -> [Event]
  ) throws(StageError) -> [Failure] {
    let flow = try EventFlow(tests.plan)
    for feed in test.feeds {
      for event in try events(feed) {
        for point in feed.streams { flow.emit(event, at: point) }
      }
    }
    flow.finish()
    return test.expectations.compactMap { expectation in
      Self.mismatch(expectation.claim, expectation.subject, expectation.streams.flatMap(flow.events)).map {
        Failure(text: expectation.text, location: expectation.location, found: $0)
      }
    }
  }

  private static func mismatch(
    _ claim: GraphTest.Expectation.Claim, _ subject: String, _ events: [Event]
  ) -> String? {
    switch claim {
    case .count(let comparison, let count):
      let claim = Predicate.compare(field: "count", comparison, .number(Double(count)))
      if claim.holds({ _ in .number(Double(events.count)) }) { return nil }
      return "\(subject) has \(events.count) \(events.count == 1 ? "event" : "events")"
    case .field(let index, let predicate):
      guard events.indices.contains(index) else {
        return "there is no \(subject): \(events.count) \(events.count == 1 ? "event" : "events") arrived"
      }
      if predicate.holds({ events[index].value(of: $0) }) { return nil }
      let found = predicate.fields.first.flatMap { events[index].value(of: $0) }
      return "\(subject) is \(found.map(text) ?? "missing")"
    }
  }

  private static func text(_ value: FieldValue) -> String {
    if case .text(let text) = value { return quotedText(text) }
    return value.description
  }
}

/// The event stages of a plan, linked, with everything that passed kept.
private final class EventFlow {
  private let plan: Plan
  private var transforms: [Int: any EventTransform] = [:]
  private var worlds: [Int: OfflineContext] = [:]
  private var passed: [TestPoint: [Event]] = [:]
  private var consumers: [TestPoint: [Int]] = [:]

  init(_ plan: Plan) throws(StageError) {
    self.plan = plan
    for node in plan.nodes where node.specification.group == .events {
      do throws(OptionError) {
        let world = OfflineContext(
          name: node.title, category: node.specification.name, directory: node.directory ?? plan.directory)
        worlds[node.id] = world
        transforms[node.id] = try node.specification.make(node.settings).form.eventTransform
        transforms[node.id]?.prepare(world.context)
      } catch {
        throw StageError(.badGraph, "\(node.location): \(node.specification.name) \(error.message)")
      }
    }
    for link in plan.links {
      consumers[TestPoint(node: link.from, port: link.port), default: []].append(link.to)
    }
  }

  /// What passed a place.
  func events(_ point: TestPoint) -> [Event] { passed[point] ?? [] }

  func emit(_ event: Event, at point: TestPoint) {
    passed[point, default: []].append(event)
    for consumer in consumers[point] ?? [] {
      if transforms[consumer] != nil {
        var output: [Event] = []
        transforms[consumer]?.process(event) { output.append($0) }
        for event in output { emit(event, at: TestPoint(node: consumer, port: nil)) }
        emitSent(by: consumer)
      } else {
        // What arrives at a sink is what the sink stands for.
        passed[TestPoint(node: consumer, port: nil), default: []].append(event)
      }
    }
  }

  /// Lets stages that hold events back give them. Nodes stand in the order of the flow.
  func finish() {
    for node in plan.nodes.indices where transforms[node] != nil {
      var output: [Event] = []
      transforms[node]?.finish { output.append($0) }
      for event in output { emit(event, at: TestPoint(node: node, port: nil)) }
      emitSent(by: node)
    }
  }

  /// Passes on what a stage has sent out by its ports.
  private func emitSent(by node: Int) {
    for (event, port) in worlds[node]?.takeSent() ?? [] {
      emit(event, at: TestPoint(node: node, port: port))
    }
  }
}
