internal import FluxGraph

/// The third step of a check: every stage with what goes in and comes out, and the adapters between those that differ.
struct TypedGraph: CheckStep {
  let grounds: Grounds
  let bindings: Bindings
  var nodes: [DraftNode]
  let testedStreams: Set<Endpoint>
  /// Streams that carry something else than is wanted of them: each is one mistake, however often it shows.
  var mismatchedStreams: Set<Endpoint> = []

  init(_ draft: Draft) {
    grounds = draft.grounds
    bindings = draft.bindings
    nodes = draft.nodes
    testedStreams = draft.testedStreams
    inferTypes()
  }
}
