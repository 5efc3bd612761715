internal import AudioCodecs
internal import AudioStages
internal import FluxClient
internal import FluxGraph
internal import GraphLanguage

/// How long running a plan takes, and what of it is billed, as far as the headers of its files tell.
struct PlanForecast {
  /// How much audio a stage gives.
  private enum Length {
    /// Seconds, and channels where they are known.
    case known(Double, channels: Int?)
    case endless
    case unknown
  }

  private let plan: Plan
  private let native: Bool
  private var lengths: [Length] = []
  /// How much faster than real time what a stage gives comes.
  private var speeds: [Double] = []

  /// - Parameter native: whether no other program may be run.
  init(_ plan: Plan, native: Bool = false) {
    self.plan = plan
    self.native = native
    for node in plan.nodes {
      let inputs = plan.inputs(of: node.id).map(\.from)
      let stage = try? node.specification.make(node.settings)
      lengths.append(length(of: node, stage, inputs))
      let speed = inputs.map { speeds[$0] }.min() ?? 1
      speeds.append((stage as? Pace).map { $0.speed.factor } ?? speed)
    }
  }

  /// How much audio goes through the plan, in seconds; nil where that is not known, or has no end.
  var seconds: Double? {
    var longest: Double?
    for node in plan.nodes where node.input == nil {
      guard case .known(let seconds, _) = lengths[node.id] else { return nil }
      longest = max(longest ?? 0, seconds)
    }
    return longest
  }

  /// One sentence each, for people; empty for a plan without a session with Flux.
  var lines: [String] {
    let sessions = plan.nodes.compactMap { node in
      (try? node.specification.make(node.settings) as? Flux).map { (node, $0) }
    }
    guard !sessions.isEmpty else { return [] }
    return [takes(sessions.map(\.0))] + [billed(sessions), stereo(sessions)].compactMap { $0 }
  }

  /// nil where no two channels become one.
  private func stereo(_ sessions: [(node: PlanNode, stage: Flux)]) -> String? {
    let isMixed = sessions.contains { node, stage in
      guard stage.channels != .split else { return false }
      var place = node
      while let before = plan.inputs(of: place.id).first?.from {
        if case .known(_, channels: 2) = lengths[before] { return true }
        place = plan.nodes[before]
        if place.specification.role == .mix, !place.isAutomatic { return false }
      }
      return false
    }
    return isMixed
      ? "stereo: two channels are mixed into one; where each has a speaker of its own, `flux channels=split` hears both, and bills each"
      : nil
  }

  private func takes(_ nodes: [PlanNode]) -> String {
    let inputs = nodes.compactMap { plan.inputs(of: $0.id).first?.from }
    var longest = 0.0
    for input in inputs {
      switch lengths[input] {
      case .known(let seconds, _): longest = max(longest, seconds / speeds[input])
      case .endless: return "takes: until it is stopped"
      case .unknown: return "takes: unknown"
      }
    }
    return "takes: about \(Self.minutes(longest))"
  }

  /// nil when nothing is billed.
  private func billed(_ sessions: [(node: PlanNode, stage: Flux)]) -> String? {
    let billed = sessions.filter { $0.stage.billing != nil }
    if billed.isEmpty { return nil }
    var total = 0.0
    for (node, stage) in billed {
      guard let input = plan.inputs(of: node.id).first?.from else { continue }
      let limit = stage.maximumDuration?.seconds
      let (seconds, channels): (Double?, Int?) =
        switch lengths[input] {
        case .known(let seconds, let channels): (limit.map { min($0, seconds) } ?? seconds, channels)
        case .endless, .unknown: (nil, nil)
        }
      let count = stage.channels == .split ? channels : 1
      guard let seconds, let count else {
        let most = limit.map { "; `max_duration=` ends each session after \(Self.minutes($0))" }
        return "billed: unknown\(most ?? "; `max_duration=` sets a limit")"
      }
      total += seconds * Double(count)
    }
    return "billed: about \(Self.minutes(total)) of Flux audio"
  }

  /// `3.2 min`; below a tenth of one it is rounded up, because nothing is not what it is.
  static func minutes(_ seconds: Double) -> String {
    "\(fixedText(seconds > 0 ? max(0.1, seconds / 60) : 0, digits: 1)) min"
  }

  // MARK: - Lengths

  private func length(of node: PlanNode, _ stage: (any Stage)?, _ inputs: [Int]) -> Length {
    switch stage {
    case let source as FileSource: return length(of: source, node)
    case let tone as Tone:
      return tone.duration.map { .known($0.seconds, channels: 1) } ?? .endless
    case is Mix:
      return joined(inputs.map { lengths[$0] })
    case is Decode, is Resample, is Format, is Chunk, is Pace, is Gain:
      return inputs.first.map { lengths[$0] } ?? .unknown
    default:
      // A live source never ends by itself; what another stage makes of its input is its own affair.
      guard case .audio(let audio)? = node.output, audio.liveness == .live, inputs.isEmpty else {
        if case .bytes(let bytes)? = node.output, bytes.liveness == .live, inputs.isEmpty { return .endless }
        return .unknown
      }
      return .endless
    }
  }

  /// Streams that are mixed end with the longest.
  private func joined(_ lengths: [Length]) -> Length {
    var longest = 0.0
    for length in lengths {
      switch length {
      case .known(let seconds, _): longest = max(longest, seconds)
      case .endless: return .endless
      case .unknown: return .unknown
      }
    }
    return .known(longest, channels: 1)
  }

  private func length(of source: FileSource, _ node: PlanNode) -> Length {
    let excerpt = source.excerpt
    guard let sound = try? plan.soundFile(of: node, native: native)?.length() else { return .unknown }
    let rest = max(0, sound.seconds - excerpt.start.seconds)
    return .known(excerpt.duration.map { min($0.seconds, rest) } ?? rest, channels: sound.channels)
  }
}
