import CPlatform
import FluxGraph
import Foundation

/// A program a test has started. Foundation's own kind wants a run loop on the thread that waits.
final class ChildProcess: Sendable {
  let identifier: pid_t
  private let output: Int32

  struct Failure: Error { var message: String }

  /// Starts a program with nothing on its standard input; what it prints can be read with `text`.
  init(_ program: String, _ arguments: [String], environment: [String: String]) throws {
    var ends: [Int32] = [-1, -1]
    guard pipe(&ends) == 0 else { throw Failure(message: "no pipe") }
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
    posix_spawn_file_actions_adddup2(&actions, ends[1], 1)
    posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0)
    // It must not hold open what other tests have just made: the end of their programs' output would never come.
    posix_spawn_file_actions_addclosefrom_np(&actions, 3)
    var words: [UnsafeMutablePointer<CChar>?] = ([program] + arguments).map { strdup($0) } + [nil]
    var variables: [UnsafeMutablePointer<CChar>?] = environment.map { strdup("\($0)=\($1)") } + [nil]
    defer { for text in words + variables { free(text) } }
    var child = pid_t()
    let result = posix_spawnp(&child, program, &actions, nil, &words, &variables)
    close(ends[1])
    guard result == 0 else {
      close(ends[0])
      throw Failure(message: "\(program) cannot be started")
    }
    identifier = child
    output = ends[0]
  }

  deinit { close(output) }

  /// All it prints, until it ends.
  func text() -> String {
    var bytes: [UInt8] = []
    var room = [UInt8](repeating: 0, count: 65_536)
    while true {
      let count = read(output, &room, room.count)
      if count <= 0 { return String(decoding: bytes, as: UTF8.self) }
      bytes += room[..<count]
    }
  }

  func signal(_ number: Int32) { kill(identifier, number) }

  /// Waits for its end, and gives its exit code; that of a signal is below zero. Once only.
  @discardableResult
  func wait() -> Int32 {
    var status: Int32 = 0
    while waitpid(identifier, &status, 0) < 0 && errno == EINTR {}
    return status & 0x7F == 0 ? (status >> 8) & 0xFF : -(status & 0x7F)
  }
}
