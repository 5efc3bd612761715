internal import FluxGraph
internal import FluxGraphHost
internal import Platform

/// `fluxgraph ctl`: gives a command to a running graph.
struct ControlCommand {
  struct Arguments {
    var path: String
    var isJSON = false
    var request: ControlProtocol.Request

    init(_ arguments: [String]) throws(UsageError) {
      var reader = ArgumentReader(arguments, known: ["--json"])
      var words: [String] = []
      while let argument = reader.next() {
        if argument == "--json" {
          isJSON = true
        } else if argument.hasPrefix("-") {
          throw reader.unknown(argument)
        } else {
          words.append(argument)
        }
      }
      guard words.count >= 2 else {
        throw UsageError("`ctl` wants the socket of a running graph and a command, such as `ctl PATH status`")
      }
      path = words.removeFirst()
      let commands = ["end-turn", "set", "status"]
      let stage = commands.contains(words[0]) || words.count == 1 ? nil : words.removeFirst()
      let word = words.removeFirst()
      switch word {
      case "end-turn": request = .init(stage: stage, command: .endTurn)
      case "status": request = .init(stage: stage, command: .status)
      case "set":
        var settings: [StageCommand.Setting] = []
        for word in words {
          guard let equals = word.firstIndex(of: "="), equals > word.startIndex else {
            throw UsageError("`set` wants NAME=VALUE, such as `eot_threshold=0.9`")
          }
          settings.append(.init(String(word[..<equals]), String(word[word.index(after: equals)...])))
        }
        guard !settings.isEmpty else {
          throw UsageError("`set` wants NAME=VALUE, such as `eot_threshold=0.9`")
        }
        words = []
        request = .init(stage: stage, command: .set(settings))
      default:
        throw UsageError("`ctl` knows no command `\(word)`", candidates: commands, given: word)
      }
      guard words.isEmpty else { throw UsageError("`\(word)` takes no `\(words[0])`") }
    }
  }

  private let arguments: Arguments

  init(_ arguments: Arguments) {
    self.arguments = arguments
  }

  func run() throws(StageError) -> ExitCode {
    let answer = try exchange(ControlProtocol.encode(arguments.request))
    guard let value = try? JSONValue.parse(answer) else {
      throw StageError(.unavailable, "\(arguments.path) gave no answer that can be read")
    }
    if let error = value["error"]?.stringValue { throw StageError(.unavailable, error) }
    if arguments.isJSON {
      Terminal.output.write(lines: value.serialized + "\n")
    }
    var isGood = true
    for answer in value["answers"]?.arrayValue ?? [] {
      let (stage, message) = (answer["stage"]?.stringValue ?? "", answer["message"]?.stringValue ?? "")
      let line: TerminalText = "\(stage): \(message)\n"
      let isAccepted = answer["ok"]?.boolValue ?? false
      isGood = isGood && isAccepted
      if !arguments.isJSON { (isAccepted ? Terminal.output : Terminal.error).write(line) }
    }
    return isGood ? .success : .failure(.unavailable)
  }

  /// Sends a line and reads the answer to its end.
  private func exchange(_ request: String) throws(StageError) -> [UInt8] {
    let connection = try ControlConnection(arguments.path)
    connection.limit(seconds: 10)
    try connection.send(request)
    var answer: [UInt8] = []
    while answer.count < 1 << 20 {
      let bytes = try connection.receive()
      if bytes.isEmpty { break }
      answer += bytes
    }
    return answer
  }
}
