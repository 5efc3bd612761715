/// The files of a new package, before the names are put in: `NAME` is the stage's word, `TYPE` its Swift type, `BASE` what both
/// its targets are called after.
struct PluginTemplate {
  private let name: PluginName
  private let kind: String
  private let reference: PluginOrigin.Reference

  init(_ name: PluginName, _ kind: String, _ reference: PluginOrigin.Reference) {
    self.name = name
    self.kind = kind
    self.reference = reference
  }

  var files: [(path: String, text: String)] {
    let part = PluginStageTemplate.of(kind)
    let texts: [(String, String)] =
      [
        ("Package.swift", Self.manifest),
        ("Sources/BASEHost/main.swift", Self.host),
        ("Sources/BASEHost/BASEStage.swift", part.stage),
        ("Tests/BASETests/BASEStageTests.swift", Self.testHead(for: part.tests) + part.tests),
        ("NAME.graph", part.graph),
      ] + (part.words.map { [("NAME.vtt", $0)] } ?? []) + [
        ("README.md", Self.readme.replacing("EXAMPLE", with: part.example)), (".gitignore", ".build/\n"),
      ]
    return texts.map { (filled($0.0), filled($0.1)) }
  }

  private func filled(_ text: String) -> String {
    text.replacing("TYPE", with: name.type).replacing("BASE", with: name.base)
      .replacing("NAME", with: name.word).replacing("IDENTITY", with: reference.identity)
      // Last: a path may have any of these words in it.
      .replacing("DEPENDENCY", with: reference.dependency)
  }

  private static let manifest = """
    // swift-tools-version: 6.2
    import PackageDescription

    let package = Package(
      name: "NAME",
      products: [.executable(name: "NAME", targets: ["BASEHost"])],
      dependencies: [DEPENDENCY],
      targets: [
        .executableTarget(
          name: "BASEHost",
          dependencies: [
            .product(name: "FluxGraph", package: "IDENTITY"),
            .product(name: "FluxGraphCLI", package: "IDENTITY"),
          ]),
        .testTarget(
          name: "BASETests",
          dependencies: ["BASEHost", .product(name: "StageTesting", package: "IDENTITY")]),
      ]
    )

    """

  private static let host = """
    import FluxGraph
    import FluxGraphCLI

    FluxGraphCLI.main(catalogue: .standard.adding(TYPE.self))

    """

  private static func testHead(for tests: String) -> String {
    """
    import FluxGraph
    \(tests.contains("FileManager") ? "import Foundation\n" : "")import StageTesting
    import Testing

    @testable import BASEHost

    """
  }

  private static let readme = """
    # NAME

    The command `NAME` is `fluxgraph` with one stage more, `NAME`.

    ```sh
    swift test                          # what every stage owes, and what this one does
    swift run NAME inspect NAME         # its options, from its description
    swift run NAME check NAME.graph     # the graph, and what would run
    swift run NAME run NAME.graph       # runs it
    swift run -c release NAME run -e 'EXAMPLE'
    ```

    The stage is `Sources/BASEHost/BASEStage.swift`. Its description is all there is to write about an option: the command line,
    the checker, `inspect` and completion read it. What a stage of each kind is called for, and on which thread, stands at the
    protocols in FluxGraph's `Stage.swift`; time, network, files, log and metrics come from the `StageContext`.

    """
}

/// The stage of one kind: its source, its tests, and a graph that runs without a key and a device.
struct PluginStageTemplate {
  var stage: String
  var tests: String
  var graph: String
  /// Timed words for the local Flux, where the graph uses it.
  var words: String?
  /// A graph on one line for the README.
  var example: String

  static func of(_ kind: String) -> PluginStageTemplate {
    switch kind {
    case "source": source
    case "transform": transform
    case "recogniser": recogniser
    case "events": events
    default: sink
    }
  }

  static let words = """
    WEBVTT

    00:00:00.300 --> 00:00:02.500
    Please call me back tomorrow.

    """
}
