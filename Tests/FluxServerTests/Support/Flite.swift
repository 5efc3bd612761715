import FluxServer
import Foundation
import Glibc
import Testing

/// Speech of the flite synthesiser and what is needed to recognise it.
enum Flite {
  static let path = executable("flite")
  static let recogniser = Result { () throws(PocketSphinxError) in try PocketSphinxWords() }

  /// Whether the peers are there; when they are required, tests run without and fail.
  static var isUsable: Bool {
    let isThere = path != nil && (try? recogniser.get()) != nil
    return isThere || ProcessInfo.processInfo.environment["FLUXGRAPH_REQUIRE_PEERS"] == "1"
  }

  /// 16 kHz mono samples of the spoken text.
  static func say(_ text: String, voice: String) throws -> [Int16] {
    let file = FileManager.default.temporaryDirectory.appending(path: "flite-\(UUID().uuidString).wav")
    defer { try? FileManager.default.removeItem(at: file) }
    let process = Process()
    process.executableURL = URL(filePath: try #require(path, "flite is not installed"))
    process.arguments = ["-voice", voice, "-t", text, "-o", file.path]
    try process.run()
    process.waitUntilExit()
    // flite writes a 44-byte header and, with these voices, 16 kHz mono samples.
    let bytes = [UInt8](try Data(contentsOf: file))
    let rate = bytes[24..<28].reversed().reduce(0) { $0 << 8 | Int($1) }
    #expect(rate == 16_000 && bytes[22] == 1)
    return samples(of: bytes.dropFirst(44))
  }

  static func samples(of bytes: some Sequence<UInt8>) -> [Int16] {
    var samples: [Int16] = []
    var low: UInt8?
    for byte in bytes {
      if let first = low {
        samples.append(Int16(bitPattern: UInt16(first) | UInt16(byte) << 8))
        low = nil
      } else {
        low = byte
      }
    }
    return samples
  }

  private static func executable(_ name: String) -> String? {
    let directories = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
    return directories.map { "\($0)/\(name)" }.first { access($0, X_OK) == 0 }
  }
}
