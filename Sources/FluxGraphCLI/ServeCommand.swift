internal import FluxGraph
internal import FluxServer
internal import Glibc
internal import NetLoop
internal import Synchronization

/// `fluxgraph serve`: the local Flux server, for any Flux client.
struct ServeCommand {
  struct Arguments: Sendable {
    var port: UInt16 = 8119
    var words = "pocketsphinx"
    var keyVariable: String?

    init(_ arguments: [String]) throws(UsageError) {
      var reader = ArgumentReader(arguments, known: ["--port", "--words", "--key"])
      while let argument = reader.next() {
        switch argument {
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
    }
  }

  private let arguments: Arguments
  private let signals: SignalReader

  init(_ arguments: Arguments, _ signals: SignalReader) {
    self.arguments = arguments
    self.signals = signals
  }

  func run() async -> ExitCode {
    do {
      var options = FluxServer.Options()
      options.address = .tcp(port: arguments.port)
      options.words = try WordChoice(named: arguments.words, directory: ".")
      options.key = try key()
      options.notice = { Terminal.error.write("notice: \($0)\n") }
      options.report = { Terminal.error.write("\($0)\n") }
      let loop = try EventLoop()
      loop.start()
      let server = FluxServer(loop: loop, options: options)
      let port = try await server.start()
      // On standard output, so that a script can read where to connect to.
      Terminal.output.write("ws://127.0.0.1:\(port)/v2/listen\n")
      await interruption()
      await server.stop()
      await loop.finish()
      return .success
    } catch let error as StageError {
      Terminal.error.write("error: \(error)\n")
      return .failure(error.code)
    } catch {
      Terminal.error.write("error: \(error)\n")
      return .failure(.unavailable)
    }
  }

  /// The key is named by its variable: what stands on a command line can be read by everyone on the machine.
  private func key() throws(StageError) -> String? {
    guard let name = arguments.keyVariable else { return nil }
    guard let key = GraphEnvironment(directory: ".")[name], !key.isEmpty else {
      throw StageError(.badGraph, "the variable \(name), which should hold the key, is not set")
    }
    return key
  }

  /// Returns at the first signal; the second one ends the program at once.
  private func interruption() async {
    let waiter = Mutex<CheckedContinuation<Void, Never>?>(nil)
    await withCheckedContinuation { continuation in
      waiter.withLock { $0 = continuation }
      signals.handle { _ in
        guard
          let first = waiter.withLock({ waiter in
            defer { waiter = nil }
            return waiter
          })
        else { exit(ExitCode.interrupted.rawValue) }
        first.resume()
      }
    }
  }
}
