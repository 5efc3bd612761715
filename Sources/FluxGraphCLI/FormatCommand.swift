internal import FluxGraph
internal import Glibc
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
    if source.name == "-" || source.name == "-e" {
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
    var status = stat()
    let isKnown = stat(path, &status) == 0
    let temporary = path + ".fmt-\(getpid())"
    let bytes = Array(text.utf8)
    let descriptor = open(
      temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, isKnown ? status.st_mode & 0o777 : 0o666)
    var isWritten = descriptor >= 0
    if isWritten {
      isWritten = Glibc.write(descriptor, bytes, bytes.count) == bytes.count
      if isKnown { fchmod(descriptor, status.st_mode & 0o777) }
      isWritten = close(descriptor) == 0 && isWritten
    }
    if isWritten && rename(temporary, path) == 0 { return .success }
    let problem = String(cString: strerror(errno))
    if descriptor >= 0 { unlink(temporary) }
    Terminal.error.write("error: cannot write \(path): \(problem)\n")
    return .failure(.inputOutput)
  }
}
