internal import FluxGraph
internal import FluxGraphHost
internal import Glibc
internal import Platform

/// Standard output or standard error, for what commands say themselves.
struct Terminal: Sendable {
  private let descriptor: Int32

  static let output = Terminal(descriptor: STDOUT_FILENO)
  static let error = Terminal(descriptor: STDERR_FILENO)

  /// Whether a person is looking.
  var isTerminal: Bool { isatty(descriptor) == 1 }

  /// Whether colours are wanted (no-color.org).
  var isColored: Bool {
    guard isTerminal, getenv("TERM").map({ String(cString: $0) }) != "dumb" else { return false }
    return getenv("NO_COLOR").map { $0.pointee == 0 } ?? true
  }

  /// The columns of the terminal; as many as one likes where there is none.
  var columns: Int {
    guard isTerminal else { return .max }
    var size = winsize()
    if ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 { return Int(size.ws_col) }
    return getenv("COLUMNS").flatMap { Int(String(cString: $0)) } ?? 80
  }

  /// Writes text, whole, with dots for what is secret: what is put into a literal is written out. What cannot be written is lost:
  /// there is nobody left to tell.
  /// - Returns: whether it was written, or will be.
  @discardableResult
  func write(_ text: TerminalText) -> Bool {
    guard descriptor == STDERR_FILENO else { return writeNow(text) }
    ErrorQueue.shared.submit(size: text.text.utf8.count) { writeNow(text) }
    return true
  }

  /// The same, without waiting for what was to be written before.
  @discardableResult
  func writeNow(_ text: TerminalText) -> Bool {
    var text = SecretRegister.program.masked(text.text)
    return text.withUTF8 { writeAll(UnsafeRawBufferPointer($0), to: descriptor).problem == 0 }
  }

  /// Writes lines of text, with everything written out but their breaks.
  func write(lines: String) { write(TerminalText(lines: lines)) }

  /// Writes what has been made fit for a terminal already, colours and all.
  func write(drawn: String) { write(TerminalText(drawn: drawn)) }
}
