internal import FluxGraph
internal import FluxGraphHost
internal import GraphLanguage
internal import Platform

/// A graph on the command line, and how it is checked.
struct GraphChoice: Sendable {
  static let known = ["-e", "--set", "--strict"]

  /// The graph itself, where it is no file.
  var text: String?
  var parameters: [String: String] = [:]
  var isStrict = false

  /// Takes an option, if it is one of these.
  mutating func take(_ option: String, _ reader: inout ArgumentReader) throws(UsageError) -> Bool {
    switch option {
    case "-e": text = try reader.value(of: option)
    case "--strict": isStrict = true
    case "--set":
      let setting = try reader.value(of: option)
      guard let equals = setting.firstIndex(of: "="), equals > setting.startIndex else {
        throw UsageError("`--set` wants NAME=VALUE")
      }
      parameters[String(setting[..<equals])] = String(setting[setting.index(after: equals)...])
    default: return false
    }
    return true
  }

  /// The graph in a file, or the one that was written out.
  func file(_ path: String?) throws(StageError) -> GraphFile {
    guard let path else { return GraphFile(text: text ?? "") }
    return try GraphFile(path: path)
  }

  /// Checks a graph, and shows what is wrong with it.
  func check(_ file: GraphFile, _ catalogue: Catalogue, allowsMissingSecrets: Bool = false) -> CheckResult {
    let result = file.check(
      catalogue, parameters: parameters, isStrict: isStrict, allowsMissingSecrets: allowsMissingSecrets)
    Terminal.error.write(
      drawn: result.rendered(color: Terminal.error.isColored, width: Terminal.error.columns))
    return result
  }
}

/// What the commands that look at graphs without running them are given.
struct GraphArguments {
  var paths: [String] = []
  var graph = GraphChoice()
  /// The values of the options that only one command has, by name; flags have an empty one.
  var options: [String: String] = [:]

  /// - Parameters:
  ///   - flags: options of the command itself without a value.
  ///   - choices: those that take one of a few words, the usual one first.
  init(
    _ command: String, _ arguments: [String], flags: [String] = [], choices: [String: [String]] = [:]
  ) throws(UsageError) {
    var reader = ArgumentReader(arguments, known: GraphChoice.known + flags + choices.keys)
    while let argument = reader.next() {
      if try graph.take(argument, &reader) { continue }
      if flags.contains(argument) {
        options[argument] = ""
      } else if let words = choices[argument] {
        options[argument] = try reader.choice(of: argument, words)
      } else if argument.hasPrefix("-") && argument != "-" {
        throw reader.unknown(argument)
      } else {
        paths.append(argument)
      }
    }
    if paths.isEmpty && graph.text == nil {
      throw UsageError("`\(command)` needs a graph: one or more files, or `-e TEXT`")
    }
  }
}

extension GraphArguments {
  /// Calls `body` for each graph named; one that cannot be read is told and becomes the exit code.
  func forEachGraph(_ body: (GraphFile) -> ExitCode) -> ExitCode {
    var code = ExitCode.success
    if let text = graph.text {
      let file = GraphFile(text: text)
      file.tellOfEnvironment()
      code = body(file)
    }
    for path in paths {
      do throws(StageError) {
        let file = try GraphFile(path: path)
        file.tellOfEnvironment()
        let next = body(file)
        if next != .success { code = next }
      } catch {
        Terminal.error.write("error: \(error)\n")
        code = .failure(error.code)
      }
    }
    return code
  }
}

extension GraphFile {
  /// Tells what of the `.env` files could not be used.
  func tellOfEnvironment() {
    for problem in environment.problems { Terminal.error.write("warning: \(problem)\n") }
  }
}
