internal import Glibc

/// A program this one has started, with pipes to its standard streams.
///
/// It has a process group of its own, so that Ctrl-C on the terminal does not reach it and so that its own children end with it;
/// default signals; and no descriptor but the three. Used on one thread.
public final class ChildProcess {
  /// How a program ended.
  public enum Exit: Sendable, Hashable, CustomStringConvertible {
    /// It returned this exit code, from 0 to 255.
    case code(Int32)
    /// A signal of this number ended it.
    case signal(Int32)

    public var description: String {
      switch self {
      case .code(let code): "with exit code \(code)"
      case .signal(let signal): "by signal \(signal) (\(String(cString: strsignal(signal))))"
      }
    }
  }

  /// What a program's standard input is.
  public enum Input: Sendable, Hashable {
    /// Nothing: it reads the end at once.
    case none
    /// A pipe, whose other end is `input`.
    case pipe
    /// The file behind an open descriptor of this program's, as it is.
    case file(Int32)
  }

  /// What the program reads; -1 without a pipe to it, and after `closeInput`.
  public private(set) var input: Int32 = -1
  /// What the program writes; -1 after `closeOutput`.
  public private(set) var output: Int32 = -1
  /// What the program complains; -1 after `closeErrors`.
  public private(set) var errors: Int32 = -1
  private let group: pid_t
  private let terminal: LentTerminal?
  private var exit: Exit?

  /// Starts a program.
  /// - Parameters:
  ///   - words: the program, searched for in `PATH`, and its arguments.
  ///   - directory: the program's working directory.
  ///   - given: what it reads.
  ///   - asks: whether it has this program's terminal while it runs, to ask a person, and its standard error with it. Sound that comes
  ///     by this program's standard input is not for it.
  package init(
    starting words: [String], directory: String, environment: [String: String], input given: Input,
    asks: Bool = false
  ) throws(ChildProcessError) {
    guard let program = words.first, !words.contains(where: { $0.utf8.contains(0) }) else {
      throw ChildProcessError(program: words.first ?? "", directory: directory, code: EINVAL)
    }
    var opened: [Int32] = []
    do throws(ChildProcessError) {
      let inputEnds = try Self.ends(of: given)
      opened += [inputEnds.read, inputEnds.write]
      let outputEnds = try Self.pipe()
      opened += [outputEnds.read, outputEnds.write]
      let errorEnds = asks ? (read: -1, write: dup(STDERR_FILENO)) : try Self.pipe()
      opened += [errorEnds.read, errorEnds.write]
      terminal = asks ? LentTerminal() : nil
      let start = ProgramStart(
        words, directory: directory, environment: environment,
        input: asks && isatty(STDIN_FILENO) != 0 ? STDIN_FILENO : inputEnds.read,
        output: outputEnds.write, errors: errorEnds.write, terminal: terminal?.descriptor)
      let (process, problem) = start.run()
      guard problem == 0 else {
        throw ChildProcessError(program: program, directory: directory, code: problem)
      }
      for descriptor in [inputEnds.read, outputEnds.write, errorEnds.write] where descriptor >= 0 {
        Glibc.close(descriptor)
      }
      group = process
      (input, output, errors) = (inputEnds.write, outputEnds.read, errorEnds.read)
    } catch {
      for descriptor in opened where descriptor >= 0 { Glibc.close(descriptor) }
      throw error
    }
    LiveChildren.shared.add(group)
    for descriptor in [input, output, errors] where descriptor >= 0 {
      _ = fcntl(descriptor, F_SETFL, O_NONBLOCK)
    }
  }

  deinit {
    closeAll()
    if exit == nil {
      kill(-group, SIGKILL)
      var status: Int32 = 0
      waitpid(group, &status, 0)
      LiveChildren.shared.remove(group)
      terminal?.takeBack()
    }
  }

  /// Whether there is input it has not read yet.
  package var hasUnreadInput: Bool {
    var count: Int32 = 0
    return ioctl(input, UInt(FIONREAD), &count) == 0 && count > 0
  }

  /// Whether it was stopped, as by Ctrl-Z on the terminal it has.
  package var isStopped: Bool {
    var information = siginfo_t()
    return exit == nil && waitid(P_PID, id_t(group), &information, WSTOPPED | WNOHANG | WNOWAIT) == 0
      && information.si_signo == SIGCHLD
  }

  /// Waits until it has ended, and ends it by force at a time. Blocks.
  package func wait(until deadline: Instant) -> Exit {
    while true {
      if let exit = poll() { return exit }
      if Instant.now() >= deadline { kill() }
      usleep(2000)
    }
  }

  // MARK: - Streams

  /// Closes the pipe to the program's standard input: the program reads the end.
  public func closeInput() { Self.close(&input) }
  /// Closes the pipe from the program's standard output.
  public func closeOutput() { Self.close(&output) }
  /// Closes the pipe from the program's standard error.
  public func closeErrors() { Self.close(&errors) }

  /// Closes all three pipes.
  public func closeAll() {
    closeInput()
    closeOutput()
    closeErrors()
  }

  private static func close(_ descriptor: inout Int32) {
    if descriptor >= 0 { Glibc.close(descriptor) }
    descriptor = -1
  }

  /// Reads what the program has written, as much as is there and has room.
  package func read(into room: UnsafeMutableRawBufferPointer) -> Transferred { readSome(output, into: room) }

  /// Gives the program bytes to read, as many as it takes at once.
  package func write(_ bytes: UnsafeRawBufferPointer) -> Transferred { writeSome(bytes, to: input) }

  // MARK: - End

  /// Asks the program, and what it has started, to end.
  public func terminate() {
    if exit == nil { kill(-group, SIGTERM) }
  }

  /// Ends the program, and what it has started, at once.
  public func kill() {
    if exit == nil { kill(-group, SIGKILL) }
  }

  /// How the program ended; nil as long as it runs. Whatever it has started and left behind is ended with it.
  public func poll() -> Exit? {
    if let exit { return exit }
    var information = siginfo_t()
    // Left unreaped for a moment: until then nothing else can get the group's number.
    guard waitid(P_PID, id_t(group), &information, WEXITED | WNOHANG | WNOWAIT) == 0,
      information.si_signo == SIGCHLD
    else { return nil }
    kill(-group, SIGKILL)
    var status: Int32 = 0
    waitpid(group, &status, 0)
    LiveChildren.shared.remove(group)
    terminal?.takeBack()
    let signal = status & 0x7F
    exit = signal == 0 ? .code(status >> 8 & 0xFF) : .signal(signal)
    return exit
  }

  private func kill(_ target: pid_t, _ signal: Int32) {
    _ = Glibc.kill(target, signal)
  }

  // MARK: - Start

  private static func pipe() throws(ChildProcessError) -> (read: Int32, write: Int32) {
    var ends: [Int32] = [-1, -1]
    guard Glibc.pipe(&ends) == 0 else { throw ChildProcessError(program: "", directory: "", code: errno) }
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    return (ends[0], ends[1])
  }

  /// The end a program reads, and the one this program writes.
  private static func ends(of input: Input) throws(ChildProcessError) -> (read: Int32, write: Int32) {
    switch input {
    case .none: (open("/dev/null", O_RDONLY | O_CLOEXEC), -1)
    case .pipe: try pipe()
    case .file(let descriptor): (fcntl(descriptor, F_DUPFD_CLOEXEC, 3), -1)
    }
  }
}

/// Why a program could not be started.
package struct ChildProcessError: Error, CustomStringConvertible {
  /// Its name, as given; empty where it was not even come to.
  package var program: String
  package var directory: String
  /// An `errno`.
  package var code: Int32

  /// Whether there is no such program in PATH.
  package var isMissing: Bool { code == ENOENT && !program.contains("/") }

  package var description: String {
    let reason = String(cString: strerror(code))
    if program.isEmpty {
      return code == EINVAL
        ? "a program without a name cannot be started" : "no more files can be opened: \(reason)"
    }
    return isMissing
      ? "there is no program \(program)" : "\(program) cannot be started in \(directory): \(reason)"
  }
}
