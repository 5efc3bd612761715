internal import CPlatform
import FluxGraph
internal import Foundation

/// The programs the tests compare with. A test that needs one is skipped where it is not installed, for the tests must run
/// anywhere; with FLUXGRAPH_REQUIRE_PEERS=1 it runs and fails instead, so that a complete run cannot miss it.
package enum Peers {
  private static let environment = ProcessInfo.processInfo.environment
  package static let areRequired = environment["FLUXGRAPH_REQUIRE_PEERS"] == "1"
  /// The interpreter that has the packages of `tools/peers.txt`.
  package static let python =
    environment["FLUXGRAPH_PYTHON"]
    ?? URL(filePath: #filePath).appending(path: "../../../.build/peers/bin/python").standardized.path
  package static let havePython = areRequired || access(python, X_OK) == 0
  package static let haveFFmpeg = have("ffmpeg") && have("ffprobe")

  package static func have(_ program: String) -> Bool { areRequired || path(of: program) != nil }

  package static func path(of program: String) -> String? {
    (environment["PATH"] ?? "").split(separator: ":").map { "\($0)/\(program)" }.first {
      access($0, X_OK) == 0
    }
  }

  /// Runs a program, by its name or its path, to its end and gives its standard output.
  @discardableResult
  package static func run(_ program: String, _ arguments: [String], input: [UInt8] = []) throws -> [UInt8] {
    guard let path = program.hasPrefix("/") ? program : path(of: program) else {
      throw PeerFailure(message: "\(program) is not installed")
    }
    let folder = try TemporaryFolder()
    try folder.write(input, to: "input")
    let status = try folder.run(path, arguments)
    guard status == 0 else {
      let errors = String(decoding: try folder.bytes("errors").suffix(4000), as: UTF8.self)
      throw PeerFailure(
        message: "\(program) \(arguments.joined(separator: " ")) ended with \(status): \(errors)")
    }
    return try folder.bytes("output")
  }

  /// The same with text.
  package static func text(of program: String, _ arguments: [String], input: String = "") throws -> String {
    String(decoding: try run(program, arguments, input: Array(input.utf8)), as: UTF8.self)
  }

  /// Runs a Python program given as text.
  package static func python(_ script: String, _ arguments: [String] = [], input: String = "") throws
    -> String
  {
    try text(of: python, ["-c", script] + arguments, input: input)
  }

  @discardableResult
  package static func ffmpeg(_ arguments: String, input: [UInt8] = []) throws -> [UInt8] {
    let words = ["-v", "error", "-nostdin", "-y"] + arguments.split(separator: " ").map(String.init)
    return try run("ffmpeg", words, input: input)
  }
}

/// Why a program gave nothing to compare with.
package struct PeerFailure: Error {
  package var message: String
}

extension TemporaryFolder {
  /// Runs a program to its end, with its streams on files here, and gives its exit code; 128 and the number when a signal
  /// ended it.
  ///
  /// Files, because a pipe is inherited by whatever another test starts in the same moment, and then does not end. For the
  /// same reason not `Process`: it learns of a program's end by such a socket.
  fileprivate func run(_ path: String, _ arguments: [String]) throws -> Int32 {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, 0, file("input"), O_RDONLY, 0)
    posix_spawn_file_actions_addopen(&actions, 1, file("output"), O_WRONLY | O_CREAT, 0o600)
    posix_spawn_file_actions_addopen(&actions, 2, file("errors"), O_WRONLY | O_CREAT, 0o600)
    posix_spawn_file_actions_addclosefrom_np(&actions, 3)
    var words = ([path] + arguments).map { strdup($0) } + [nil]
    defer { for word in words { free(word) } }
    var process = pid_t()
    let error = posix_spawn(&process, path, &actions, nil, &words, environ)
    guard error == 0 else {
      throw PeerFailure(message: "cannot start \(path): \(String(cString: strerror(error)))")
    }
    var status: Int32 = 0
    while waitpid(process, &status, 0) < 0 && errno == EINTR {}
    return status & 0x7F == 0 ? status >> 8 & 0xFF : 128 + status & 0x7F
  }
}
