import FluxGraph

/// What the service may send, as data (the part of JSON Schema it takes), and a checker for it.
enum MessageSchema {
  /// By `type`. Beyond the documentation only what the live capture shows: `profanity_filter`.
  static let messages = try? JSONValue.parse(
    #"""
    {
      "Connected": {
        "required": ["type", "request_id", "sequence_id"],
        "properties": {
          "type": {"type": "string"},
          "request_id": {"type": "string"},
          "sequence_id": {"type": "integer", "minimum": 0, "maximum": 0}
        }
      },
      "TurnInfo": {
        "required": ["type", "request_id", "sequence_id", "event", "turn_index", "audio_window_start",
          "audio_window_end", "transcript", "words", "end_of_turn_confidence"],
        "properties": {
          "type": {"type": "string"},
          "request_id": {"type": "string"},
          "sequence_id": {"type": "integer", "minimum": 1},
          "event": {"enum": ["Update", "StartOfTurn", "EagerEndOfTurn", "TurnResumed", "EndOfTurn"]},
          "turn_index": {"type": "integer", "minimum": 0},
          "audio_window_start": {"type": "number", "minimum": 0},
          "audio_window_end": {"type": "number", "minimum": 0},
          "transcript": {"type": "string"},
          "words": {"type": "array", "items": {
            "required": ["word", "confidence"],
            "properties": {
              "word": {"type": "string"},
              "confidence": {"type": "number", "minimum": 0, "maximum": 1},
              "start": {"type": "number", "minimum": 0},
              "end": {"type": "number", "minimum": 0}
            }
          }},
          "end_of_turn_confidence": {"type": "number", "minimum": 0, "maximum": 1},
          "trigger": {"enum": ["model", "manual", "timeout"]},
          "languages": {"type": "array", "items": {"type": "string"}},
          "languages_hinted": {"type": "array", "items": {"type": "string"}}
        }
      },
      "ConfigureSuccess": {
        "required": ["type", "request_id", "sequence_id", "thresholds", "keyterms"],
        "properties": {
          "type": {"type": "string"},
          "request_id": {"type": "string"},
          "sequence_id": {"type": "integer", "minimum": 1},
          "thresholds": {
            "required": ["eot_threshold", "eot_timeout_ms"],
            "properties": {
              "eot_threshold": {"type": "number", "minimum": 0.5, "maximum": 1},
              "eager_eot_threshold": {"type": "number", "minimum": 0.3, "maximum": 0.9},
              "eot_timeout_ms": {"type": "integer", "minimum": 500, "maximum": 60000}
            }
          },
          "keyterms": {"type": "array", "items": {"type": "string"}},
          "language_hints": {"type": "array", "items": {"type": "string"}},
          "numerals": {"type": "boolean"},
          "profanity_filter": {"type": "boolean"}
        }
      },
      "ConfigureFailure": {
        "required": ["type", "request_id", "sequence_id", "code", "description"],
        "properties": {
          "type": {"type": "string"},
          "request_id": {"type": "string"},
          "sequence_id": {"type": "integer", "minimum": 1},
          "code": {"type": "string"},
          "description": {"type": "string"}
        }
      },
      "Warning": {
        "required": ["type", "request_id", "sequence_id", "code", "description"],
        "properties": {
          "type": {"type": "string"},
          "request_id": {"type": "string"},
          "sequence_id": {"type": "integer", "minimum": 1},
          "code": {"enum": ["FORCE_END_TURN_NO_ACTIVE_TURN"]},
          "description": {"type": "string"}
        }
      },
      "Error": {
        "required": ["type", "sequence_id", "code", "description"],
        "properties": {
          "type": {"type": "string"},
          "sequence_id": {"type": "integer", "minimum": 1},
          "code": {"type": "string"},
          "description": {"type": "string"}
        }
      }
    }
    """#)

  /// What is wrong with a message; nil if nothing is.
  static func problem(with message: JSONValue) -> String? {
    guard let type = message["type"]?.stringValue, let schema = messages?[type] else {
      return "it has no known type"
    }
    if let problem = problem(with: message, schema, at: type) { return problem }
    guard type == "TurnInfo" else { return nil }
    let isEnd = message["event"]?.stringValue == "EndOfTurn"
    if (message["trigger"] != nil) != isEnd { return "trigger belongs to EndOfTurn, and only there" }
    let words = (message["words"]?.arrayValue ?? []).compactMap { $0["word"]?.stringValue }
    if message["transcript"]?.stringValue != words.joined(separator: " ") {
      return "the transcript is not its words"
    }
    return nil
  }

  private static func problem(with value: JSONValue, _ schema: JSONValue, at path: String) -> String? {
    if let names = schema["enum"]?.arrayValue {
      return names.contains(value) ? nil : "\(path) is none of \(names)"
    }
    if let properties = schema["properties"]?.members {
      guard let members = value.members else { return "\(path) is no object" }
      for name in schema["required"]?.arrayValue ?? [] where value[name.stringValue ?? ""] == nil {
        return "\(path) has no \(name)"
      }
      for (name, member) in members {
        guard let schema = properties.first(where: { $0.0 == name })?.1 else { return "\(path) has \(name)" }
        if let problem = problem(with: member, schema, at: "\(path).\(name)") { return problem }
      }
      return Set(members.map { $0.0 }).count == members.count ? nil : "\(path) has a member twice"
    }
    return problem(with: value, ofType: schema["type"]?.stringValue ?? "", schema, at: path)
  }

  private static func problem(
    with value: JSONValue, ofType type: String, _ schema: JSONValue, at path: String
  ) -> String? {
    switch type {
    case "string": return value.stringValue == nil ? "\(path) is no string" : nil
    case "boolean": return value.boolValue == nil ? "\(path) is no boolean" : nil
    case "array":
      guard let items = value.arrayValue, let schema = schema["items"] else { return "\(path) is no array" }
      return items.lazy.compactMap { problem(with: $0, schema, at: "\(path)[]") }.first
    default:
      guard let number = value.doubleValue, number.isFinite else { return "\(path) is no number" }
      if type == "integer", value.intValue == nil { return "\(path) is no integer" }
      if let least = schema["minimum"]?.doubleValue, number < least { return "\(path) is less than \(least)" }
      if let most = schema["maximum"]?.doubleValue, number > most { return "\(path) is more than \(most)" }
      return nil
    }
  }
}
