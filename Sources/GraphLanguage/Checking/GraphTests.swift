package import FluxGraph

/// The `test` blocks of a graph, and the part of it they need.
package struct GraphTests: Sendable {
  /// Every stage the tests look at or feed, with all that is between and before them.
  package var plan: Plan
  package var tests: [GraphTest]
}

/// A test: recorded events go in, and what arrives elsewhere is compared.
package struct GraphTest: Sendable {
  /// Where events enter the graph, as if this stream had given them.
  package struct Feed: Sendable {
    package var streams: [TestPoint]
    /// The file, resolved from the graph's directory.
    package var path: String
    package var location: String
  }

  /// What must be true of the events that arrive at a place.
  package struct Expectation: Sendable {
    package enum Claim: Sendable {
      case count(Predicate.Comparison, Int)
      case field(index: Int, Predicate)
    }

    package var streams: [TestPoint]
    package var claim: Claim
    /// As it is written.
    package var text: String
    /// `crm[0].transcript`, or `crm count`.
    package var subject: String
    package var location: String
  }

  package var title: String
  package var location: String
  package var feeds: [Feed]
  package var expectations: [Expectation]
}

/// A stream of events: what a node's main output or a port gives, or, for a sink, what arrives at it.
package struct TestPoint: Sendable, Hashable {
  /// The index of the node in `GraphTests.plan`.
  package var node: Int
  package var port: String?

  package init(node: Int, port: String?) {
    self.node = node
    self.port = port
  }
}
