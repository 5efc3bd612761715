internal import FluxGraph
internal import FluxGraphHost
internal import GraphRuntime
internal import Platform

/// `fluxgraph record`: runs a graph, and puts its first session with Flux into a file that `serve --replay` plays.
struct RecordCommand {
  struct Arguments: Sendable {
    var file: String
    var holdsAudio: Bool
    var overwrite: Bool
    var run: RunCommand.Arguments

    init(_ arguments: [String]) throws(UsageError) {
      if arguments.contains("--help") || arguments.contains("-h") { throw .help }
      var rest = arguments
      func take(_ flag: String) -> Bool {
        guard let index = rest.firstIndex(of: flag) else { return false }
        rest.remove(at: index)
        return true
      }
      holdsAudio = !take("--no-audio")
      overwrite = take("--overwrite")
      run = try RunCommand.Arguments(parsing: rest)
      let words = run.paths
      guard words.count == (run.graph.text == nil ? 2 : 1) else {
        throw UsageError("`record` needs a graph as for `run`, then a file to write")
      }
      // The file came first in older versions; with a graph as text it stands alone.
      let isOldOrder =
        run.graph.text == nil && !RecordingFile.isSomethingElse(words[0])
        && RecordingFile.isSomethingElse(words[1])
      file = isOldOrder ? words[0] : words[words.count - 1]
      run.paths = run.graph.text == nil ? [isOldOrder ? words[1] : words[0]] : []
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

  func run() async throws -> ExitCode {
    let file = try RecordingFile(path: arguments.file, overwrite: arguments.overwrite)
    var run = RunCommand(arguments.run, catalogue, signals)
    run.recording = RunCommand.Recording(
      holdsAudio: arguments.holdsAudio, path: arguments.file, need: file.need, write: { file.write($0) })
    let code: ExitCode
    do {
      code = try await run.run()
    } catch {
      // What there is of the session is kept.
      _ = try? await file.finish()
      throw error
    }
    if try await file.finish() == false, code == .success {
      Terminal.error.write("notice: nothing was recorded: the graph had no session with Flux\n")
    }
    return code
  }
}
