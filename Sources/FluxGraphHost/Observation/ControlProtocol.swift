package import FluxGraph

/// What `fluxgraph ctl` and a running graph say to each other: one JSON object in each direction, each on a line of its own.
package enum ControlProtocol {
  /// More than any command.
  static let maximumRequestSize = 64 << 10

  /// A command, and the stage it is for; nil for all.
  package struct Request: Sendable {
    package var stage: String?
    package var command: StageCommand

    package init(stage: String?, command: StageCommand) {
      self.stage = stage
      self.command = command
    }
  }

  package static func encode(_ request: Request) -> String {
    var members: [(String, JSONValue)] = []
    if let stage = request.stage { members.append(("stage", .string(stage))) }
    switch request.command {
    case .endTurn: members.append(("command", "end-turn"))
    case .status: members.append(("command", "status"))
    case .set(let settings):
      members.append(("command", "set"))
      let pairs = settings.map { JSONValue.array([.string($0.name), .string($0.value)]) }
      members.append(("settings", .array(pairs)))
    }
    return JSONValue.object(members).serialized + "\n"
  }

  /// The request of `fluxgraph tap`: the lines of a stream, as long as it flows.
  package static func encode(tap name: String) -> String {
    JSONValue.object([("command", "tap"), ("stage", .string(name))]).serialized + "\n"
  }

  /// The stream a line asks for; nil when it is another request.
  static func decodeTap(_ line: [UInt8]) -> String? {
    guard let value = try? JSONValue.parse(line), value["command"]?.stringValue == "tap" else { return nil }
    return value["stage"]?.stringValue ?? ""
  }

  /// What stands before the lines of a stream.
  static func encodeTapping() -> String { JSONValue.object([("tap", JSONValue(1))]).serialized }

  /// - Returns: nil when the line is no request.
  static func decode(_ line: [UInt8]) -> Request? {
    guard let value = try? JSONValue.parse(line), let word = value["command"]?.stringValue else { return nil }
    let stage = value["stage"]?.stringValue
    switch word {
    case "end-turn": return Request(stage: stage, command: .endTurn)
    case "status": return Request(stage: stage, command: .status)
    case "set":
      var settings: [StageCommand.Setting] = []
      for pair in value["settings"]?.arrayValue ?? [] {
        guard let name = pair[0]?.stringValue, let text = pair[1]?.stringValue else { return nil }
        settings.append(.init(name, text))
      }
      return Request(stage: stage, command: .set(settings))
    default: return nil
    }
  }

  /// The answers of the stages, by their names.
  static func encode(_ answers: [(name: String, reply: StageReply)]) -> String {
    let values = answers.map { name, reply in
      JSONValue.object([
        ("stage", .string(name)), ("ok", .bool(reply.isAccepted)), ("message", .string(reply.message)),
        ("details", .object(reply.details.map { ($0.name, $0.value) })),
      ])
    }
    return JSONValue.object([("answers", .array(values))]).serialized + "\n"
  }

  /// Why a request cannot be given to any stage.
  static func encode(error: String) -> String {
    JSONValue.object([("error", .string(error))]).serialized + "\n"
  }
}
