internal import CPlatform
internal import Glibc

/// How a program is started: with what streams, and with nothing else of this one.
///
/// It leads a process group of its own, so that Ctrl-C on the terminal does not reach it and so that its own children end with it;
/// it has default signals, and no descriptor but the three.
package struct ProgramStart {
  /// The program, searched for in `PATH` unless its name has a slash, and its arguments.
  package var words: [String]
  /// Where it runs.
  package var directory: String
  package var environment: [String: String]
  /// Descriptors of this program that become its standard streams.
  package var input, output, errors: Int32
  /// A terminal this program has in the foreground, which the new one gets, to ask on.
  package var terminal: Int32?

  package init(
    _ words: [String], directory: String, environment: [String: String], input: Int32, output: Int32,
    errors: Int32,
    terminal: Int32? = nil
  ) {
    self.words = words
    self.directory = directory
    self.environment = environment
    self.input = input
    self.output = output
    self.errors = errors
    self.terminal = terminal
  }

  /// Starts it. The result is its number, or an `errno`.
  package func run() -> (process: Int32, problem: Int32) {
    guard let program = words.first else { return (0, ENOENT) }
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO)
    posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO)
    posix_spawn_file_actions_adddup2(&actions, errors, STDERR_FILENO)
    if let terminal { posix_spawn_file_actions_addtcsetpgrp_np(&actions, terminal) }
    // Pipes of other programs, which may be made at this moment, included: held open here, they would not end.
    posix_spawn_file_actions_addclosefrom_np(&actions, 3)
    posix_spawn_file_actions_addchdir_np(&actions, directory.isEmpty ? "." : directory)

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

    var arguments: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) } + [nil]
    var variables: [UnsafeMutablePointer<CChar>?] = environment.map { strdup("\($0)=\($1)") } + [nil]
    defer { for pointer in arguments + variables { free(pointer) } }
    var process: pid_t = 0
    let problem = posix_spawnp(&process, program, &actions, &attributes, &arguments, &variables)
    return (process, problem)
  }
}
