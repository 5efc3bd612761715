internal import FluxGraph
internal import Glibc

/// The environment a graph may read with `env(…)`: the process's own variables, then a `.env` file beside the graph, then one
/// in the working directory.
package struct GraphEnvironment: Sendable {
  /// More than any list of settings.
  private static let sizeLimit = 1 << 20

  private let values: [String: String]
  /// What of the `.env` files could not be used, one sentence each: the place, and never what stands there.
  package let problems: [String]

  package init(directory: String) {
    var values: [String: String] = [:]
    var problems: [String] = []
    for path in directory == "." ? [".env"] : [".env", Path(".env").resolved(in: directory, home: nil)] {
      guard let file = Self.read(path) else { continue }
      values.merge(file.values) { _, new in new }
      problems += file.problems.map { path + $0 }
    }
    self.values = values
    self.problems = problems
  }

  package subscript(name: String) -> String? {
    if let value = getenv(name) { return String(cString: value) }
    return values[name]
  }

  /// nil where there is no such file.
  private static func read(_ path: String) -> EnvironmentFile? {
    guard access(path, F_OK) == 0 else { return nil }
    do throws(StageError) {
      return EnvironmentFile(try InputFile.read(path, limit: sizeLimit))
    } catch {
      return EnvironmentFile(problem: ": \(error.message); it is left out")
    }
  }
}
