import Foundation
import Testing

/// The programs the tests need that are not ours.
enum Peers {
  static let python =
    ProcessInfo.processInfo.environment["FLUXGRAPH_PYTHON"]
    ?? packageRoot.appending(path: ".build/peers/bin/python").path
  static let ffmpeg = executable("ffmpeg")
  static let flite = executable("flite")
  static let openssl = executable("openssl")

  /// Peers are optional on a developer's machine; with FLUXGRAPH_REQUIRE_PEERS=1 a missing one fails its tests.
  static let areThere =
    ProcessInfo.processInfo.environment["FLUXGRAPH_REQUIRE_PEERS"] == "1"
    || FileManager.default.isExecutableFile(atPath: python) && ffmpeg != nil && flite != nil && openssl != nil

  static let packageRoot = URL(filePath: #filePath).appending(path: "../../../..").standardized

  static let folder = URL(filePath: #filePath).appending(path: "../../Peers").standardized

  private static func executable(_ name: String) -> String? {
    let directories = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
    return directories.map { "\($0)/\(name)" }.first { FileManager.default.isExecutableFile(atPath: $0) }
  }

  /// Runs a script of the Peers folder to its end and returns what it printed.
  static func run(_ script: String, _ arguments: [String], input: [UInt8] = []) async throws -> String {
    let outcome = try await Program.run(
      python, [folder.appending(path: script).path] + arguments, .init(input: input))
    try #require(outcome.status == 0, "\(script): \(outcome.errors)")
    return outcome.output
  }

  /// Starts a script of the Peers folder, which goes on until its standard input ends.
  static func start(_ script: String, _ arguments: [String] = []) throws -> Program {
    try Program(
      python, [folder.appending(path: script).path] + arguments, .init(holdsInput: true, limit: 600))
  }

  /// Runs a shell script in a directory.
  static func shell(_ script: String, in directory: String) async throws {
    let outcome = try await Program.run("/bin/sh", ["-ec", script], .init(directory: directory))
    try #require(outcome.status == 0, "\(script)\n\(outcome.errors)")
  }
}
