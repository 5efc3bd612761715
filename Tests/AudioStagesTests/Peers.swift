import Foundation

/// Programs the tests compare with. A test that needs one is skipped where it is not installed, for the tests must run
/// anywhere; with FLUXGRAPH_REQUIRE_PEERS=1 it runs and fails instead, so that a complete run cannot miss it.
enum Peers {
  static let areRequired = ProcessInfo.processInfo.environment["FLUXGRAPH_REQUIRE_PEERS"] == "1"
  static let haveFFmpeg = areRequired || (path(of: "ffmpeg") != nil && path(of: "ffprobe") != nil)
  static let haveOpusTools = haveFFmpeg && (areRequired || path(of: "opusenc") != nil)

  struct Failure: Error { var message: String }

  static func path(of program: String) -> String? {
    let folders = ProcessInfo.processInfo.environment["PATH"]?.split(separator: ":") ?? []
    return folders.map { "\($0)/\(program)" }.first { FileManager.default.isExecutableFile(atPath: $0) }
  }

  /// Runs `program` and gives its standard output.
  static func run(_ program: String, _ arguments: [String]) throws -> [UInt8] {
    guard let path = path(of: program) else { throw Failure(message: "\(program) is not installed") }
    let process = Process()
    process.executableURL = URL(fileURLWithPath: path)
    process.arguments = arguments
    let stdout = Pipe()
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = stdout
    try process.run()
    let output = [UInt8](stdout.fileHandleForReading.readDataToEndOfFile())
    process.waitUntilExit()
    guard process.terminationStatus == 0 else {
      throw Failure(message: "\(program) \(arguments.joined(separator: " ")) failed")
    }
    return output
  }

  @discardableResult
  static func ffmpeg(_ arguments: String) throws -> [UInt8] {
    try run("ffmpeg", ["-v", "error", "-nostdin", "-y"] + arguments.split(separator: " ").map(String.init))
  }
}

/// A directory that is there as long as the value is.
final class TemporaryDirectory: Sendable {
  let path: String

  init() throws {
    path =
      FileManager.default.temporaryDirectory.appendingPathComponent("fluxgraph-" + UUID().uuidString).path
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit {
    try? FileManager.default.removeItem(atPath: path)
  }

  func file(_ name: String) -> String { path + "/" + name }

  func bytes(_ name: String) throws -> [UInt8] {
    [UInt8](try Data(contentsOf: URL(fileURLWithPath: file(name))))
  }

  var names: [String] { (try? FileManager.default.contentsOfDirectory(atPath: path))?.sorted() ?? [] }
}

/// The samples in little-endian `bytes`.
func samples<Sample: BitwiseCopyable>(_ bytes: [UInt8], as type: Sample.Type) -> [Sample] {
  bytes.withUnsafeBytes { bytes in
    (0..<(bytes.count / MemoryLayout<Sample>.size)).map {
      bytes.loadUnaligned(fromByteOffset: $0 * MemoryLayout<Sample>.size, as: type)
    }
  }
}
