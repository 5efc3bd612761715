import ExampleStages
import FluxGraph
import FluxGraphCLI
import Testing

@Suite struct DescriptionTests {
  @Test("every stage has two examples, and each is right", arguments: Catalogue.examples.all.map(\.name))
  func examples(_ name: String) throws {
    let stage = try #require(Catalogue.examples[name])
    #expect(stage.examples.count >= 2)
    for example in stage.examples { _ = try Graph(text: example, catalogue: .standard.adding(.examples)) }
  }
}
