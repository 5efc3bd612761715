internal import FluxGraph
internal import FluxGraphHost
internal import GraphLanguage
internal import Platform

/// `fluxgraph fmt`: lays graphs out in the canonical way.
struct FormatCommand {
  private let arguments: GraphArguments

  init(_ arguments: [String]) throws(UsageError) {
    self.arguments = try GraphArguments("fmt", arguments, flags: ["--check"])
  }

  func run() -> ExitCode {
    arguments.forEachGraph(format)
  }

  private func format(_ file: GraphFile) -> ExitCode {
    let source = file.source
    let (text, diagnostics) = GraphFormatter.format(source)
    guard let text else {
      for diagnostic in diagnostics {
        Terminal.error.write(
          drawn: diagnostic.rendered(
            source: source, color: Terminal.error.isColored, width: Terminal.error.columns) + "\n")
      }
      return .badGraph
    }
    if arguments.options["--check"] != nil {
      if text == source.text { return .success }
      Terminal.output.write("\(source.name) is not in canonical layout\n")
      return .failedTest
    }
    if source.name == "-" || source.name == "-e" || !isRegularFile(source.name) {
      // A graph that goes to a file or another program stays as it is.
      if Terminal.output.isTerminal {
        Terminal.output.write(lines: text)
      } else {
        Terminal.output.write(drawn: text)
      }
      return .success
    }
    return text == source.text ? .success : write(text, to: source.name)
  }

  /// Puts the text in the file's place in one step: a graph is never half written.
  private func write(_ text: String, to path: String) -> ExitCode {
    do throws(FileError) {
      try replaceFile(path, with: Array(text.utf8))
      return .success
    } catch {
      Terminal.error.write("error: \(error)\n")
      return .failure(.inputOutput)
    }
  }
}
