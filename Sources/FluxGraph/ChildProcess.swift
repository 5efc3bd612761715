internal import Glibc
internal import Synchronization

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
  private var exit: Exit?

  /// Starts a program.
  /// - Parameters:
  ///   - arguments: the program, searched for in `PATH`, and its arguments.
  ///   - directory: the program's working directory.
  ///   - hasInput: whether there is a pipe to its standard input; without one it reads the end at once.
  /// - Throws: `StageError` with code `unavailable` when there is no such program.
  public convenience init(
    _ arguments: [String], directory: String, environment: [String: String], hasInput: Bool
  ) throws(StageError) {
    try self.init(
      arguments, directory: directory, environment: environment, input: hasInput ? .pipe : .none)
  }

  /// Starts a program.
  /// - Parameters:
  ///   - arguments: the program, searched for in `PATH`, and its arguments.
  ///   - directory: the program's working directory.
  ///   - input: what it reads.
  /// - Throws: `StageError` with code `unavailable` when there is no such program.
  public init(
    _ arguments: [String], directory: String, environment: [String: String], input given: Input
  ) throws(StageError) {
    guard let program = arguments.first, !arguments.contains(where: { $0.utf8.contains(0) }) else {
      throw StageError(.badGraph, "a program without a name cannot be started")
    }
    let inputEnds = try Self.ends(of: given)
    let outputEnds = try Self.pipe()
    let errorEnds = try Self.pipe()
    let result = Self.spawn(
      program, arguments, directory, environment, input: inputEnds.read, output: outputEnds.write,
      errors: errorEnds.write)
    for descriptor in [inputEnds.read, outputEnds.write, errorEnds.write] { Glibc.close(descriptor) }
    guard case .success(let identifier) = result else {
      for descriptor in [inputEnds.write, outputEnds.read, errorEnds.read] where descriptor >= 0 {
        Glibc.close(descriptor)
      }
      var reason: Int32 = 0
      if case .failure(let failure) = result { reason = failure.code }
      let isMissing = reason == ENOENT && !program.contains("/")
      throw StageError(
        .unavailable,
        isMissing
          ? "there is no program \(program)"
          : "\(program) cannot be started in \(directory): \(String(cString: strerror(reason)))",
        help: isMissing ? "Install it, or give its path." : nil)
    }
    group = identifier
    LiveChildren.shared.add(identifier)
    input = inputEnds.write
    output = outputEnds.read
    errors = errorEnds.read
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
    let signal = status & 0x7F
    exit = signal == 0 ? .code(status >> 8 & 0xFF) : .signal(signal)
    return exit
  }

  private func kill(_ target: pid_t, _ signal: Int32) {
    _ = Glibc.kill(target, signal)
  }

  // MARK: - Start

  private static func pipe() throws(StageError) -> (read: Int32, write: Int32) {
    var ends: [Int32] = [-1, -1]
    guard Glibc.pipe(&ends) == 0 else {
      throw StageError(.unavailable, "no more files can be opened: \(String(cString: strerror(errno)))")
    }
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    return (ends[0], ends[1])
  }

  /// The end a program reads, and the one this program writes.
  private static func ends(of input: Input) throws(StageError) -> (read: Int32, write: Int32) {
    switch input {
    case .none: (open("/dev/null", O_RDONLY | O_CLOEXEC), -1)
    case .pipe: try pipe()
    case .file(let descriptor): (fcntl(descriptor, F_DUPFD_CLOEXEC, 3), -1)
    }
  }

  private struct Failure: Error {
    var code: Int32
  }

  private static func spawn(
    _ program: String, _ arguments: [String], _ directory: String, _ environment: [String: String],
    input: Int32, output: Int32,
    errors: Int32
  ) -> Result<pid_t, Failure> {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_adddup2(&actions, input, 0)
    posix_spawn_file_actions_adddup2(&actions, output, 1)
    posix_spawn_file_actions_adddup2(&actions, errors, 2)
    _ = SpawnExtensions.closeFrom(&actions, 3)
    _ = SpawnExtensions.changeDirectory(&actions, directory.isEmpty ? "." : directory)

    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    var none = sigset_t()
    sigemptyset(&none)
    var all = sigset_t()
    sigfillset(&all)
    posix_spawnattr_setsigmask(&attributes, &none)
    posix_spawnattr_setsigdefault(&attributes, &all)
    posix_spawnattr_setpgroup(&attributes, 0)
    posix_spawnattr_setflags(
      &attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP))

    var words: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) } + [nil]
    var variables: [UnsafeMutablePointer<CChar>?] = environment.map { strdup("\($0)=\($1)") } + [nil]
    defer {
      for word in words { free(word) }
      for variable in variables { free(variable) }
    }
    var identifier: pid_t = 0
    let code = posix_spawnp(&identifier, program, &actions, &attributes, &words, &variables)
    return code == 0 ? .success(identifier) : .failure(Failure(code: code))
  }
}

/// The programs that run, so that none outlives this one when it ends in a hurry.
private final class LiveChildren: Sendable {
  static let shared = LiveChildren()

  private let groups = Mutex<Set<pid_t>>([])

  private init() {
    atexit {
      LiveChildren.shared.groups.withLock { groups in
        for group in groups { _ = kill(-group, SIGKILL) }
      }
    }
  }

  func add(_ group: pid_t) { groups.withLock { _ = $0.insert(group) } }
  func remove(_ group: pid_t) { groups.withLock { _ = $0.remove(group) } }
}
