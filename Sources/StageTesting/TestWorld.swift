public import FluxGraph
internal import Synchronization

/// Everything a stage's context offers, under the control of a test.
public final class TestWorld: Sendable {
  /// The loop and the clock.
  public let loop = ManualLoop()
  public let webSockets = FakeWebSockets()
  private let environment: [String: String]
  private let answers: @Sendable (HTTPRequest) -> HTTPResponse?
  private let state = Mutex<(notices: [Notice], requests: [HTTPRequest], wakes: Int)>(([], [], 0))
  private let commands = Mutex<[StageCommandHandler]>([])

  /// - Parameters:
  ///   - environment: the environment variables the stage sees.
  ///   - answers: what HTTP requests are answered with; nil refuses the connection.
  public init(
    environment: [String: String] = [:],
    answers: @escaping @Sendable (HTTPRequest) -> HTTPResponse? = { _ in nil }
  ) {
    self.environment = environment
    self.answers = answers
  }

  /// A context for a stage.
  /// - Parameter directory: what relative paths are relative to.
  public func context(name: String = "stage", directory: String = ".") -> StageContext {
    StageContext(
      name: name, location: nil, directory: directory, clock: loop, loop: loop, webSockets: webSockets,
      http: FakeHTTP(world: self), disk: InlineThread(), terminal: InlineThread(), resources: [:],
      environment: { self.environment[$0] },
      waker: .init(
        wake: { self.state.withLock { $0.wakes += 1 } },
        wakeWhenReadable: { _ in self.state.withLock { $0.wakes += 1 } }),
      noticeHandler: { notice in self.state.withLock { $0.notices.append(notice) } },
      portHandler: { _, _ in },
      commandRegistrar: { handler in self.commands.withLock { $0.append(handler) } })
  }

  /// Gives a command to every stage that takes commands, and returns the answers.
  public func give(_ command: StageCommand) -> [StageReply] {
    commands.withLock { $0 }.map { $0(command) }
  }

  /// The notices given so far.
  public var notices: [Notice] { state.withLock { $0.notices } }
  /// The HTTP requests sent so far.
  public var requests: [HTTPRequest] { state.withLock { $0.requests } }
  /// How often a source asked to be called again.
  public var wakes: Int { state.withLock { $0.wakes } }

  private struct FakeHTTP: HTTPClient {
    let world: TestWorld

    func response(to request: HTTPRequest) async throws(NetworkFailure) -> HTTPResponse {
      world.state.withLock { $0.requests.append(request) }
      guard let response = world.answers(request) else {
        throw NetworkFailure(.connectionRefused, "the connection was refused")
      }
      return response
    }
  }

  /// Runs what may block at once: in a test there is nothing to hold up.
  private struct InlineThread: BlockingThread {
    func run<Result: Sendable>(_ body: @escaping @Sendable () throws -> Result) async throws -> Result {
      try body()
    }
  }
}
