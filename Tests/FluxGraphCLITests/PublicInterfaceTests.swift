import FluxGraph
import Foundation
import TestSupport
import Testing

/// What authors of stages and programs see of the modules they import.
@Suite(.timeLimit(.minutes(10))) struct PublicInterfaceTests {
  @Test(
    "every public symbol says what it means",
    arguments: ["Platform", "HTTPCore", "FluxGraph", "StageTesting", "FluxGraphHost", "FluxGraphCLI"])
  func documented(module: String) throws {
    let symbols = try SymbolGraph.symbols(of: module)
    #expect(symbols.count > 1)
    // What an initialiser takes stands at the properties, unless there is more to say.
    let silent = symbols.filter { !$0.isDocumented && $0.kind != "swift.init" }.map(\.path)
    #expect(silent == [], "without a comment: \(silent.joined(separator: ", "))")
  }

  /// What stages of the program use although it is closed to others: `stdout` shares the terminal with the program's status line;
  /// a hash and lines of a pipe are no matter of streams, and every package can have its own.
  private static let exceptions = [
    "TerminalRegion", "TerminalScreen", "SHA256", "hexadecimal", "OutputLines",
  ]

  @Test("the stages of the program use nothing of FluxGraph that others cannot")
  func noPrivilege() throws {
    var closed: Set<String> = []
    for file in Project.sources(of: "FluxGraph") {
      // Members of a closed type cannot be reached without it.
      var isInClosedType = false
      for line in try Project.text(file).split(separator: "\n") {
        let isTop = !line.hasPrefix(" ") && !line.hasPrefix("}")
        if isTop { isInClosedType = line.hasPrefix("package ") }
        let pattern =
          /^ *package (?:[a-z]+(?:\(set\))? )*(?:func|var|let|class|struct|enum|protocol|typealias) (\w+)/
        guard let name = line.firstMatch(of: pattern)?.output.1, isTop || !isInClosedType else { continue }
        closed.insert(String(name))
      }
    }
    // A name that is also public says nothing.
    for symbol in try SymbolGraph.symbols(of: "FluxGraph") {
      let name = symbol.path.split(separator: ".").last.map { $0.prefix { $0 != "(" } }
      if let name { closed.remove(String(name)) }
    }
    #expect(closed.isSuperset(of: ["AudioQueue", "Waker"]), "\(closed)")
    for module in ["AudioStages", "EventStages", "FluxClient"] {
      for file in Project.sources(of: module) {
        let words = try Project.text(file).split { !$0.isLetter && !$0.isNumber && $0 != "_" }.map(
          String.init)
        let used = closed.intersection(words).subtracting(Self.exceptions).sorted()
        #expect(used.isEmpty, "\(file) uses \(used), closed to stages of other packages")
      }
    }
  }

  @Test("the stages of the program import only what stages of other packages may")
  func imports() throws {
    let allowed: [String: Set<String>] = [
      "AudioStages": [
        "FluxGraph", "Platform", "AudioDSP", "AudioCodecs", "CPulse", "Glibc", "Synchronization",
        "Foundation",
        "FoundationEssentials",
      ],
      "EventStages": [
        "FluxGraph", "Platform", "Glibc", "Synchronization", "Foundation", "FoundationEssentials",
      ],
      "FluxClient": [
        "FluxGraph", "FluxProtocol", "AudioCodecs", "Glibc", "Synchronization", "Foundation",
        "FoundationEssentials",
      ],
    ]
    for (module, known) in allowed {
      for file in Project.sources(of: module) {
        let imports = try Project.text(file).matches(
          of: /(?m)^(?:[a-z]+ )?import (?:(?:class|func|struct) )?(\w+)/
        ).map {
          String($0.output.1)
        }
        #expect(known.isSuperset(of: imports), "\(file) imports \(imports)")
      }
    }
  }
}

/// A module's public symbols, as the compiler tells them.
enum SymbolGraph {
  struct Symbol {
    var path: String
    var kind: String
    var isDocumented: Bool
  }

  static func symbols(of module: String) throws -> [Symbol] {
    let output = try TemporaryFolder()
    // The modules this test was built from lie beside its program.
    let program = URL(filePath: CommandLine.arguments[0]).resolvingSymlinksInPath()
    var place = program.deletingLastPathComponent()
    while place.path != "/" && !FileManager.default.fileExists(atPath: place.appending(path: "Modules").path)
    {
      place.deleteLastPathComponent()
    }
    let machine = place.deletingLastPathComponent().lastPathComponent
    try Peers.run(
      "swift-symbolgraph-extract",
      [
        "-module-name", module, "-I", place.appending(path: "Modules").path,
        "-output-dir", output.path, "-minimum-access-level", "public", "-skip-synthesized-members",
        "-target", machine.hasSuffix("linux-gnu") ? machine : "x86_64-unknown-linux-gnu",
      ]
        + ["CCurl", "COpus", "CPulse", "CSIMD", "CPlatform"].flatMap {
          ["-Xcc", "-fmodule-map-file=\(Project.root)/Sources/\($0)/module.modulemap"]
        })
    var symbols: [Symbol] = []
    for file in output.names {
      let text = try output.text(file)
      let graph = try JSONValue.parse(text)
      // What the default of a requirement is for, the requirement says.
      let defaults = Set(
        (graph["relationships"]?.arrayValue ?? []).filter {
          $0["kind"]?.stringValue == "defaultImplementationOf"
        }.compactMap { $0["source"]?.stringValue })
      for symbol in graph["symbols"]?.arrayValue ?? [] {
        let parts = symbol["pathComponents"]?.arrayValue?.compactMap(\.stringValue) ?? []
        symbols.append(
          Symbol(
            path: parts.joined(separator: "."), kind: symbol["kind"]?["identifier"]?.stringValue ?? "",
            isDocumented: symbol["docComment"] != nil
              || defaults.contains(symbol["identifier"]?["precise"]?.stringValue ?? "")))
      }
    }
    return symbols
  }
}
