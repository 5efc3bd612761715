public import FluxGraph
public import FluxGraphHost
internal import Glibc
internal import GraphLanguage
internal import GraphRuntime
internal import Platform

/// The command line. A program with stages of its own is one line: `FluxGraphCLI.main(catalogue: .standard.adding(Gain.self))`.
public enum FluxGraphCLI {
  /// Runs the command the process was started with, and ends the process with its exit code.
  public static func main(catalogue: Catalogue = .standard) -> Never {
    // A reader that goes away is told by EPIPE, to the sink it concerns.
    signal(SIGPIPE, SIG_IGN)
    // A file that may not grow is an error of the call that writes to it.
    signal(SIGXFSZ, SIG_IGN)
    let signals = SignalReader()
    let arguments = Array(CommandLine.arguments.dropFirst())
    // Off the main actor: a hop to it costs more than most of what is done here.
    Task.detached {
      let code = await run(arguments, catalogue: catalogue, signals: signals)
      await ErrorQueue.shared.flush()
      exit(code.rawValue)
    }
    signals.readForever()
  }

  static func run(_ arguments: [String], catalogue: Catalogue, signals: SignalReader) async -> ExitCode {
    guard let word = arguments.first else {
      Terminal.error.write(lines: Help.overview)
      return .usage
    }
    let rest = Array(arguments.dropFirst())
    do {
      switch word {
      case "run": return try await RunCommand(try RunCommand.Arguments(rest), catalogue, signals).run()
      case "batch": return try await BatchCommand(try BatchArguments(rest), catalogue, signals).run()
      case "check": return try CheckCommand(rest, catalogue).run()
      case "graph": return try GraphCommand(rest, catalogue).run()
      case "explain": return try ExplainCommand(rest, catalogue).run()
      case "completion": return try CompletionCommand(rest, catalogue).run()
      case "fmt": return try FormatCommand(rest).run()
      case "test": return try TestCommand(rest, catalogue).run()
      case "ctl": return try ControlCommand(try ControlCommand.Arguments(rest)).run()
      case "tap": return try TapCommand(rest).run()
      case "inspect": return try InspectCommand(rest, catalogue).run()
      case "devices": return try await DevicesCommand(try DevicesCommand.Arguments(rest), signals).run()
      case "record":
        return try await RecordCommand(try RecordCommand.Arguments(rest), catalogue, signals).run()
      case "serve": return await ServeCommand(try ServeCommand.Arguments(rest), signals).run()
      case "spool": return try await SpoolCommand(rest).run(catalogue, signals)
      case "plugin": return try PluginCommand(rest, catalogue).run()
      case "schema":
        guard rest.isEmpty else {
          throw rest[0] == "--help" || rest[0] == "-h"
            ? UsageError.help : UsageError("`schema` takes nothing")
        }
        Terminal.output.write(lines: EventSchema.text)
        return .success
      case "help", "--help", "-h":
        if let topic = rest.first, !Help.commands.contains(topic), topic != "metrics" {
          throw UsageError.unknownWord(topic, "there is no help on `\(topic)`", catalogue)
        }
        Terminal.output.write(lines: Help.text(for: rest.first))
        return .success
      case "version", "--version":
        Terminal.output.write("fluxgraph \(FluxGraphVersion.text)\n")
        return .success
      default:
        throw UsageError.unknownWord(word, "there is no command called `\(word)`", catalogue)
      }
    } catch let error as UsageError {
      if error.isHelpRequest {
        Terminal.output.write(lines: Help.text(for: word))
        return .success
      }
      Terminal.error.write("fluxgraph: \(error.message)\n")
      return .usage
    } catch {
      Terminal.error.write("error: \(error)\n")
      return .failure((error as? StageError)?.code ?? .internal)
    }
  }
}

/// How the program ends (sysexits.h where it has a code).
struct ExitCode: Sendable, Hashable {
  var rawValue: Int32

  static let success = ExitCode(rawValue: 0)
  /// A test of a graph did not come true.
  static let failedTest = ExitCode(rawValue: 1)
  static let usage = ExitCode(rawValue: 64)
  static let badGraph = ExitCode(rawValue: 78)
  static let interrupted = ExitCode(rawValue: 130)

  static func failure(_ code: StageError.Code) -> ExitCode { ExitCode(rawValue: code.rawValue) }

  /// That of a graph which cannot be run: whose mistake it is, the graph's, the command line's or that of a key.
  static func failure(_ result: CheckResult) -> ExitCode {
    if result.blamesSecrets { return .failure(.refused) }
    return result.blamesParameters ? .usage : .badGraph
  }
}
