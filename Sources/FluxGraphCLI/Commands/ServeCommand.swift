internal import FluxGraph
internal import FluxGraphHost
internal import FluxProtocol
internal import FluxServer
internal import Glibc
internal import NetLoop
internal import Platform
internal import Synchronization

/// `fluxgraph serve`: the local Flux server, for any Flux client.
struct ServeCommand {
  struct Arguments: Sendable {
    var address = ServerAddress(host: "127.0.0.1", port: 8119)!
    var isPublic = false
    var words = "pocketsphinx"
    var keyVariable: String?
    var mostStreams: Int?
    /// Texts of faults, one for each `--fault`, and the file of `--scenario`.
    var faults: [String] = []
    var scenario: String?
    var replay: String?

    private static let known = [
      "--address", "--port", "--public", "--words", "--key", "--max-streams", "--fault", "--scenario",
      "--replay",
    ]

    init(_ arguments: [String]) throws(UsageError) {
      var reader = ArgumentReader(arguments, known: Self.known)
      var (host, port) = (address.host, address.port)
      while let argument = reader.next() {
        switch argument {
        case "--address": host = try reader.value(of: argument)
        case "--public": isPublic = true
        case "--fault": faults.append(try reader.value(of: argument))
        case "--replay": replay = try reader.value(of: argument)
        case "--scenario": scenario = try reader.value(of: argument)
        case "--max-streams":
          let text = try reader.value(of: argument)
          guard let number = Int(text), number > 0 else {
            throw UsageError("`--max-streams` wants a number of 1 or more")
          }
          mostStreams = number
        case "--port":
          let text = try reader.value(of: argument)
          guard let number = UInt16(text) else { throw UsageError("`--port` wants a number from 0 to 65535") }
          port = number
        case "--words": words = try reader.value(of: argument)
        case "--key": keyVariable = try reader.value(of: argument)
        default:
          throw argument.hasPrefix("-")
            ? reader.unknown(argument) : UsageError("`serve` takes no `\(argument)`")
        }
      }
      guard let address = ServerAddress(host: host, port: port) else {
        throw UsageError("`--address` wants an address in digits, such as 127.0.0.1 or ::1, not `\(host)`")
      }
      self.address = address
      guard isPublic || address.isLoopback else {
        throw UsageError(
          "\(address.host) can be reached from other machines; add `--public` if that is wanted")
      }
    }
  }

  /// How long sessions may go on after SIGTERM, as whoever replaces a service wants it. Ctrl-C is impatient.
  private static let drainLimit = Duration.seconds(30)

  private let arguments: Arguments
  private let signals: SignalReader

  init(_ arguments: Arguments, _ signals: SignalReader) {
    self.arguments = arguments
    self.signals = signals
  }

  /// A line on standard error, in the form the log has.
  /// - Parameter word: what a person reads before it.
  private static func tell(_ word: String?, _ text: String) {
    let level = word == "error" || word == "warning" ? word ?? "" : "info"
    let line =
      LogSettings.current.format == .json
      ? ProgramLog.json(level, "serve", text) : (word.map { "\($0): " } ?? "") + text
    Terminal.error.write("\(line)\n")
  }

  func run() async -> ExitCode {
    do {
      var options = FluxServer.Options()
      let address = arguments.address
      options.address = .tcp(host: address.host, port: address.port)
      options.access = RequestAccess(isPublic: arguments.isPublic, option: "--public")
      options.mostStreams = arguments.mostStreams
      options.key = try key()
      options.words = try WordChoice(
        named: arguments.words, directory: ".", environment: SecretRegister.program.childEnvironment
      ) { Self.tell("notice", $0) }
      options.faults = try faults()
      options.replay = try recording()
      options.notice = { Self.tell("notice", $0) }
      options.report = { Self.tell(nil, "\($0)") }
      ErrorQueue.shared.begin()
      let loop = try EventLoop()
      loop.start()
      let server = FluxServer(loop: loop, options: options)
      let port = try await server.start()
      // Before anybody knows that it is there: whoever reads the line may end it at once.
      let interruptions = interruptions()
      // On standard output, so that a script can read where to connect to.
      Terminal.output.write("\(address.url("ws", port: port))v2/listen\n")
      let signal = await interruptions.first { _ in true }
      await server.stop(drain: signal == SIGTERM ? Self.drainLimit : .zero)
      await loop.finish()
      return .success
    } catch let error as StageError {
      Self.tell("error", "\(error)")
      return .failure(error.code)
    } catch {
      Self.tell("error", "\(error)")
      return .failure(.unavailable)
    }
  }

  /// The key is named by its variable: what stands on a command line can be read by everyone on the machine.
  private func key() throws(StageError) -> String? {
    guard let name = arguments.keyVariable else { return nil }
    let environment = GraphEnvironment(directory: ".")
    for problem in environment.problems { Self.tell("warning", problem) }
    guard let key = environment[name] else {
      throw StageError(.badGraph, "the variable \(name), which should hold the key, is not set")
    }
    SecretRegister.program.add(Secret(key))
    SecretRegister.program.withhold(variable: name)
    if let problem = SecretProblem(key, for: .key) { throw problem.failure(name) }
    return key
  }

  private func recording() throws(StageError) -> FluxRecording? {
    guard let path = arguments.replay else { return nil }
    let bytes = try InputFile.read(path, limit: 1 << 30)
    do throws(RecordingError) {
      return try FluxRecording(reading: bytes)
    } catch {
      throw StageError(.badInput, "\(path): \(error)")
    }
  }

  private func faults() throws(StageError) -> FaultPlan {
    var texts = arguments.faults
    if let path = arguments.scenario {
      texts.append(String(decoding: try InputFile.read(path, limit: 1 << 20), as: UTF8.self))
    }
    do throws(FaultError) {
      return try FaultPlan(parsing: texts.joined(separator: "\n"))
    } catch {
      throw StageError(.badGraph, error.description)
    }
  }

  /// Gives the first signal; the second one ends the program at once.
  private func interruptions() -> AsyncStream<Int32> {
    let (stream, feed) = AsyncStream.makeStream(of: Int32.self)
    let count = Atomic<Int>(0)
    signals.handle { number in
      guard count.add(1, ordering: .relaxed).newValue == 1 else { exit(ExitCode.interrupted.rawValue) }
      feed.yield(number)
    }
    return stream
  }
}
