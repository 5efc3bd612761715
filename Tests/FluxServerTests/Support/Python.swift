import FluxGraph
import FluxProtocol
import Foundation
import Testing

/// The peers' Python interpreter, with `deepgram-sdk` and `websockets`.
enum Python {
  static let path: String? = {
    let root = URL(filePath: #filePath).appending(path: "../../../..").standardized
    let path =
      ProcessInfo.processInfo.environment["FLUXGRAPH_PYTHON"]
      ?? root.appending(path: ".build/peers/bin/python").path
    return FileManager.default.isExecutableFile(atPath: path) ? path : nil
  }()

  /// Whether the interpreter is there; when peers are required, tests run without and fail.
  static var isUsable: Bool {
    path != nil || ProcessInfo.processInfo.environment["FLUXGRAPH_REQUIRE_PEERS"] == "1"
  }

  /// Runs a script of `Peers/` and returns the objects it printed, one a line.
  static func run(_ script: String, _ arguments: [String], input: Data = Data()) async throws -> [JSONValue] {
    let process = Process()
    process.executableURL = URL(filePath: try #require(path, "there is no Python with the peers"))
    process.arguments =
      [URL(filePath: #filePath).appending(path: "../../Peers/\(script)").standardized.path] + arguments
    // Files instead of pipes: nobody has to read while the other writes.
    let directory = FileManager.default.temporaryDirectory.appending(path: "peers-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: directory) }
    let inputFile = directory.appending(path: "input")
    let outputFile = directory.appending(path: "output")
    try input.write(to: inputFile)
    try Data().write(to: outputFile)
    process.standardInput = try FileHandle(forReadingFrom: inputFile)
    process.standardOutput = try FileHandle(forWritingTo: outputFile)
    try await withCheckedThrowingContinuation { (done: CheckedContinuation<Void, any Error>) in
      process.terminationHandler = { _ in done.resume() }
      do { try process.run() } catch { done.resume(throwing: error) }
    }
    #expect(process.terminationStatus == 0, "\(script) failed")
    let output = try String(contentsOf: outputFile, encoding: .utf8)
    return try output.split(separator: "\n").map { try JSONValue.parse(String($0)) }
  }
}
