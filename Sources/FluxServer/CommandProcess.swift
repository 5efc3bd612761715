import FluxGraph
import Glibc

/// A program with its standard streams on pipes, in a process group of its own, with default signals. It runs in the directory
/// relative paths are relative to.
///
/// Belongs to one thread.
final class CommandProcess {
  /// How long it may take to end after its input was closed and SIGTERM was sent.
  private static let endLimit = Duration.milliseconds(500)

  private let process: pid_t
  /// None of them blocks.
  private(set) var input: Int32
  let output: Int32
  let errors: Int32

  struct Failure: Error {
    var code: Int32
    var reason: String { String(cString: strerror(code)) }
  }

  init(_ program: CommandWords.Program) throws(Failure) {
    var process = pid_t()
    var ends = [[Int32]](repeating: [-1, -1], count: 3)
    let isPiped = ends.indices.allSatisfy { Self.makePipe(&ends[$0]) }
    let status =
      isPiped
      ? Self.spawn(program, input: ends[0][0], output: ends[1][1], errors: ends[2][1], &process) : errno
    for end in [ends[0][0], ends[1][1], ends[2][1]] { close(end) }
    (input, output, errors) = (ends[0][1], ends[1][0], ends[2][0])
    self.process = process
    guard status == 0 else {
      for end in [input, output, errors] { close(end) }
      throw Failure(code: status)
    }
    for descriptor in [input, output, errors] { _ = fcntl(descriptor, F_SETFL, O_NONBLOCK) }
  }

  private static func makePipe(_ ends: inout [Int32]) -> Bool {
    guard pipe(&ends) == 0 else { return false }
    for descriptor in ends { _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC) }
    return true
  }

  private static func spawn(
    _ program: CommandWords.Program, input: Int32, output: Int32, errors: Int32, _ process: inout pid_t
  ) -> Int32 {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO)
    posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO)
    posix_spawn_file_actions_adddup2(&actions, errors, STDERR_FILENO)
    // Pipes of other programs, which may be made at this moment, included: held open here, they would not end.
    _ = SpawnExtensions.closeFrom(&actions, 3)
    _ = SpawnExtensions.changeDirectory(&actions, program.directory.isEmpty ? "." : program.directory)
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    let flags = POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF
    posix_spawnattr_setflags(&attributes, Int16(flags))
    posix_spawnattr_setpgroup(&attributes, 0)
    var signals = sigset_t()
    sigemptyset(&signals)
    posix_spawnattr_setsigmask(&attributes, &signals)
    sigfillset(&signals)
    posix_spawnattr_setsigdefault(&attributes, &signals)
    var arguments: [UnsafeMutablePointer<CChar>?] = program.command.words.map { strdup($0) } + [nil]
    var environment: [UnsafeMutablePointer<CChar>?] =
      program.environment.map { strdup("\($0)=\($1)") } + [nil]
    defer { for pointer in arguments + environment { free(pointer) } }
    return posix_spawnp(
      &process, program.command.words[0], &actions, &attributes, &arguments, &environment)
  }

  /// Whether there is input it has not read yet.
  var hasUnread: Bool {
    var count: Int32 = 0
    return ioctl(input, UInt(FIONREAD), &count) == 0 && count > 0
  }

  /// Ends the program and everything it started, and waits for it.
  ///
  /// - Parameter isOver: its output ended, so that it is about to end by itself.
  /// - Returns: how it ended, as the end of a sentence.
  func end(isOver: Bool) -> String {
    close(input)
    close(output)
    // Only now: writing to nobody would be the program's end.
    defer { close(errors) }
    if !isOver { kill(-process, SIGTERM) }
    let deadline = ContinuousClock.now.advanced(by: Self.endLimit)
    var status: Int32 = 0
    while waitpid(process, &status, WNOHANG) == 0 {
      guard ContinuousClock.now < deadline else {
        kill(-process, SIGKILL)
        while waitpid(process, &status, 0) < 0, errno == EINTR {}
        return "did not end and was killed"
      }
      usleep(2000)
    }
    // What it left behind in its group.
    kill(-process, SIGKILL)
    return status & 0x7F == 0
      ? "ended with status \(status >> 8 & 0xFF)" : "was ended by signal \(status & 0x7F)"
  }
}
