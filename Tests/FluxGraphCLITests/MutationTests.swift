import FluxGraph
import Foundation
import GraphLanguage
import Testing

@testable import FluxGraphCLI

/// Slips of the pen in every graph the project shows: each is told once, where it is, and what is proposed puts it right.
@Suite struct MutationTests {
  struct Sample: Sendable, CustomTestStringConvertible {
    var name: String
    var text: String
    var testDescription: String { name }
  }

  /// The gallery, the graphs in documents, and the examples of all stages.
  static let samples: [Sample] = {
    let gallery = Project.files(in: "graphs", endingWith: ".graph").compactMap { file in
      (try? Project.text(file)).map { Sample(name: file, text: $0) }
    }
    let documents = Project.files(in: "", endingWith: ".md").flatMap { file in
      let document = GraphSource(name: file, text: (try? Project.text(file)) ?? "", directory: Project.root)
      return MarkdownGraphs.sources(in: document).enumerated().map {
        Sample(name: "\(file), graph \($0 + 1)", text: $1.text.trimmingCharacters(in: .newlines) + "\n")
      }
    }
    let examples = Catalogue.standard.all.flatMap { stage in
      stage.examples.enumerated().map { Sample(name: "\(stage.name), example \($0 + 1)", text: $1) }
    }
    return gallery + documents + examples
  }()

  @Test("a slip is one error in its place, and what is proposed makes the graph pass", arguments: samples)
  func slips(_ sample: Sample) {
    let isClean = check(sample.text).diagnostics.isEmpty
    for mutation in MutationMaker.mutations(of: sample.text) {
      for problem in Self.problems(mutation, ofCleanGraph: isClean) {
        Issue.record("\(problem): \(mutation.title)\n\(check(mutation.graph).rendered(color: false))")
      }
    }
  }

  /// What is not as it should be.
  private static func problems(_ mutation: Mutation, ofCleanGraph isClean: Bool) -> [String] {
    let result = check(mutation.graph)
    let errors = result.diagnostics.filter { $0.severity == .error }
    // A sink misspelt in a route's arm is a name there, which nobody uses.
    let told = errors.isEmpty && isClean ? result.diagnostics : errors
    guard let first = told.first else { return mutation.mayPass || !isClean ? [] : ["nothing is said"] }
    guard told.count == 1 || errors.isEmpty else { return ["\(told.count) errors"] }
    var problems: [String] = []
    if let place = first.primary?.span, !touches(place, mutation) { problems.append("another place") }
    let isProposed = first.help?.hasPrefix("write `") ?? false || first.primary?.text.hasPrefix("did you mean") ?? false
    guard let replacement = first.replacement else {
      if isProposed { problems.append("a proposal that no program can apply") }
      if mutation.slip == .misspelt, mutation.subject != .unit { problems.append("no proposal") }
      return problems
    }
    let mended = check(replacing(replacement, in: mutation.graph))
    if mended.plan == nil {
      problems.append("the proposal does not pass:\n\(mended.rendered(color: false))")
    }
    return problems
  }

  /// Whether a place covers the slip, or lies in it or directly beside it.
  private static func touches(_ span: SourceSpan, _ mutation: Mutation) -> Bool {
    span.lower <= mutation.place.upperBound + 1 && mutation.place.lowerBound - 1 <= span.upper
  }

  static func replacing(_ replacement: Diagnostic.Replacement, in graph: String) -> String {
    var bytes = Array(graph.utf8)
    bytes.replaceSubrange(replacement.span.lower..<replacement.span.upper, with: replacement.text.utf8)
    return String(decoding: bytes, as: UTF8.self)
  }

  @Test("the slips are many and of all kinds")
  func coverage() {
    let mutations = Self.samples.flatMap { MutationMaker.mutations(of: $0.text) }
    #expect(mutations.count > 3_000)
    let kinds = Set(mutations.map { "\($0.subject) \($0.slip)" })
    #expect(
      kinds.isSuperset(of: [
        "stage misspelt", "stage removed", "stage doubled", "option misspelt", "option removed",
        "option doubled", "value retyped", "value removed", "field misspelt", "field removed", "field retyped",
        "event misspelt", "event retyped", "event doubled", "unit misspelt", "unit removed", "unit doubled",
        "word misspelt", "word doubled", "name misspelt", "port misspelt", "flag misspelt", "flag doubled",
      ]))
  }
}
