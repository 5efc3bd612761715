internal import FluxGraph
internal import Glibc

/// What stands behind `fluxgraph batch`.
struct BatchArguments: Sendable {
  var path: String?
  var graph = GraphChoice()
  /// Inputs as they were given, with lists still to be read.
  var inputs: [String] = []
  /// When an input that was asked to end is over at the latest.
  var stopTimeout = RunCommand.Arguments.usualStopTimeout
  /// Whether audio or events that were lost are no failure.
  var isLossy = false
  var isQuiet = false
  var limits = BatchSchedule.Limits()
  var shard: Shard?
  var manifest: String?
  var resumes = false
  /// What stands between the names of a list.
  var separator = UInt8(ascii: "\n")
  /// Where commands are taken; nil for nowhere.
  var controlPath: String?
  var observation = ObservationArguments()

  static let known =
    [
      "--quiet", "--lossy", "--stop-timeout", "--jobs", "--max-sessions", "--start-rate", "--shard",
      "--manifest", "--resume", "--null", "--control",
    ] + GraphChoice.known + ObservationArguments.known

  init(_ arguments: [String]) throws(UsageError) {
    limits.jobs = max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN)))
    var reader = ArgumentReader(arguments, known: Self.known)
    var words: [String] = []
    var takesOptions = true
    while let argument = reader.next() {
      guard takesOptions, argument.hasPrefix("-"), argument != "-" else {
        words.append(argument)
        continue
      }
      if argument == "--" { takesOptions = false } else { try take(argument, &reader) }
    }
    if graph.text == nil, !words.isEmpty { path = words.removeFirst() }
    inputs = words
    guard path != nil || graph.text != nil else {
      throw UsageError("`batch` needs a graph and its inputs: `batch transcribe.graph calls/*.wav`")
    }
    guard !inputs.isEmpty else {
      throw UsageError(
        "`batch` needs inputs behind the graph: files, `@FILE` for a list of them, or `-` for one on standard input"
      )
    }
    try observation.check()
    if inputs.filter({ $0 == "-" }).count + (path == "-" ? 1 : 0) > 1 {
      throw UsageError("standard input can be read once: as the graph or as a list of inputs")
    }
  }

  private mutating func take(_ option: String, _ reader: inout ArgumentReader) throws(UsageError) {
    switch option {
    case "--lossy": isLossy = true
    case "--stop-timeout": stopTimeout = try reader.duration(of: option)
    case "--quiet", "-q": isQuiet = true
    case "--jobs", "-j": limits.jobs = try number(option, try reader.value(of: option))
    case "--max-sessions": limits.sessions = try number(option, try reader.value(of: option))
    case "--start-rate":
      let text = try reader.value(of: option)
      guard let rate = Double(text), rate > 0, rate.isFinite else {
        throw UsageError("`--start-rate` wants sessions a second, such as `2` or `0.5`")
      }
      limits.startRate = rate
    case "--shard":
      shard = try Shard(try reader.value(of: option)) { getenv($0).map { String(cString: $0) } }
    case "--manifest": manifest = try reader.value(of: option)
    case "--resume": resumes = true
    case "--control": controlPath = try reader.value(of: option)
    case "--null", "-0": separator = 0
    default:
      if try graph.take(option, &reader) {
        guard graph.parameters["input"] == nil else {
          throw UsageError("`batch` itself sets `input`, to each of its inputs in turn")
        }
      } else if try !observation.take(option, &reader) {
        throw reader.unknown(option)
      }
    }
  }

  private func number(_ option: String, _ text: String) throws(UsageError) -> Int {
    guard let number = Int(text), (1...100_000).contains(number) else {
      throw UsageError("`\(option)` wants a number from 1 to 100000, not `\(text)`")
    }
    return number
  }

  /// The manifest's path: as given, or after the graph's name and the shard, in the working directory.
  var manifestPath: String {
    if let manifest { return manifest }
    var name = path == nil || path == "-" ? "" : path!.split(separator: "/").last.map(String.init) ?? ""
    if name.hasSuffix(".graph") { name.removeLast(6) }
    if !name.isEmpty { name += "." }
    if let shard { return "\(name)batch.\(shard.index + 1)-of-\(shard.count).jsonl" }
    return "\(name)batch.jsonl"
  }
}
