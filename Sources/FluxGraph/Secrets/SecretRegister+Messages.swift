// What programs say, as it may be seen.
extension SecretRegister {
  package func masked(_ error: StageError) -> StageError {
    var error = error
    error.message = masked(error.message)
    error.help = error.help.map(masked)
    return error
  }

  /// A notice. An event it carries along is what was said, and stays as it is.
  package func masked(_ notice: Notice) -> Notice {
    var notice = notice
    notice.message = masked(notice.message)
    for index in notice.details.indices where !["original", "body"].contains(notice.details[index].name) {
      notice.details[index].value = masked(notice.details[index].value)
    }
    return notice
  }

  package func masked(_ reply: StageReply) -> StageReply {
    var reply = reply
    reply.message = masked(reply.message)
    reply.details = reply.details.map { ($0.name, masked($0.value)) }
    return reply
  }

  /// A JSON value with all texts in it masked; names of members stay.
  package func masked(_ value: JSONValue) -> JSONValue {
    if let text = value.stringValue { return .string(masked(text)) }
    if let elements = value.arrayValue { return .array(elements.map(masked)) }
    if let members = value.members { return .object(members.map { ($0.0, masked($0.1)) }) }
    return value
  }
}
