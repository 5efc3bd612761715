import CPlatform
import FluxGraph
import FoundationEssentials
import Glibc
import Synchronization
import Testing

/// A program that was started for a test, with its streams on pipes. It is killed at the end of its time, and when it
/// is no longer referred to.
final class Program: Sendable {
  /// How a program ended, and what it wrote.
  struct Outcome: Sendable {
    /// The exit code; 128 and the signal's number when a signal ended it, as in a shell.
    var status: Int32
    var output: String
    var errors: String
    /// Whether its time was over before it ended.
    var wasLate: Bool

    /// The lines on standard error that tell of a failure.
    var errorLines: [String] {
      errors.split(separator: "\n").map(String.init).filter { $0.hasPrefix("error") }
    }
  }

  /// Everything a program reads before its first byte.
  struct Surroundings: Sendable {
    var input: [UInt8] = []
    /// Whether its standard input stays open, and ends with the `Program` or with the tests.
    var holdsInput = false
    /// Added to the environment of the tests; nil takes a variable away.
    var environment: [String: String?] = [:]
    var directory: String?
    /// Seconds until it is killed.
    var limit = 120.0
  }

  /// Its number, which means it until this object is gone.
  let process: pid_t
  private let output: PipeReader
  private let errors: PipeReader
  private let ending = Ending()
  /// The end of its standard input that is held open.
  private let heldInput: Mutex<Int32?>

  /// Starts a program.
  init(_ path: String, _ arguments: [String], _ surroundings: Surroundings = Surroundings()) throws {
    let (input, out, err) = (try UnixPipe(), try UnixPipe(), try UnixPipe())
    let process = try Self.spawn(
      path, arguments, surroundings, streams: [input.readEnd, out.writeEnd, err.writeEnd])
    self.process = process
    for end in [input.readEnd, out.writeEnd, err.writeEnd] { close(end) }
    output = PipeReader(out.readEnd)
    errors = PipeReader(err.readEnd)
    heldInput = Mutex(surroundings.holdsInput ? input.writeEnd : nil)
    let (ending, bytes, isHeld) = (ending, surroundings.input, surroundings.holdsInput)
    detachThread {
      bytes.withUnsafeBytes { bytes in
        var written = 0
        while written < bytes.count {
          let count = write(input.writeEnd, bytes.baseAddress! + written, bytes.count - written)
          if count < 0 { break }
          written += count
        }
      }
      if !isHeld { close(input.writeEnd) }
    }
    detachThread {
      // The process stays a zombie until this returns, so that its number cannot come to mean another one before.
      var information = siginfo_t()
      while waitid(P_PID, id_t(process), &information, WEXITED | WNOWAIT) < 0 && errno == EINTR {}
      ending.end {
        var status: Int32 = 0
        waitpid(process, &status, 0)
        return status & 0x7F == 0 ? status >> 8 & 0xFF : 128 + status & 0x7F
      }
    }
    detachThread { ending.kill(process, after: surroundings.limit) }
  }

  deinit {
    signal(SIGKILL)
    endInput()
  }

  /// Closes its standard input, where that is held open.
  func endInput() {
    heldInput.withLock { descriptor in
      if let descriptor { close(descriptor) }
      descriptor = nil
    }
  }

  /// Sends a signal, unless the program has ended.
  func signal(_ number: Int32) {
    ending.whileRunning { _ = kill(process, number) }
  }

  /// The first line of its output that is complete and has `text`.
  /// - Throws: when the output ends without one, or there is none for 30 seconds.
  func line(containing text: String = "") async throws -> String {
    let line = try await onThread { [output] in output.line(containing: text) }
    return try #require(line, "the program wrote no line with “\(text)”")
  }

  /// The same of standard error.
  func errorLine(containing text: String) async throws -> String {
    let line = try await onThread { [errors] in errors.line(containing: text) }
    return try #require(line, "the program said nothing with “\(text)”")
  }

  /// Waits for the end.
  func outcome() async throws -> Outcome {
    try await onThread { [self] in
      let (status, wasLate) = ending.wait()
      return Outcome(status: status, output: output.text(), errors: errors.text(), wasLate: wasLate)
    }
  }

  /// Runs a program to its end.
  static func run(
    _ path: String, _ arguments: [String], _ surroundings: Surroundings = Surroundings()
  ) async throws -> Outcome {
    await Turnstile.programs.enter()
    do {
      let outcome = try await Program(path, arguments, surroundings).outcome()
      await Turnstile.programs.leave()
      return outcome
    } catch {
      await Turnstile.programs.leave()
      throw error
    }
  }

  private static func spawn(
    _ path: String, _ arguments: [String], _ surroundings: Surroundings, streams: [Int32]
  ) throws -> pid_t {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    for (number, descriptor) in streams.enumerated() {
      posix_spawn_file_actions_adddup2(&actions, descriptor, Int32(number))
    }
    // Nothing a test starts holds open another's pipe, whose end would never come.
    posix_spawn_file_actions_addclosefrom_np(&actions, Int32(streams.count))

    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    var signals = sigset_t()
    sigemptyset(&signals)
    posix_spawnattr_setsigmask(&attributes, &signals)
    sigfillset(&signals)
    posix_spawnattr_setsigdefault(&attributes, &signals)
    posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))

    var environment = ProcessInfo.processInfo.environment
    for (name, value) in surroundings.environment { environment[name] = value }
    // Only the shell can change the directory here.
    let shell = surroundings.directory.map { ["/bin/sh", "-c", "cd \"$0\" && exec \"$@\"", $0] } ?? []
    let command = shell + [path] + arguments
    var words = command.map { strdup($0) } + [nil]
    var settings = environment.map { strdup("\($0)=\($1)") } + [nil]
    defer { for text in words + settings { free(text) } }
    var process: pid_t = 0
    let error = posix_spawn(&process, command[0], &actions, &attributes, &words, &settings)
    try #require(error == 0, "cannot start \(path): \(String(cString: strerror(error)))")
    return process
  }
}

/// The end of a process, which several threads wait for or bring about.
private final class Ending: Sendable {
  private let result = Mutex<(status: Int32?, wasKilled: Bool)>((nil, false))
  private let condition = Signal()

  func end(_ reap: () -> Int32) {
    result.withLock { $0.status = reap() }
    condition.notify()
  }

  func whileRunning(_ body: () -> Void) {
    result.withLock { if $0.status == nil { body() } }
  }

  func wait() -> (status: Int32, wasKilled: Bool) {
    condition.wait { result.withLock { result in result.status.map { ($0, result.wasKilled) } } }
  }

  func kill(_ process: pid_t, after seconds: Double) {
    let deadline = Date(timeIntervalSinceNow: seconds)
    let hasEnded = condition.wait(until: deadline) { result.withLock { $0.status } } != nil
    if hasEnded { return }
    result.withLock { result in
      guard result.status == nil else { return }
      result.wasKilled = true
      _ = Glibc.kill(process, SIGKILL)
    }
  }
}

/// Collects what comes through a pipe.
private final class PipeReader: Sendable {
  private let state = Mutex<(bytes: [UInt8], hasEnded: Bool)>(([], false))
  private let condition = Signal()

  init(_ descriptor: Int32) {
    detachThread { [self] in
      var piece = [UInt8](repeating: 0, count: 1 << 16)
      while true {
        let count = read(descriptor, &piece, piece.count)
        if count < 0 && errno == EINTR { continue }
        state.withLock { state in
          if count > 0 { state.bytes += piece[..<count] } else { state.hasEnded = true }
        }
        condition.notify()
        if count <= 0 { break }
      }
      close(descriptor)
    }
  }

  /// Everything, once the pipe has ended.
  func text() -> String {
    condition.wait { state.withLock { $0.hasEnded ? String(decoding: $0.bytes, as: UTF8.self) : nil } }
  }

  func line(containing text: String) -> String? {
    let line = condition.wait(until: Date(timeIntervalSinceNow: 30)) { () -> String?? in
      state.withLock { state in
        let whole = state.bytes[..<((state.bytes.lastIndex(of: UInt8(ascii: "\n")) ?? -1) + 1)]
        let lines = String(decoding: whole, as: UTF8.self).split(separator: "\n")
        if let line = lines.first(where: { $0.contains(text) || text.isEmpty }) { return String(line) }
        return state.hasEnded ? .some(nil) : nil
      }
    }
    return line ?? nil
  }
}

private struct UnixPipe {
  let readEnd: Int32
  let writeEnd: Int32

  init() throws {
    var ends: [Int32] = [0, 0]
    try #require(pipe(&ends) == 0)
    (readEnd, writeEnd) = (ends[0], ends[1])
  }
}
