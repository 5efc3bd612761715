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
    /// Of an example of a stage, only that stage is changed: the others have examples of their own.
    var stage: String?
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
        // The lines of the document around the graph are blank.
        let lines = $1.text.split(separator: "\n").filter { !$0.allSatisfy(\.isWhitespace) }
        return Sample(name: "\(file), graph \($0 + 1)", text: lines.joined(separator: "\n") + "\n")
      }
    }
    let examples = Catalogue.standard.all.flatMap { stage in
      stage.examples.enumerated().map {
        Sample(name: "\(stage.name), example \($0 + 1)", text: $1, stage: stage.name)
      }
    }
    return gallery + documents + examples
  }()

  @Test("a slip is one error in its place, and what is proposed makes the graph pass", arguments: samples)
  func slips(_ sample: Sample) {
    let isClean = check(sample.text).diagnostics.isEmpty
    for mutation in MutationMaker.mutations(of: sample.text, only: sample.stage) {
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
    // A parameter whose last use is gone, or an event that is sent no more: what is left is right, and a word about it is due.
    if errors.isEmpty, mutation.mayPass { return [] }
    guard told.count == 1 || errors.isEmpty else { return ["\(told.count) errors"] }
    var problems: [String] = []
    let labels = ([first.primary].compactMap { $0 } + first.secondary).map(\.span)
    // What a stage that is missing or too many leads to shows beside it, or where the name of its chain is used.
    let isThere =
      mutation.subject == .stage && mutation.slip != .misspelt
      ? labels.contains { mutation.chain.lowerBound <= $0.lower && $0.upper <= mutation.chain.upperBound }
        || first.code == DiagnosticCode.unknownPort.rawValue
      : labels.first.map { touches($0, mutation) } ?? false
    if !isThere { problems.append("another place") }
    let isProposed =
      first.help?.hasPrefix("write `") ?? false || first.primary?.text.hasPrefix("did you mean") ?? false
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
    let mutations = Self.samples.flatMap { MutationMaker.mutations(of: $0.text, only: $0.stage) }
    #expect(mutations.count > 2_000)
    let kinds = Set(mutations.map { "\($0.subject) \($0.slip)" })
    #expect(
      kinds.isSuperset(of: [
        "stage misspelt", "stage removed", "stage doubled", "option misspelt", "option removed",
        "option doubled", "value retyped", "value removed", "field misspelt", "field removed",
        "field retyped",
        "event misspelt", "event retyped", "event doubled", "unit misspelt", "unit removed", "unit doubled",
        "word misspelt", "word doubled", "name misspelt", "port misspelt", "flag misspelt", "flag doubled",
      ]))
  }

  @Test("what can be laid out is laid out once and for all, and loses no comment", arguments: samples)
  func layout(_ sample: Sample) throws {
    let mutations = MutationMaker.mutations(of: sample.text, only: sample.stage)
    var texts = [sample.text] + mutations.enumerated().filter { $0.offset % 12 == 0 }.map(\.element.graph)
    // Remarks in every tenth place where a blank is.
    for (index, character) in sample.text.enumerated() where character == " " && index % 10 == 0 {
      var text = Array(sample.text)
      text.replaceSubrange(index...index, with: Array("  # remark \(index)\n    "))
      texts.append(String(text))
    }
    for text in texts {
      let source = GraphSource(name: "t.graph", text: text, directory: ".")
      guard let once = GraphFormatter.format(source).text else { continue }
      let twice = GraphFormatter.format(GraphSource(name: "t.graph", text: once, directory: ".")).text
      #expect(twice == once, "\(text)")
      let isKept = !text.contains("# remark ") || once.contains("# remark ")
      #expect(isKept, "\(text)\n\(once)")
      #expect(Self.reading(text) == Self.reading(once), "\(text)\n\(once)")
    }
  }

  /// What a graph is, whatever its layout: the words of its syntax tree.
  private static func reading(_ text: String) -> [String] {
    let source = GraphSource(name: "t.graph", text: text, directory: ".")
    return Parser.parse(source).tree.items.map { item in
      source.text(of: item.span).split(separator: "\n").map { $0.components(separatedBy: "# remark ")[0] }
        .joined(separator: " ").filter { !$0.isWhitespace }
    }
  }
}
