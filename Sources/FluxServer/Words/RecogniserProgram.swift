import Glibc
import Platform

/// A recogniser's program. Belongs to one thread, which may block.
final class RecogniserProgram {
  /// How long it may take to end after its input was closed and SIGTERM was sent.
  private static let endLimit = Duration.milliseconds(500)

  private let child: ChildProcess

  init(_ program: CommandWords.Program) throws(ChildProcessError) {
    child = try ChildProcess(
      starting: program.command.words, directory: program.directory, environment: program.environment,
      input: .pipe)
  }

  /// Takes what it has printed.
  func read(into room: UnsafeMutableRawBufferPointer) -> Transferred { child.read(into: room) }
  /// Gives it sound.
  func write(_ bytes: UnsafeRawBufferPointer) -> Transferred { child.write(bytes) }

  /// None of them blocks.
  var input: Int32 { child.input }
  var output: Int32 { child.output }
  var errors: Int32 { child.errors }
  /// Whether there is input it has not read yet.
  var hasUnread: Bool { child.hasUnreadInput }

  /// Ends the program and everything it started, and waits for it.
  ///
  /// - Parameter isOver: its output ended, so that it is about to end by itself.
  /// - Returns: how it ended, as the end of a sentence.
  func end(isOver: Bool) -> String {
    child.closeInput()
    child.closeOutput()
    // Only now: writing to nobody would be the program's end.
    defer { child.closeErrors() }
    if !isOver { child.terminate() }
    return switch child.wait(until: .now().advanced(by: Self.endLimit)) {
    case .code(let code): "ended with status \(code)"
    case .signal(SIGKILL): "did not end and was killed"
    case .signal(let signal): "was ended by signal \(signal)"
    }
  }
}
