import FluxServer
import Foundation
import TestSupport
import Testing

/// Speech of the flite synthesiser and what is needed to recognise it.
enum Flite {
  static let recogniser = Result { () throws(PocketSphinxError) in try PocketSphinxWords() }

  /// Whether the peers are there; when they are required, tests run without and fail.
  static var isUsable: Bool {
    Peers.areRequired || Peers.have("flite") && (try? recogniser.get()) != nil
  }

  /// 16 kHz mono samples of the spoken text.
  static func say(_ text: String, voice: String) throws -> [Int16] {
    let bytes = try output(of: "flite") { file in
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
    let raw = ["-nostdin", "-v", "error", "-f", "s16le", "-ar", "16000", "-ac", "1", "-i", "pipe:0"]
    return try output(of: "ffmpeg", input: samples.withUnsafeBytes { [UInt8]($0) }) { file in
      raw + arguments + [file]
    }
  }

  private static func output(
    of program: String, input: [UInt8] = [], _ arguments: (_ file: String) -> [String]
  ) throws -> [UInt8] {
    let folder = try TemporaryFolder()
    try Peers.run(program, arguments(folder.file("output")), input: input)
    return try folder.bytes("output")
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
}
