import FluxGraph
import Glibc

/// A program with its standard input and output on pipes, in a process group of its own, with default signals and no
/// key in its environment. It runs in the directory relative paths are relative to. Its standard error is ours.
///
/// Belongs to one thread.
final class CommandProcess {
  /// How long it may take to end after its input was closed and SIGTERM was sent.
  private static let endLimit = Duration.milliseconds(500)

  private let process: pid_t
  /// Both do not block.
  private(set) var input: Int32
  let output: Int32

  struct Failure: Error {
    var code: Int32
    var reason: String { String(cString: strerror(code)) }
  }

  init(_ command: [String], directory: String) throws(Failure) {
    var process = pid_t()
    var (inputEnds, outputEnds): ([Int32], [Int32]) = ([-1, -1], [-1, -1])
    let status =
      Self.makePipe(&inputEnds) && Self.makePipe(&outputEnds)
      ? Self.spawn(command, directory, inputEnds[0], outputEnds[1], &process) : errno
    close(inputEnds[0])
    close(outputEnds[1])
    input = inputEnds[1]
    output = outputEnds[0]
    self.process = process
    guard status == 0 else {
      close(input)
      close(output)
      throw Failure(code: status)
    }
    for descriptor in [input, output] { _ = fcntl(descriptor, F_SETFL, O_NONBLOCK) }
  }

  private static func makePipe(_ ends: inout [Int32]) -> Bool {
    guard pipe(&ends) == 0 else { return false }
    for descriptor in ends { _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC) }
    return true
  }

  private static func spawn(
    _ command: [String], _ directory: String, _ input: Int32, _ output: Int32, _ process: inout pid_t
  ) -> Int32 {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO)
    posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO)
    // Pipes of other programs, which may be made at this moment, included: held open here, they would not end.
    _ = SpawnExtensions.closeFrom(&actions, 3)
    _ = SpawnExtensions.changeDirectory(&actions, directory.isEmpty ? "." : directory)
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
    var arguments: [UnsafeMutablePointer<CChar>?] = command.map { strdup($0) } + [nil]
    var environment = Self.environment + [nil]
    defer { for pointer in arguments + environment { free(pointer) } }
    return posix_spawnp(&process, command[0], &actions, &attributes, &arguments, &environment)
  }

  private static var environment: [UnsafeMutablePointer<CChar>?] {
    var entries: [UnsafeMutablePointer<CChar>?] = []
    var next = environ
    while let entry = next.pointee {
      if strncmp(entry, "DEEPGRAM_API_KEY=", 17) != 0 { entries.append(strdup(entry)) }
      next += 1
    }
    return entries
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
