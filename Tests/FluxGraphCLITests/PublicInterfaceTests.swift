import FluxGraph
import Foundation
import Testing

/// What authors of stages and programs see of the modules they import.
@Suite(.timeLimit(.minutes(2))) struct PublicInterfaceTests {
  @Test("every public symbol says what it means", arguments: ["FluxGraph", "StageTesting", "FluxGraphCLI"])
  func documented(module: String) throws {
    let symbols = try SymbolGraph.symbols(of: module)
    #expect(symbols.count > 2)
    let silent = symbols.filter { !$0.isDocumented }.map(\.path)
    #expect(silent == [], "without a comment: \(silent.joined(separator: ", "))")
  }

  /// Parts of FluxGraph that are for whoever runs stages, and no stage's business.
  private static let runtimeOnly: Set<String> = ["AudioQueue", "AudioGate", "Waker", "resources"]

  @Test("the stages of the program use nothing of FluxGraph that others cannot")
  func noPrivilege() throws {
    var names: Set<String> = []
    for file in Project.files(in: "Sources/FluxGraph", endingWith: ".swift") {
      let text = try Project.text(file)
      for match in text.matches(
        of: /package (?:[a-z]+(?:\(set\))? )*(?:func|var|let|class|struct|enum|protocol|typealias) (\w+)/)
      {
        names.insert(String(match.output.1))
      }
    }
    #expect(names.isSuperset(of: Self.runtimeOnly), "\(names)")
    let declared = Set(
      try SymbolGraph.symbols(of: "FluxGraph").compactMap { $0.path.split(separator: ".").last })
    // A name that is also public says nothing.
    let closed = names.filter { name in
      !declared.contains { $0.prefix { $0 != "(" } == name }
    }
    for module in ["AudioStages", "EventStages", "FluxClient"] {
      for file in Project.files(in: "Sources/" + module, endingWith: ".swift") {
        let words = Set(
          try Project.text(file).split { !$0.isLetter && !$0.isNumber && $0 != "_" }.map(String.init))
        let used = closed.filter { Self.runtimeOnly.contains($0) && words.contains($0) }
        #expect(used.isEmpty, "\(file) uses \(used)")
        let other = closed.subtracting(Self.runtimeOnly).subtracting(Self.harmless).filter(words.contains)
        #expect(other.isEmpty, "\(file) uses \(other), which is closed to stages of other packages")
      }
    }
  }

  /// Closed members of `AudioQueue`, `AudioGate` and `Waker` whose names are everyday words.
  private static let harmless: Set<String> = [
    "slotFrames", "push", "pop", "end", "onRoom", "PopResult", "isAbandoned", "isFinished", "isClosed",
    "hold",
    "release", "openForGood",
  ]

  @Test("the stages of the program import only what stages of other packages may")
  func imports() throws {
    let allowed: [String: Set<String>] = [
      "AudioStages": [
        "FluxGraph", "AudioDSP", "AudioCodecs", "CPulse", "Glibc", "Synchronization", "Foundation",
        "FoundationEssentials",
      ],
      "EventStages": ["FluxGraph", "Glibc", "Synchronization", "Foundation", "FoundationEssentials"],
      "FluxClient": [
        "FluxGraph", "FluxProtocol", "Glibc", "Synchronization", "Foundation", "FoundationEssentials",
      ],
    ]
    for (module, known) in allowed {
      for file in Project.files(in: "Sources/" + module, endingWith: ".swift") {
        let imports = try Project.text(file).matches(of: /(?m)^(?:[a-z]+ )?import (\w+)/).map {
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
    var isDocumented: Bool
  }

  struct ToolFailure: Error {
    var output: String
  }

  static func symbols(of module: String) throws -> [Symbol] {
    let output = FileManager.default.temporaryDirectory.appending(path: "symbols-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: output, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: output) }
    let tool = Process()
    tool.executableURL = URL(filePath: "/usr/bin/env")
    // The modules this test was built from lie beside its program.
    let program = URL(filePath: CommandLine.arguments[0]).resolvingSymlinksInPath()
    var place = program.deletingLastPathComponent()
    while place.path != "/" && !FileManager.default.fileExists(atPath: place.appending(path: "Modules").path)
    {
      place.deleteLastPathComponent()
    }
    let machine = place.deletingLastPathComponent().lastPathComponent
    tool.arguments =
      [
        "swift-symbolgraph-extract", "-module-name", module, "-I", place.appending(path: "Modules").path,
        "-output-dir", output.path, "-minimum-access-level", "public", "-skip-synthesized-members",
        "-target", machine.hasSuffix("linux-gnu") ? machine : "x86_64-unknown-linux-gnu",
      ]
      + ["CCurl", "COpus", "CPulse"].flatMap {
        ["-Xcc", "-fmodule-map-file=\(Project.root)/Sources/\($0)/module.modulemap"]
      }
    let errors = Pipe()
    tool.standardError = errors
    try tool.run()
    let complaints = errors.fileHandleForReading.readDataToEndOfFile()
    tool.waitUntilExit()
    guard tool.terminationStatus == 0 else {
      throw ToolFailure(output: String(decoding: complaints, as: UTF8.self))
    }
    var symbols: [Symbol] = []
    for file in try FileManager.default.contentsOfDirectory(at: output, includingPropertiesForKeys: nil) {
      let text = String(decoding: try Data(contentsOf: file), as: UTF8.self)
      for symbol in try JSONValue.parse(text)["symbols"]?.arrayValue ?? [] {
        let parts = symbol["pathComponents"]?.arrayValue?.compactMap(\.stringValue) ?? []
        symbols.append(
          Symbol(path: parts.joined(separator: "."), isDocumented: symbol["docComment"] != nil))
      }
    }
    return symbols
  }
}
