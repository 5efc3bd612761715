internal import FluxGraph
internal import GraphRuntime
internal import Platform

/// `fluxgraph record`: runs a graph, and puts its first session with Flux into a file that `serve --replay` plays.
struct RecordCommand {
  struct Arguments: Sendable {
    var file: String
    var holdsAudio = true
    var run: RunCommand.Arguments

    init(_ arguments: [String]) throws(UsageError) {
      if arguments.contains("--help") || arguments.contains("-h") { throw .help }
      var rest = arguments
      if let index = rest.firstIndex(of: "--no-audio") {
        rest.remove(at: index)
        holdsAudio = false
      }
      guard let first = rest.first, !first.hasPrefix("-") else {
        throw UsageError("`record` needs a file to write, then a graph as for `run`")
      }
      file = first
      run = try RunCommand.Arguments(Array(rest.dropFirst()))
    }
  }

  private let arguments: Arguments
  private let catalogue: Catalogue
  private let signals: SignalReader

  init(_ arguments: Arguments, _ catalogue: Catalogue, _ signals: SignalReader) {
    self.arguments = arguments
    self.catalogue = catalogue
    self.signals = signals
  }

  func run() async -> ExitCode {
    do {
      let file = try RecordingFile(path: arguments.file)
      var run = RunCommand(arguments.run, catalogue, signals)
      run.recording = RunCommand.Recording(holdsAudio: arguments.holdsAudio) { file.write($0) }
      let code = await run.run()
      try await file.finish()
      return code
    } catch {
      Terminal.error.write("error: \(error)\n")
      return .failure(error.code)
    }
  }
}
