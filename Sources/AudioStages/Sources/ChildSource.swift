internal import FluxGraph
internal import Glibc

/// A program whose standard output is read as sound.
final class ChildSource {
  /// A program that ran this long was all right: the next pause is the first again.
  private static let healthy = Duration.seconds(30)
  /// How long a program may go on after it has closed its output.
  private static let farewell = Duration.seconds(2)

  private let arguments: [String]
  private let run: ProgramRun
  private let context: StageContext
  private let name: String
  private var child: ChildProcess?
  private var complaints: ChildComplaints
  private var ending = ChildEnd()
  private var startedAt = Instant(nanoseconds: 0)
  private var outputEndedAt: Instant?
  private var backOff: BackOff
  private var restartAt: Instant?

  init(_ arguments: [String], _ run: ProgramRun, _ context: StageContext) throws {
    self.arguments = arguments
    self.run = run
    self.context = context
    name = arguments.first.map { $0.split(separator: "/").last.map(String.init) ?? $0 } ?? ""
    complaints = ChildComplaints(name: name)
    backOff = BackOff(run.backoff, upTo: max(run.backoff, run.backoffLimit))
    try start()
  }

  private func start() throws {
    child = try ChildProcess(
      arguments, directory: context.directory, environment: context.childEnvironment, hasInput: false)
    ending = ChildEnd()
    context.log.info("started \(name)")
    startedAt = context.clock.now()
    outputEndedAt = nil
  }

  func read(into bytes: inout ByteBuffer) throws -> SourceProgress {
    guard let child else { return try restartWhenDue() }
    complaints.read(from: child, context)
    if outputEndedAt == nil {
      switch try child.read(into: &bytes, name: name) {
      case .produced: return .produced
      case .finished: outputEndedAt = context.clock.now()
      case .waiting, .restarted:
        context.wakeWhenReadable(child.output)
        if child.errors >= 0 { context.wakeWhenReadable(child.errors) }
        return .waiting
      }
    }
    guard let exit = child.poll() else {
      if let ended = outputEndedAt, context.clock.now().duration(since: ended) > Self.farewell {
        child.terminate()
      }
      ChildEnd.wakeSoon(context)
      return .waiting
    }
    complaints.read(from: child, context)
    self.child = nil
    return try ended(exit)
  }

  private func ended(_ exit: ChildProcess.Exit) throws -> SourceProgress {
    let isSuccess = exit == .code(0)
    switch run.restart {
    case .always: break
    case .onError where !isSuccess: break
    default:
      if isSuccess { return .finished }
      throw StageError(
        .unavailable, "\(name) ended \(exit)" + (complaints.last.map { ", saying: \($0)" } ?? ""))
    }
    let now = context.clock.now()
    if now.duration(since: startedAt) >= Self.healthy { backOff.reset() }
    let pause = backOff.next()
    restartAt = now.advanced(by: pause)
    context.notice(
      Notice(
        "restarting", "\(name) ended \(exit); it is started again in \(pause.unitText)",
        severity: isSuccess ? .info : .warning))
    _ = context.loop.schedule(at: now.advanced(by: pause)) { [context] in context.wake() }
    return .waiting
  }

  private func restartWhenDue() throws -> SourceProgress {
    guard let restartAt else { return .finished }
    let now = context.clock.now()
    guard now >= restartAt else {
      _ = context.loop.schedule(at: restartAt) { [context] in context.wake() }
      return .waiting
    }
    self.restartAt = nil
    try start()
    return .restarted
  }

  /// Ends the program; true once it and all it has started are gone.
  func close() -> Bool {
    restartAt = nil
    guard let child else { return true }
    child.closeOutput()
    complaints.read(from: child, context)
    guard ending.end(child, context) != nil else { return false }
    self.child = nil
    return true
  }
}
