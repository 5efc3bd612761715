import Foundation
import WebSocketCore

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

/// A frame as the encoder writes it.
func frame(
  _ opcode: WebSocketOpcode, _ payload: [UInt8], isFinal: Bool = true, maskKey: UInt32? = nil
) -> [UInt8] {
  var bytes: [UInt8] = []
  WebSocketFrameEncoder.append(opcode, isFinal: isFinal, payload: payload.span, maskKey: maskKey, to: &bytes)
  return bytes
}

func frame(
  _ opcode: WebSocketOpcode, _ text: String, isFinal: Bool = true, maskKey: UInt32? = nil
) -> [UInt8] {
  frame(opcode, Array(text.utf8), isFinal: isFinal, maskKey: maskKey)
}

/// What a fresh decoder makes of `bytes` fed in pieces, up to an error.
func decode(
  _ bytes: [UInt8], role: WebSocketRole = .client, limits: WebSocketLimits = WebSocketLimits(),
  cutAt cuts: [Int] = []
) -> (events: [WebSocketEvent], error: WebSocketError?) {
  var decoder = WebSocketFrameDecoder(role: role, limits: limits)
  var events: [WebSocketEvent] = []
  var start = 0
  for end in cuts + [bytes.count] {
    let piece = Array(bytes[start..<end])
    start = end
    var position = 0
    do throws(WebSocketError) {
      while let event = try decoder.next(piece.span, from: &position) { events.append(event) }
    } catch {
      return (events, error)
    }
  }
  return (events, nil)
}

/// The Python that has the reference implementation `websockets`.
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

  struct Missing: Error {}

  /// The script's output for an input.
  static func run(_ script: String, input: String = "") throws -> String {
    guard let python else { throw Missing() }
    let process = Process()
    process.executableURL = URL(fileURLWithPath: python)
    process.arguments = ["-c", script]
    let output = Pipe()
    process.standardOutput = output
    let file = FileManager.default.temporaryDirectory.appendingPathComponent("fluxgraph-\(UUID()).txt")
    try Data(input.utf8).write(to: file)
    defer { try? FileManager.default.removeItem(at: file) }
    process.standardInput = try FileHandle(forReadingFrom: file)
    try process.run()
    let data = output.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    guard process.terminationStatus == 0 else { throw Missing() }
    return String(decoding: data, as: UTF8.self)
  }
}

func hexadecimal(_ bytes: [UInt8]) -> String {
  bytes.map { byte in (byte < 16 ? "0" : "") + String(byte, radix: 16) }.joined()
}

func bytes(hexadecimal text: some StringProtocol) -> [UInt8] {
  let digits = Array(text.utf8)
  return stride(from: 0, to: digits.count - 1, by: 2).compactMap {
    UInt8(String(decoding: digits[$0...($0 + 1)], as: UTF8.self), radix: 16)
  }
}
