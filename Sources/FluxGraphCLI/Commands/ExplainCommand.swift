internal import FluxGraph
internal import FluxGraphHost
internal import GraphLanguage
internal import Platform

/// `fluxgraph explain`: a page about a diagnostic.
struct ExplainCommand {
  private let code: String?
  private let catalogue: Catalogue

  init(_ arguments: [String], _ catalogue: Catalogue) throws(UsageError) {
    let words = try ArgumentReader.words(arguments)
    guard words.count < 2 else { throw UsageError("`explain` takes one code") }
    code = words.first
    self.catalogue = catalogue
  }

  func run() throws(UsageError) -> ExitCode {
    let pages = Explanation.all(of: catalogue)
    guard let code else {
      Terminal.output.write(lines: pages.map { $0.code + "\n" }.joined())
      return .success
    }
    // As it is shown: `error[unknown-stage]`.
    let word = code.split(separator: "[").last.map { String($0).replacing("]", with: "") } ?? code
    guard let page = pages.first(where: { $0.code == word }) else {
      throw UsageError("no diagnostic has the code `\(word)`", candidates: pages.map(\.code), given: word)
    }
    Terminal.output.write(lines: page.text)
    return .success
  }
}
