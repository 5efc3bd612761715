extension Event {
  /// About how many bytes of memory it takes: who keeps events bounds them by that, too.
  public var footprint: Int {
    switch self {
    case .turn(let turn): turn.footprint
    // One of an event that could not be delivered has the whole event in it.
    case .notice(let notice):
      notice.details.reduce(512 + notice.message.utf8.count) { $0 + $1.name.utf8.count + $1.value.footprint }
    }
  }
}

extension JSONValue {
  /// About how many bytes of memory it takes.
  var footprint: Int {
    switch self {
    case .null, .bool: 16
    case .number: 32
    case .string(let text): 32 + text.utf8.count
    case .array(let elements): elements.reduce(32) { $0 + 16 + $1.footprint }
    case .object(let members): members.reduce(32) { $0 + 48 + $1.0.utf8.count + $1.1.footprint }
    }
  }
}
