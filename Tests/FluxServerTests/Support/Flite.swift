import FluxServer
import Foundation
import Glibc
import Testing

/// Speech of the flite synthesiser and what is needed to recognise it.
enum Flite {
  static let path = executable("flite")
  static let ffmpeg = executable("ffmpeg")
  static let recogniser = Result { () throws(PocketSphinxError) in try PocketSphinxWords() }

  /// Whether the peers are there; when they are required, tests run without and fail.
  static var isUsable: Bool {
    let isThere = path != nil && (try? recogniser.get()) != nil
    return isThere || ProcessInfo.processInfo.environment["FLUXGRAPH_REQUIRE_PEERS"] == "1"
  }

  /// 16 kHz mono samples of the spoken text.
  static func say(_ text: String, voice: String) throws -> [Int16] {
    let bytes = try output(of: try #require(path, "flite is not installed")) { file in
      ["-voice", voice, "-t", text, "-o", file]
    }
    // flite writes a 44-byte header and, with these voices, 16 kHz mono samples.
    try #require(bytes.count > 44)
    let rate = bytes[24..<28].reversed().reduce(0) { $0 << 8 | Int($1) }
    #expect(rate == 16_000 && bytes[22] == 1)
    return samples(of: bytes.dropFirst(44))
  }

  /// 16 kHz mono samples as ffmpeg encodes them.
  static func encode(_ samples: [Int16], _ arguments: [String]) throws -> [UInt8] {
    let input = FileManager.default.temporaryDirectory.appending(path: "speech-\(UUID().uuidString).raw")
    defer { try? FileManager.default.removeItem(at: input) }
    try samples.withUnsafeBytes { Data($0) }.write(to: input)
    return try output(of: try #require(ffmpeg, "ffmpeg is not installed")) { file in
      ["-nostdin", "-v", "error", "-f", "s16le", "-ar", "16000", "-ac", "1", "-i", input.path] + arguments + [
        file
      ]
    }
  }

  private static func output(of program: String, _ arguments: (_ file: String) -> [String]) throws -> [UInt8]
  {
    let file = FileManager.default.temporaryDirectory.appending(path: "speech-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: file) }
    try #require(run([program] + arguments(file.path)) == 0, "\(program) failed")
    return [UInt8](try Data(contentsOf: file))
  }

  /// Runs a program to its end and gives its status. Not with `Process`: that learns of the end by a socket, which a program
  /// another test starts in the same moment inherits and keeps open.
  private static func run(_ words: [String]) -> Int32 {
    var child = pid_t()
    var arguments = words.map { strdup($0) } + [nil]
    defer { for argument in arguments { free(argument) } }
    guard posix_spawn(&child, words[0], nil, nil, &arguments, environ) == 0 else { return -1 }
    var status: Int32 = 0
    while waitpid(child, &status, 0) < 0 && errno == EINTR {}
    return status
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
