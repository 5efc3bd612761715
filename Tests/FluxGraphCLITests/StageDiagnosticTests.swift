import FluxGraph
import Foundation
import GraphLanguage
import Testing

@testable import FluxGraphCLI

/// The mistakes stages declare themselves: each code's page shows one, and this is what is said of it.
@Suite struct StageDiagnosticTests {
  @Test(
    "each mistake is told in these words, and what a program can apply puts it right",
    arguments: texts.keys.sorted())
  func text(_ code: String) throws {
    let page = try #require(DocumentTests.pages.first { $0.code == code })
    let example = try #require(page.example)
    let result = check(example)
    #expect(result.rendered(color: false) == Self.texts[code])
    guard let replacement = result.diagnostics.first?.replacement else { return }
    let mended = check(MutationTests.replacing(replacement, in: example))
    #expect(mended.diagnostics == [], "\(mended.rendered(color: false))")
  }

  @Test("every code of a stage's own has its text here")
  func complete() {
    let language = Set(DiagnosticCode.allCases.map(\.rawValue))
    #expect(Set(DocumentTests.pages.map(\.code)).subtracting(language) == Set(Self.texts.keys))
  }

  /// The texts by their codes, each behind a line `== CODE`.
  static let texts: [String: String] = {
    let parts = (try? Project.text("Tests/FluxGraphCLITests/StageDiagnostics.txt"))?.components(
      separatedBy: "== ")
    var texts: [String: String] = [:]
    for part in (parts ?? []).dropFirst() {
      guard let end = part.firstIndex(of: "\n") else { continue }
      texts[String(part[..<end])] = String(part[part.index(after: end)...])
    }
    return texts
  }()
}
