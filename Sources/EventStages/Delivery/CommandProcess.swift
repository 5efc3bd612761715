internal import FluxGraph

/// A program that reads events from its standard input. What it prints and complains becomes notices.
actor CommandProcess {
  /// How long a program may go on once its input has ended, and again once it has been asked to end.
  private static let patience = Duration.seconds(2)
  private static let interval = Duration.milliseconds(20)

  private let child: ChildProcess
  private let name: String
  private let context: StageContext
  private var output = OutputLines()
  private var errors = OutputLines()

  init(_ arguments: [String], name: String, environment: [String: String], _ context: StageContext)
    throws(StageError)
  {
    self.name = name
    self.context = context
    child = try ChildProcess(
      arguments, directory: context.directory, environment: environment, hasInput: true)
    context.log.info("started \(name)")
  }

  /// Writes a line, as fast as the program reads. Returns how the program has ended when it reads no more.
  func send(_ line: [UInt8], until deadline: Instant = Instant(nanoseconds: .max)) async throws
    -> ChildProcess.Exit?
  {
    var written = 0
    while written < line.count {
      let taken = line.withUnsafeBytes { child.write(.init(rebasing: $0[written...])) }
      drain()
      switch taken {
      case .bytes(let count): written += count
      case .notNow:
        if let exit = child.poll() { return exit }
        if Instant.now() >= deadline {
          child.kill()
        }
        try await Task.sleep(for: Self.interval)
      case .failed, .end: return try await end()
      }
    }
    return nil
  }

  /// Ends the program's input, and waits for the program to end: for `time`, then with a request, then with force.
  func end(within time: Duration = patience) async throws -> ChildProcess.Exit {
    child.closeInput()
    let started = Instant.now()
    var isAsked = false
    while true {
      drain()
      if let exit = child.poll() {
        drain()
        return exit
      }
      let waited = Instant.now().duration(since: started)
      if waited >= time + Self.patience {
        child.kill()
      } else if waited >= time, !isAsked {
        isAsked = true
        child.terminate()
      }
      do {
        try await Task.sleep(for: Self.interval)
      } catch {
        child.kill()
        throw error
      }
    }
  }

  /// Tells what the program has said so far. To be called now and then, or the program waits for its reader.
  func drain() {
    for line in output.read(child.output) { context.notice(Notice("stdout", "\(name): \(line.excerpt())")) }
    for line in errors.read(child.errors) { context.notice(Notice("stderr", "\(name): \(line.excerpt())")) }
  }
}
