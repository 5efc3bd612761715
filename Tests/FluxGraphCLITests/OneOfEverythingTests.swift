import Foundation
import Testing

/// What the operating system gives is written once, and one name means one thing.
@Suite struct OneOfEverythingTests {
  private static func modules() throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: Project.root + "/Sources").filter {
      !$0.contains(".")
    }
  }

  /// The code of a module's files, without comments.
  private static func code(of module: String) throws -> [String: String] {
    var code: [String: String] = [:]
    for file in Project.sources(of: module) {
      code[file] = try Project.text(file).split(separator: "\n").map { line in
        line.firstRange(of: "//").map { String(line[..<$0.lowerBound]) } ?? String(line)
      }.joined(separator: "\n")
    }
    return code
  }

  @Test(
    "a call of the system's stands in one file",
    arguments: [
      ("posix_spawnp(", "Platform"), ("pthread_create(", "Platform"), ("EINTR", "Platform"),
      ("eventfd(", "Platform"),
      ("clock_gettime(", "Platform"), ("0x100_0000_01B3", "Platform"), ("0xBF58_476D_1CE4_E5B9", "Platform"),
    ])
  func once(word: String, home: String) throws {
    var files: [String] = []
    for module in try Self.modules() {
      files += try Self.code(of: module).filter { $0.value.contains(word) }.keys
    }
    #expect(files.count == 1 && files[0].hasPrefix("Sources/\(home)/"), "\(word): \(files)")
  }

  @Test("no type of one module has the name of another module's")
  func names() throws {
    var homes: [String: Set<String>] = [:]
    let pattern =
      /(?m)^(?:public |package |internal |final |indirect |@\w+ )*(?:struct|class|enum|protocol|actor|typealias) (\w+)/
    for module in try Self.modules() {
      for (file, code) in try Self.code(of: module) where !file.contains("PluginTemplate") {
        for match in code.matches(of: pattern) { homes[String(match.output.1), default: []].insert(module) }
      }
    }
    let shared = homes.filter { $0.value.count > 1 }.map { "\($0.key) in \($0.value.sorted())" }
    #expect(shared.isEmpty, "\(shared)")
  }

  @Test("what kind a stage is, nobody has to try")
  func casts() throws {
    for module in try Self.modules() {
      for (file, code) in try Self.code(of: module) {
        let cast = code.firstMatch(
          of: /(?:as\?|is) any (?:Stage|Byte|Audio|Event|Recogniser|LoopRecogniser|Immediate|Queue)/)
        #expect(cast == nil, "\(file)")
      }
    }
  }
}
