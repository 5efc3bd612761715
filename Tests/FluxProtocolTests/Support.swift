import Foundation

/// A small seeded generator (SplitMix64), so that a failing mutation can be repeated.
struct SeededGenerator: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var value = state
    value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
    value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
    return value ^ (value >> 31)
  }
}

/// One to four random changes of a few bytes.
func mutated(_ bytes: [UInt8], using generator: inout SeededGenerator) -> [UInt8] {
  var bytes = bytes
  for _ in 0..<Int.random(in: 1...4, using: &generator) where !bytes.isEmpty {
    let place = Int.random(in: 0..<bytes.count, using: &generator)
    switch Int.random(in: 0..<5, using: &generator) {
    case 0: bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
    case 1: bytes[place] = UInt8.random(in: 0...255, using: &generator)
    case 2: bytes.remove(at: place)
    case 3: bytes[place] = Array(#"{}[]",:\u0eE+-.nutf "#.utf8).randomElement(using: &generator) ?? 0
    default: bytes.insert(UInt8.random(in: 0...255, using: &generator), at: place)
    }
  }
  return bytes
}

/// The Python whose `json` is the reference for ours.
enum Peer {
  static let python: String? = {
    let environment = ProcessInfo.processInfo.environment
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    let path = environment["FLUXGRAPH_PYTHON"] ?? root.appendingPathComponent(".build/peers/bin/python").path
    return FileManager.default.isExecutableFile(atPath: path) ? path : nil
  }()

  /// Peers may be absent on a developer's machine; where they are required, the test runs and fails.
  static var isExpected: Bool {
    python != nil || ProcessInfo.processInfo.environment["FLUXGRAPH_REQUIRE_PEERS"] == "1"
  }

  struct Failure: Error {}

  /// The script's output for an input.
  static func run(_ script: String, input: String) throws -> String {
    guard let python else { throw Failure() }
    let file = FileManager.default.temporaryDirectory.appendingPathComponent("fluxgraph-\(UUID()).txt")
    try Data(input.utf8).write(to: file)
    defer { try? FileManager.default.removeItem(at: file) }
    let process = Process()
    process.executableURL = URL(fileURLWithPath: python)
    process.arguments = ["-c", script]
    process.standardInput = try FileHandle(forReadingFrom: file)
    let output = Pipe()
    process.standardOutput = output
    try process.run()
    let data = output.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    guard process.terminationStatus == 0 else { throw Failure() }
    return String(decoding: data, as: UTF8.self)
  }
}

/// A capture of the production service, with what the vendor's own parser makes of it.
enum LiveCapture {
  /// The capture is not part of the repository; the variable names the directory that has it.
  static let directory = ProcessInfo.processInfo.environment["FLUX_VECTORS"]

  static func read(_ name: String) throws -> [UInt8] {
    guard let directory else { throw Peer.Failure() }
    return [UInt8](try Data(contentsOf: URL(fileURLWithPath: "\(directory)/flux-live/\(name)")))
  }
}
