/// The event format's JSON Schema: what each line of `jsonl` and `stdout json`, each
/// webhook's body and each dead letter is held to.
public enum EventSchema {
  /// The schema (draft 2020-12), as JSON for people to read. Version 1 only ever gains fields.
  public static let text = """
    {
      "$schema": "https://json-schema.org/draft/2020-12/schema",
      "$id": "urn:fluxgraph:event:1",
      "title": "fluxgraph event, version 1",
      "description": "An event or a notice, a list of them as webhooks send with batch=, or a line of a dead-letter file.",
      "if": { "type": "array" },
      "then": { "items": { "$ref": "#/$defs/event" }, "minItems": 1 },
      "else": {
        "if": { "required": ["event"], "properties": { "event": { "type": "object" } } },
        "then": { "$ref": "#/$defs/deadLetter" },
        "else": { "$ref": "#/$defs/event" }
      },
      "$defs": {
        "event": {
          "type": "object",
          "required": ["v", "event", "time"],
          "properties": { "v": { "const": 1 }, "event": { "type": "string" } },
          "if": { "properties": { "event": { "const": "Notice" } } },
          "then": { "$ref": "#/$defs/notice" },
          "else": { "$ref": "#/$defs/turn" }
        },
        "deadLetter": {
          "description": "An event that could not be delivered, in the file NAME.dead.jsonl of a spool.",
          "type": "object",
          "required": ["v", "reason", "attempts", "id", "stream", "accepted", "event"],
          "properties": {
            "v": { "const": 1 },
            "reason": { "$ref": "#/$defs/reason" },
            "status": { "$ref": "#/$defs/status" },
            "attempts": { "$ref": "#/$defs/attempts" },
            "id": { "$ref": "#/$defs/deliveryID" },
            "stream": { "description": "The event's stream; empty without one.", "type": "string" },
            "accepted": { "description": "When the event was accepted, in seconds since 1970.", "type": "number" },
            "event": { "$ref": "#/$defs/event" },
            "body": { "description": "What was sent in the event's place.", "type": "string" }
          }
        },
        "reason": { "description": "Why it was given up, for people.", "type": "string" },
        "status": {
          "description": "The HTTP status of the last answer, where there was one.",
          "type": "integer", "minimum": 100, "maximum": 999
        },
        "attempts": { "description": "How often it was tried.", "type": "integer", "minimum": 0 },
        "deliveryID": { "description": "What the receiver was given as webhook-id.", "type": "string" },
        "time": {
          "description": "When the event arrived, in UTC.",
          "type": "string",
          "format": "date-time",
          "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\\\\.[0-9]{3}Z$"
        },
        "seconds": { "type": "number", "minimum": 0 },
        "confidence": { "type": "number", "minimum": 0, "maximum": 1 },
        "turn": {
          "type": "object",
          "required": ["session", "turn", "start", "end", "transcript", "words"],
          "properties": {
            "event": {
              "description": "Update, StartOfTurn, EagerEndOfTurn, TurnResumed or EndOfTurn; services may add kinds.",
              "type": "string"
            },
            "stream": { "description": "The name given with as=.", "type": "string" },
            "session": { "description": "An identifier of the session, new in every run.", "type": "string" },
            "turn": { "description": "Counted from 1 over the session.", "type": "integer", "minimum": 1 },
            "final": {
              "description": "Whether the service ended the turn; false when it had to be ended here.",
              "type": "boolean"
            },
            "trigger": {
              "description": "\(TurnEvent.Trigger.summary)",
              "type": "string"
            },
            "replayed": {
              "description": "Present when the turn was sent to the service again after a lost connection.",
              "const": true
            },
            "synthesised": {
              "description": "Present when the service left the event out and it was added here.",
              "const": true
            },
            "start": { "description": "Where the turn begins, in stream time.", "$ref": "#/$defs/seconds" },
            "end": { "description": "How far the turn has come, in stream time.", "$ref": "#/$defs/seconds" },
            "time": { "$ref": "#/$defs/time" },
            "transcript": { "description": "All that was said in the turn so far.", "type": "string" },
            "confidence": { "description": "The mean of the words'.", "$ref": "#/$defs/confidence" },
            "languages": { "type": "array", "items": { "type": "string" }, "minItems": 1 },
            "words": { "type": "array", "items": { "$ref": "#/$defs/word" } },
            "flux": { "description": "The service's own fields, as they came.", "type": "object" }
          },
          "allOf": [
            {
              "if": { "properties": { "event": { "const": "EndOfTurn" } } },
              "then": { "required": ["final"] }
            }
          ]
        },
        "word": {
          "type": "object",
          "required": ["word", "confidence"],
          "properties": {
            "word": { "type": "string" },
            "start": { "$ref": "#/$defs/seconds" },
            "end": { "$ref": "#/$defs/seconds" },
            "confidence": { "$ref": "#/$defs/confidence" }
          }
        },
        "notice": {
          "type": "object",
          "required": ["notice", "severity", "message"],
          "properties": {
            "notice": { "description": "A stable word for programs, such as reconnected.", "type": "string" },
            "stream": { "description": "The stage it comes from.", "type": "string" },
            "time": { "$ref": "#/$defs/time" },
            "severity": { "enum": ["info", "warning", "error"] },
            "message": { "description": "One plain sentence for people.", "type": "string" }
          },
          "if": { "properties": { "notice": { "const": "undeliverable" } } },
          "then": {
            "description": "What leaves by a port dead.",
            "required": ["reason", "attempts", "original"],
            "properties": {
              "reason": { "$ref": "#/$defs/reason" },
              "status": { "$ref": "#/$defs/status" },
              "attempts": { "$ref": "#/$defs/attempts" },
              "id": { "$ref": "#/$defs/deliveryID" },
              "original": { "description": "The event.", "$ref": "#/$defs/event" },
              "body": { "description": "What was sent in the event's place.", "type": "string" }
            }
          }
        }
      }
    }

    """
}
