internal import FluxGraph
internal import FluxGraphHost
internal import GraphLanguage
internal import GraphRuntime
internal import Platform

/// `fluxgraph test`: runs the tests written beside graphs.
struct TestCommand {
  private let arguments: GraphArguments
  private let catalogue: Catalogue

  init(_ arguments: [String], _ catalogue: Catalogue) throws(UsageError) {
    self.arguments = try GraphArguments("test", arguments)
    self.catalogue = catalogue
  }

  func run() -> ExitCode {
    arguments.forEachGraph(test)
  }

  private func test(_ file: GraphFile) -> ExitCode {
    let result = arguments.graph.check(file, catalogue, allowsMissingSecrets: true)
    guard let tests = result.tests else { return .failure(result) }
    guard !tests.tests.isEmpty else {
      Terminal.output.write("\(file.source.name)  no tests\n")
      return .success
    }
    Terminal.output.write("\(file.source.name)\n")
    let run = GraphTestRun(tests)
    var code = ExitCode.success
    for test in tests.tests {
      do throws(StageError) {
        let failures = try run.run(test) { feed throws(StageError) in try RecordedEvents.read(feed.path) }
        Terminal.output.write("  \(failures.isEmpty ? "ok    " : "FAILED")  \(test.title)\n")
        for failure in failures {
          Terminal.output.write(
            "          \(failure.location): \(failure.text)\n          \(failure.found)\n")
          code = .failedTest
        }
      } catch {
        Terminal.output.write("  FAILED  \(test.title)\n          \(error)\n")
        code = .failure(error.code)
      }
    }
    return code
  }
}
