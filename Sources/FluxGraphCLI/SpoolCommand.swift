internal import EventStages
internal import FluxGraph
internal import Platform

/// `fluxgraph spool`: what webhooks have not delivered yet.
struct SpoolCommand {
  private enum Action: String, CaseIterable {
    case ls, redeliver, drop
  }

  private let action: Action
  private let directory: String
  private let name: String?

  init(_ arguments: [String]) throws(UsageError) {
    var reader = ArgumentReader(arguments, known: [])
    var words: [String] = []
    while let argument = reader.next() {
      if argument.hasPrefix("-") { throw reader.unknown(argument) }
      words.append(argument)
    }
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

  func run() async -> ExitCode {
    do throws(StageError) {
      let known = try Spool.names(in: directory)
      if let name, !known.contains(name) {
        throw StageError(.inputOutput, "there is no spool of a sink called \(name) in \(directory)")
      }
      for sink in name.map({ [$0] }) ?? known { try await run(sink) }
      return .success
    } catch {
      Terminal.error.write("error: \(error)\n")
      return .failure(error.code)
    }
  }

  private func run(_ sink: String) async throws(StageError) {
    let summary = try Spool.summary(directory: directory, name: sink)
    switch action {
    case .ls:
      var line = "\(sink)  \(summary.pending) waiting"
      if let oldest = summary.oldest { line += " since \(oldest.rfc3339)" }
      Terminal.output.write("\(line), \(summary.bytes) bytes, \(summary.dead) dead\n")
    case .redeliver:
      let spool = try await Spool.whenFree(directory: directory, name: sink, limit: .max)
      let (accepted, refused) = try spool.redeliver()
      Terminal.output.write("\(sink)  \(accepted) are delivered again when the graph runs\n")
      if refused > 0 {
        Terminal.error.write("warning: \(sink): \(refused) lines are no dead letters and were left\n")
      }
    case .drop:
      try await Spool.whenFree(directory: directory, name: sink, limit: .max).drop()
      Terminal.output.write("\(sink)  \(summary.pending) waiting and \(summary.dead) dead were dropped\n")
    }
  }
}
