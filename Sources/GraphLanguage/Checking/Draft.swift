internal import FluxGraph

/// The second step of a check: the stages as they are written, with their options set, and the names of streams.
struct Draft: CheckStep {
  let grounds: Grounds
  var bindings: Bindings
  var names: [String: BoundName] = [:]
  /// Where each name is first defined, whether before or after its uses.
  var definitions: [String: SourceSpan] = [:]
  /// In the order of their definition.
  var nameOrder: [String] = []
  /// Names bound by the arms of routes.
  var armNames: Set<String> = []
  var nodes: [DraftNode] = []
  /// Events conditions wait for: where they are named, and the node that waits.
  var awaitedEvents: [(SourceSpan, String, Int)] = []
  /// Heads that no stage or stream is called: each is one mistake, however often it shows.
  var unknownHeads: Set<String> = []
  /// Streams that tests feed or look at.
  var testedStreams: Set<Endpoint> = []

  init(_ tree: SyntaxTree, _ bindings: Bindings) {
    grounds = bindings.grounds
    self.bindings = bindings
    read(tree)
    self.bindings.checkPaths()
  }
}

/// A name and the streams it stands for: one, or several after `both = me, them`.
struct BoundName {
  var definition: SourceSpan
  var streams: [Endpoint]
  /// Whether what it stands for could not be read; then nothing more is said about it.
  var isPoisoned: Bool
  var isUsed = false
}

/// An output of a node, as something else refers to it.
struct Endpoint: Hashable {
  var node: Int
  var port: String?
  /// Where it is named: the reference, or the stage before the `|`.
  var span: SourceSpan

  /// The same output, wherever it is named.
  var unplaced: Endpoint { Endpoint(node: node, port: port, span: SourceSpan(0, 0)) }
}

/// A stage of the plan in the making.
struct DraftNode {
  var specification: StageSpecification
  var settings: [StageSetting]
  var text: String
  var stage: any Stage
  var name: String?
  var span: SourceSpan
  /// The stage's word.
  var word: SourceSpan
  var isAutomatic = false
  /// Whether it stands for an arm of a route that is not its first.
  var isFurtherArm = false
  var inputs: [Endpoint]
  /// What comes in and goes out; nil where nothing does, and where a mistake makes it unknown.
  var input: StreamType?
  var output: StreamType?
  var wanted: AudioRequirement?
  /// After a mistake, nothing more is said about what comes out.
  var isPoisoned = false
  /// The first place on the way from the source where the audio goes several ways; pacing belongs before it.
  var firstTee: Int?

  var role: AdapterRole? { specification.role }
}
