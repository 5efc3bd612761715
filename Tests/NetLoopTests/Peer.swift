import Foundation
import Glibc
import HTTPCore
import TestSupport
import Testing

/// The tests against programs we did not write: one after the other, because starting dozens of interpreters at once
/// would make every time measured in a test one of a busy machine.
@Suite(.serialized, .timeLimit(.minutes(10)), .enabled(if: Peers.havePython, "needs the peers' Python"))
enum PeerTests {}

/// A program we did not write, started for a test and ended with it.
final class Peer: @unchecked Sendable {
  private static let here = URL(fileURLWithPath: #filePath).deletingLastPathComponent()

  private let process = Process()
  private let input = Pipe()
  let port: UInt16

  private init(starting script: String, _ arguments: [String]) throws {
    let output = Pipe()
    process.executableURL = URL(fileURLWithPath: Peers.python)
    process.arguments = [Self.here.appendingPathComponent("Peers/\(script)").path] + arguments
    process.standardInput = input
    process.standardOutput = output
    try process.run()
    var line = Data()
    while !line.contains(0x0A) {
      let piece = output.fileHandleForReading.availableData
      if piece.isEmpty { break }
      line.append(piece)
    }
    let words = String(decoding: line, as: UTF8.self).split { $0.isWhitespace }
    port = try #require(words.count == 2 ? UInt16(words[1]) : nil, "\(script) said \(words)")
  }

  deinit {
    // It also ends when its input does, should this process not come to this line.
    if process.isRunning { kill(process.processIdentifier, SIGKILL) }
  }

  /// Starts a server of the Peers folder, which prints its port.
  static func start(_ script: String, _ arguments: String...) async throws -> Peer {
    try await onThread { try Peer(starting: script, arguments) }
  }

  /// Runs a script of the Peers folder, or a program by its path, to its end and returns what it printed.
  static func run(_ program: String, _ arguments: String...) async throws -> String {
    let isScript = program.hasSuffix(".py")
    let script = isScript ? [here.appendingPathComponent("Peers/\(program)").path] : []
    let output = try await onThread {
      try Peers.run(isScript ? Peers.python : program, script + arguments)
    }
    return String(decoding: output, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
  }
}

/// Certificates made by the `openssl` program in a folder that goes away with this object.
final class Certificates: Sendable {
  let folder: URL

  /// A private authority, and certificates of it: for localhost, expired, and for another name.
  init() async throws {
    folder = FileManager.default.temporaryDirectory.appendingPathComponent(
      "netloop-\(UUID().uuidString)", isDirectory: true)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    let script = """
      cd '\(folder.path)'
      openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca-key.pem -out ca.pem -days 2 \
        -subj '/CN=Test authority'
      make() {
        openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout $1-key.pem -out $1.csr -subj "/CN=$2"
        echo "subjectAltName=$3" > $1.ext
        openssl x509 -req -in $1.csr -CA ca.pem -CAkey ca-key.pem -CAcreateserial -days $4 -extfile $1.ext \
          -out $1.pem
      }
      make good localhost DNS:localhost,IP:127.0.0.1 2
      make other elsewhere.test DNS:elsewhere.test 2
      make expired localhost DNS:localhost,IP:127.0.0.1 -1
      """
    _ = try await Peer.run("/bin/sh", "-c", script)
    for name in ["ca", "good", "other", "expired"] {
      try #require(FileManager.default.fileExists(atPath: path(name)), "openssl made no \(name).pem")
    }
  }

  deinit {
    try? FileManager.default.removeItem(at: folder)
  }

  func path(_ name: String) -> String { folder.appendingPathComponent("\(name).pem").path }
}
