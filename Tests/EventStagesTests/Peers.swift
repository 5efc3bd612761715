import Foundation
import Testing

/// The programs these tests compare with. Optional on a developer's machine; with FLUXGRAPH_REQUIRE_PEERS=1 a missing one
/// fails its tests.
enum Peers {
  static let environment = ProcessInfo.processInfo.environment
  static let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Peers")
  static let python =
    environment["FLUXGRAPH_PYTHON"]
    ?? URL(filePath: #filePath).appending(path: "../../../.build/peers/bin/python").standardized.path
  static let areRequired = environment["FLUXGRAPH_REQUIRE_PEERS"] == "1"
  static let hasPython = areRequired || FileManager.default.isExecutableFile(atPath: python)
  static let hasFFmpeg = areRequired || executable("ffmpeg") != nil

  static func executable(_ name: String) -> String? {
    (environment["PATH"] ?? "").split(separator: ":").map { "\($0)/\(name)" }
      .first { FileManager.default.isExecutableFile(atPath: $0) }
  }

  /// Runs a program to its end and returns its output.
  static func run(_ path: String, _ arguments: [String], input: String = "") throws -> String {
    let process = Process()
    process.executableURL = URL(filePath: path)
    process.arguments = arguments
    let (inputPipe, output, errors) = (Pipe(), Pipe(), Pipe())
    process.standardInput = inputPipe
    process.standardOutput = output
    process.standardError = errors
    try process.run()
    try inputPipe.fileHandleForWriting.write(contentsOf: Data(input.utf8))
    try inputPipe.fileHandleForWriting.close()
    let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    let problem = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    try #require(process.terminationStatus == 0, "\(path): \(problem)")
    return text
  }
}

/// A folder of a test's own, removed with it.
final class Folder {
  let path: String

  init() throws {
    path = FileManager.default.temporaryDirectory.appending(path: "events-\(UUID().uuidString)").path
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  func file(_ name: String) -> String { path + "/" + name }

  func text(_ name: String) throws -> String { try String(contentsOfFile: file(name), encoding: .utf8) }

  var names: [String] { (try? FileManager.default.contentsOfDirectory(atPath: path).sorted()) ?? [] }
}
