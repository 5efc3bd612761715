import Foundation
import Testing

/// The map of the sources is what they are.
@Suite struct ModuleMapTests {
  private static let sources = URL(filePath: #filePath).appending(path: "../../../Sources").standardized

  /// The modules of the map, with what it says they import.
  private func map() throws -> [String: Set<String>] {
    let text = try String(contentsOf: Self.sources.appending(path: "README.md"), encoding: .utf8)
    var map: [String: Set<String>] = [:]
    for line in text.split(separator: "\n") where line.hasPrefix("| `") {
      let cells = line.split(separator: "|", omittingEmptySubsequences: false).map {
        $0.trimmingCharacters(in: .whitespaces)
      }
      guard cells.count == 5, cells[1].hasSuffix("`"), cells[1].split(separator: "`").count == 1,
        let module = words(cells[1]).first,
        FileManager.default.fileExists(atPath: Self.sources.appending(path: module).path)
      else { continue }
      map[module] = Set(words(cells[3]))
    }
    return map
  }

  private func words(_ cell: String) -> [String] {
    cell.split(separator: "`").map(String.init).filter {
      !$0.isEmpty && $0.allSatisfy { $0.isLetter || $0.isNumber }
    }
  }

  private func files(of module: String) throws -> [String] {
    let folder = Self.sources.appending(path: module)
    let names =
      FileManager.default.enumerator(atPath: folder.path)?.allObjects.compactMap { $0 as? String } ?? []
    return names.filter { $0.hasSuffix(".swift") }.map { folder.appending(path: $0).path }
  }

  @Test("each module imports what the map says, and no other of ours")
  func imports() throws {
    let map = try map()
    let folders = try FileManager.default.contentsOfDirectory(atPath: Self.sources.path).filter {
      !$0.contains(".")
    }
    let ours = Set(folders)
    let withCode = try ours.filter { try !files(of: $0).isEmpty }
    #expect(Set(map.keys) == withCode)
    for module in withCode.sorted() {
      var imported: Set<String> = []
      for file in try files(of: module) {
        for line in try String(contentsOfFile: file, encoding: .utf8).split(separator: "\n") {
          let parts = line.split(separator: " ")
          // Templates of sources are indented.
          guard !line.hasPrefix(" "), let place = parts.firstIndex(of: "import"), place <= 2,
            place + 1 < parts.count
          else {
            continue
          }
          imported.insert(String(parts[parts.count - 1]))
        }
      }
      let difference = imported.intersection(ours).symmetricDifference(map[module] ?? [])
      #expect(difference.isEmpty, "\(module)")
    }
  }

  @Test("the files and types the map names are there")
  func names() throws {
    let text = try String(contentsOf: Self.sources.appending(path: "README.md"), encoding: .utf8)
    var code = ""
    for module in try map().keys.sorted() {
      for file in try files(of: module) { code += try String(contentsOfFile: file, encoding: .utf8) }
    }
    for name in text.split(separator: "`", omittingEmptySubsequences: false).enumerated().filter({
      $0.offset % 2 == 1
    }).map(\.element) {
      let parts = name.split(separator: "/").map(String.init)
      if parts.count > 1, parts[0] != "graphs" {
        let path = Self.sources.appending(path: name).path
        let isThere =
          try FileManager.default.fileExists(atPath: path)
          // A file is found by its name, whatever room of its module it is in.
          || files(of: parts[0]).contains { $0.hasSuffix("/\(parts[parts.count - 1]).swift") }
        #expect(isThere || name.hasSuffix("…"), "\(name)")
      } else if let first = name.first, first.isUppercase, name.allSatisfy({ $0.isLetter }) {
        let isKnown = code.contains(name) || name == "Main"
        #expect(isKnown, "\(name)")
      }
    }
  }
}
