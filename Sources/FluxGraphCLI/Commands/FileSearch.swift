internal import FoundationEssentials
internal import Glibc
internal import GraphLanguage

/// Looks for files without opening them.
enum FileSearch {
  /// Names of a directory that are compared with one that is not there.
  private static let comparedAtMost = 500

  /// What to say of a graph's input files that are not there.
  static func missingFiles(of result: CheckResult) -> [Diagnostic] {
    result.missingFiles(
      home: getenv("HOME").map { String(cString: $0) },
      isThere: { access($0, F_OK) == 0 || errno != ENOENT },
      neighbours: { path in
        let directory = path.lastIndex(of: "/").map { String(path[...$0]) } ?? "."
        let names = (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []
        return Array(names.filter { !$0.hasPrefix(".") }.sorted().prefix(comparedAtMost))
      })
  }
}
