internal import EventStages
internal import FluxGraph
internal import Glibc
internal import Platform

/// `fluxgraph spool`: what webhooks have not delivered yet.
struct SpoolCommand: Sendable {
  private enum Action: String, CaseIterable {
    case ls, deliver, redeliver, drop
  }

  /// How long `deliver` goes on while nothing is taken.
  private static let patience = Duration.seconds(60)

  private let action: Action
  private let directory: String
  private let name: String?
  /// The graph that is delivered for.
  private var graph: RunCommand.Arguments?

  init(_ arguments: [String]) throws(UsageError) {
    if arguments.first == Action.deliver.rawValue {
      var graph = try RunCommand.Arguments(parsing: Array(arguments.dropFirst()))
      let words = (graph.graph.text == nil ? [] : [""]) + graph.paths
      guard (1...2).contains(words.count) else {
        throw UsageError(
          "`spool deliver` wants a graph, which says where events go, and a sink's name or none")
      }
      var status = stat()
      if stat(words[0], &status) == 0, status.st_mode & S_IFMT == S_IFDIR {
        throw UsageError(
          "`spool deliver` wants the graph, and `\(words[0])` is a directory: a spool does not hold where its events go, nor the secret they are signed with"
        )
      }
      name = words.count == 2 ? words[1] : nil
      graph.paths = graph.graph.text == nil ? [words[0]] : []
      (action, directory, self.graph) = (.deliver, "", graph)
      return
    }
    let words = try ArgumentReader.words(arguments)
    let actions = Action.allCases.map(\.rawValue)
    guard let first = words.first, let action = Action(rawValue: first) else {
      throw UsageError(
        "`spool` wants one of \(actions.joined(separator: ", "))", candidates: actions,
        given: words.first ?? "")
    }
    guard (2...3).contains(words.count) else {
      throw UsageError("`spool \(first)` wants a directory, and a sink's name or none")
    }
    self.action = action
    directory = words[1]
    name = words.count == 3 ? words[2] : nil
  }

  func run(_ catalogue: Catalogue, _ signals: SignalReader) async throws -> ExitCode {
    if let graph {
      var run = RunCommand(graph, catalogue, signals)
      run.delivery = RunCommand.Delivery(
        sink: name, drain: DeliveryDrain(graph.drain ?? Self.patience, followsProgress: true))
      return try await run.run()
    }
    let known = try Spool.names(in: directory)
    if let name, !known.contains(name) {
      throw StageError(.inputOutput, "there is no spool of a sink called \(name) in \(directory)")
    }
    for sink in name.map({ [$0] }) ?? known { try await run(sink) }
    return .success
  }

  private func tell(_ sink: String, others: Int) {
    guard others > 0 else { return }
    Terminal.error.write("warning: \(sink): \(others) lines are no dead letters and were left\n")
  }

  private func run(_ sink: String) async throws(StageError) {
    let summary = try Spool.summary(directory: directory, name: sink)
    if [.redeliver, .drop].contains(action), summary.bytes > 0, summary.damaged == summary.bytes {
      throw StageError(
        .inputOutput, "\(directory)/\(sink).spool holds nothing of a spool, and is left as it is")
    }
    switch action {
    case .ls:
      var line = "\(sink)  \(summary.pending) waiting"
      if let oldest = summary.oldest { line += " since \(oldest.rfc3339)" }
      if summary.damaged > 0 { line += ", \(summary.damaged) bytes damaged" }
      Terminal.output.write("\(line), \(summary.bytes) bytes, \(summary.dead) dead\n")
    case .deliver: break  // It needs the graph.
    case .redeliver:
      let spool = try await Spool.whenFree(directory: directory, name: sink, limit: .max)
      let (accepted, refused) = try spool.redeliver()
      Terminal.output.write("\(sink)  \(accepted) are delivered again when the graph runs\n")
      tell(sink, others: refused)
    case .drop:
      let others = try await Spool.whenFree(directory: directory, name: sink, limit: .max).drop()
      tell(sink, others: others)
      Terminal.output.write("\(sink)  \(summary.pending) waiting and \(summary.dead) dead were dropped\n")
    }
  }
}
