import Foundation

/// Programs the tests compare with. A test that needs one is skipped where it is not installed, for the tests
/// must run anywhere; with FLUXGRAPH_REQUIRE_PEERS=1 it runs and fails instead, so that a complete run cannot
/// miss it.
enum Peers {
  static let areRequired = ProcessInfo.processInfo.environment["FLUXGRAPH_REQUIRE_PEERS"] == "1"
  static let haveFFmpeg = areRequired || (path(of: "ffmpeg") != nil && path(of: "ffprobe") != nil)

  struct Failure: Error { var message: String }

  static func path(of program: String) -> String? {
    let folders = ProcessInfo.processInfo.environment["PATH"]?.split(separator: ":") ?? []
    return folders.map { "\($0)/\(program)" }.first { FileManager.default.isExecutableFile(atPath: $0) }
  }

  /// Runs `program` with `input` on its standard input and gives its standard output.
  static func run(_ program: String, _ arguments: [String], input: [UInt8] = []) throws -> [UInt8] {
    guard let path = path(of: program) else { throw Failure(message: "\(program) is not installed") }
    let process = Process()
    process.executableURL = URL(fileURLWithPath: path)
    process.arguments = arguments
    let (stdin, stdout) = (Pipe(), Pipe())
    process.standardInput = stdin
    process.standardOutput = stdout
    try process.run()
    let writer = Thread {
      try? stdin.fileHandleForWriting.write(contentsOf: Data(input))
      try? stdin.fileHandleForWriting.close()
    }
    writer.start()
    let output = [UInt8](stdout.fileHandleForReading.readDataToEndOfFile())
    process.waitUntilExit()
    guard process.terminationStatus == 0 else {
      throw Failure(message: "\(program) \(arguments.joined(separator: " ")) failed")
    }
    return output
  }

  static func ffmpeg(_ arguments: String, input: [UInt8] = []) throws -> [UInt8] {
    try run(
      "ffmpeg", ["-v", "error", "-nostdin"] + arguments.split(separator: " ").map(String.init), input: input)
  }

  /// Calls `body` with the path of a file that holds `bytes` for as long as it runs.
  static func withFile<Result>(_ bytes: [UInt8] = [], _ body: (String) throws -> Result) throws -> Result {
    let url = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
    try Data(bytes).write(to: url)
    defer { try? FileManager.default.removeItem(at: url) }
    return try body(url.path)
  }
}

/// The samples in little-endian `bytes`.
func samples<Sample: BitwiseCopyable>(_ bytes: [UInt8], as type: Sample.Type) -> [Sample] {
  bytes.withUnsafeBytes { bytes in
    (0..<(bytes.count / MemoryLayout<Sample>.size)).map {
      bytes.loadUnaligned(fromByteOffset: $0 * MemoryLayout<Sample>.size, as: type)
    }
  }
}

/// `samples` in little-endian bytes.
func bytes<Sample: BitwiseCopyable>(_ samples: [Sample]) -> [UInt8] {
  samples.withUnsafeBytes { [UInt8]($0) }
}
