internal import FluxGraph
internal import FluxGraphHost
internal import Platform

/// What the commands that look at graphs without running them are given.
struct GraphArguments {
  var paths: [String] = []
  var text: String?
  var parameters: [String: String] = [:]
  var isStrict = false
  /// The values of the options that only one command has, by name; flags have an empty one.
  var options: [String: String] = [:]

  /// - Parameters:
  ///   - flags: options of the command itself without a value.
  ///   - valued: those with one.
  init(
    _ command: String, _ arguments: [String], flags: [String] = [], valued: [String] = []
  ) throws(UsageError) {
    var reader = ArgumentReader(arguments, known: ["-e", "--set", "--strict"] + flags + valued)
    while let argument = reader.next() {
      switch argument {
      case "-e": text = try reader.value(of: argument)
      case "--strict": isStrict = true
      case "--set":
        let setting = try reader.value(of: argument)
        guard let equals = setting.firstIndex(of: "="), equals > setting.startIndex else {
          throw UsageError("`--set` wants NAME=VALUE")
        }
        parameters[String(setting[..<equals])] = String(setting[setting.index(after: equals)...])
      case _ where flags.contains(argument): options[argument] = ""
      case _ where valued.contains(argument): options[argument] = try reader.value(of: argument)
      default:
        if argument.hasPrefix("-") && argument != "-" { throw reader.unknown(argument) }
        paths.append(argument)
      }
    }
    if paths.isEmpty && text == nil {
      throw UsageError("`\(command)` needs a graph: one or more files, or `-e TEXT`")
    }
  }

  /// The value of an option that takes one of a few words.
  func choice(_ option: String, of words: [String]) throws(UsageError) -> String {
    guard let word = options[option] else { return words[0] }
    guard words.contains(word) else {
      throw UsageError(
        "`\(option)` takes \(words.joined(separator: ", ")), not `\(word)`", candidates: words, given: word)
    }
    return word
  }
}

extension GraphArguments {
  /// Calls `body` for each graph named; one that cannot be read is told and becomes the exit code.
  func forEachGraph(_ body: (GraphFile) -> ExitCode) -> ExitCode {
    var code = ExitCode.success
    if let text {
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
