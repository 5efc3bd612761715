package import FluxGraph
package import GraphLanguage
internal import Platform

/// A graph named on the command line: a file, or a text after `-e`.
package struct GraphFile: Sendable {
  /// Longer graphs are data that was named by mistake.
  private static let sizeLimit = 1_000_000

  package let source: GraphSource
  package let environment: GraphEnvironment

  /// Reads the file at `path`; `-` is standard input.
  package init(path: String) throws(StageError) {
    let text = try Self.text(of: path)
    let directory = path == "-" ? "." : path.lastIndex(of: "/").map { String(path[...$0]) } ?? "."
    guard path.hasSuffix(".json") else {
      self.init(GraphSource(name: path, text: text, directory: directory))
      return
    }
    do {
      let graph = try GraphDrawing.graphText(of: try JSONValue.parse(text))
      self.init(GraphSource(name: path, text: graph, directory: directory))
    } catch let error as DrawingError {
      throw StageError(.badGraph, "\(path): \(error.message)")
    } catch {
      throw StageError(.badGraph, "\(path) is no JSON: \(error)")
    }
  }

  /// The graphs in a Markdown document.
  package var markdownGraphs: [GraphFile] { MarkdownGraphs.sources(in: source).map(GraphFile.init) }

  private static func text(of path: String, isRegular: Bool = false) throws(StageError) -> String {
    let bytes = try InputFile.read(path, limit: sizeLimit, isRegular: isRegular)
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw StageError(.badGraph, "\(path) is no graph: it is not UTF-8 text")
    }
    return text
  }

  package init(text: String, name: String = "-e", directory: String = ".") {
    self.init(GraphSource(name: name, text: text, directory: directory))
  }

  private init(_ source: GraphSource) {
    self.source = source
    environment = GraphEnvironment(directory: source.directory)
  }

  /// Checks the graph.
  package func check(
    _ catalogue: Catalogue, parameters: [String: String] = [:], isStrict: Bool = false,
    allowsMissingSecrets: Bool = false, allowsMissingSinks: Bool = false,
    secrets: SecretRegister = .program
  ) -> CheckResult {
    let environment = environment
    secrets.learn(from: environment)
    let options = Checker.Options(
      parameters: parameters, environment: { environment[$0] }, isStrict: isStrict,
      readGraph: { path in
        do throws(StageError) {
          return .success(try Self.text(of: path, isRegular: true))
        } catch {
          return .failure(Checker.UnreadableFile(error.message))
        }
      }, allowsMissingSecrets: allowsMissingSecrets, allowsMissingSinks: allowsMissingSinks,
      secrets: secrets)
    return Checker(catalogue: catalogue, options: options).check(source)
  }
}
