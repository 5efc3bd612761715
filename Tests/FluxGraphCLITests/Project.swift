import FluxGraph
import Foundation
import GraphLanguage

@testable import FluxGraphCLI

/// The project's own files.
enum Project {
  static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().path

  static func text(_ path: String) throws -> String {
    try String(contentsOfFile: root + "/" + path, encoding: .utf8)
  }

  /// A module's Swift files, in whatever room of it.
  static func sources(of module: String) -> [String] {
    let names = FileManager.default.enumerator(atPath: root + "/Sources/" + module)?.allObjects
    return (names ?? []).compactMap { $0 as? String }.filter { $0.hasSuffix(".swift") }.sorted().map {
      "Sources/" + module + "/" + $0
    }
  }

  /// Files of a directory that end this way.
  static func files(in directory: String, endingWith ending: String) -> [String] {
    let names = try? FileManager.default.contentsOfDirectory(atPath: root + "/" + directory)
    return (names ?? []).filter { $0.hasSuffix(ending) }.sorted().map {
      directory.isEmpty ? $0 : directory + "/" + $0
    }
  }
}

func check(_ text: String, name: String = "t.graph", strict: Bool = false) -> CheckResult {
  let options = Checker.Options(
    environment: { $0 == "FLUXGRAPH_NO_SUCH_FILE" ? nil : "value of \($0)" }, isStrict: strict,
    readGraph: { path in
      (try? String(contentsOfFile: path, encoding: .utf8)).map { .success($0) }
        ?? .failure(Checker.UnreadableFile("cannot open \(path)"))
    })
  let directory = Project.root + "/graphs"
  return Checker(catalogue: .standard, options: options).check(
    GraphSource(name: name, text: text, directory: directory))
}
