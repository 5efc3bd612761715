internal import FluxGraph
internal import Glibc
internal import GraphLanguage
internal import GraphRuntime
internal import Synchronization

/// Keeps the status line of a running graph up to date.
final class StatusTicker: Sendable {
  private static let interval = Duration.milliseconds(500)

  private let region: TerminalRegion
  private let loop: any GraphLoop
  private let terminal: BlockingWorker
  private let status: @Sendable () -> RunStatus
  private let isOver = Atomic<Bool>(false)
  /// A terminal that takes nothing must not collect frames.
  private let isDrawing = Atomic<Bool>(false)

  /// - Parameters:
  ///   - terminal: the thread that writes to the terminal.
  ///   - status: called on the loop.
  init(
    _ region: TerminalRegion, loop: any GraphLoop, terminal: BlockingWorker,
    status: @escaping @Sendable () -> RunStatus
  ) {
    self.region = region
    self.loop = loop
    self.terminal = terminal
    self.status = status
  }

  /// The terminal to draw a status on; nil where none is wanted: standard error is no terminal, or one that cannot move its
  /// cursor, or what `stdout` prints goes to another program, which may print on the same terminal.
  static func region(for plan: Plan) -> TerminalRegion? {
    let kind = getenv("TERM").map { String(cString: $0) } ?? ""
    guard Terminal.error.isTerminal, !["", "dumb"].contains(kind) else { return nil }
    if sharesTerminal { return TerminalRegion(descriptor: STDOUT_FILENO) }
    var status = stat()
    let isFile = fstat(STDOUT_FILENO, &status) == 0 && [S_IFREG, S_IFCHR].contains(status.st_mode & S_IFMT)
    let prints = plan.nodes.contains { $0.specification.name == "stdout" }
    return isFile || !prints ? TerminalRegion(descriptor: STDERR_FILENO) : nil
  }

  /// Whether standard output and standard error are the same terminal.
  static var sharesTerminal: Bool {
    var output = stat()
    var error = stat()
    return Terminal.output.isTerminal && Terminal.error.isTerminal && fstat(STDOUT_FILENO, &output) == 0
      && fstat(STDERR_FILENO, &error) == 0 && output.st_rdev == error.st_rdev
  }

  /// Begins; what is over at once shows nothing.
  func start() { scheduleNext() }

  /// Takes the status away for good.
  func stop() async {
    isOver.store(true, ordering: .relaxed)
    _ = try? await terminal.run { [region] in region.show(status: nil) }
  }

  private func scheduleNext() {
    _ = loop.schedule(at: Instant.now().advanced(by: Self.interval)) { [weak self] in self?.tick() }
  }

  private func tick() {
    guard !isOver.load(ordering: .relaxed) else { return }
    scheduleNext()
    guard !isDrawing.exchange(true, ordering: .relaxed) else { return }
    let status = status()
    terminal.submit { [self] in
      if !isOver.load(ordering: .relaxed) { region.show(status: Self.isInForeground ? text(status) : nil) }
      isDrawing.store(false, ordering: .relaxed)
    }
  }

  private func text(_ status: RunStatus) -> String {
    let line = status.line(columns: region.screen.columns)
    guard Terminal.error.isColored else { return line }
    return "\u{1B}[\(status.isTroubled ? "33" : "2")m\(line)\u{1B}[0m"
  }

  /// Whether the terminal is this program's at the moment, and not that of the shell that put it into the background.
  private static var isInForeground: Bool { tcgetpgrp(STDERR_FILENO) == getpgrp() }
}
