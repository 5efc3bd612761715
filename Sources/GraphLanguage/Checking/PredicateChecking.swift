internal import FluxGraph

// Fields, events and types in conditions.
extension Bindings {
  /// The predicate with its fields and constants checked; nil after a mistake. All mistakes in it are reported.
  mutating func check(_ predicate: PredicateSyntax) -> Predicate? {
    switch predicate {
    case .not(let inner): return check(inner).map { .not($0) }
    case .and(let left, let right):
      let pair = (check(left), check(right))
      guard let left = pair.0, let right = pair.1 else { return nil }
      return .and(left, right)
    case .or(let left, let right):
      let pair = (check(left), check(right))
      guard let left = pair.0, let right = pair.1 else { return nil }
      return .or(left, right)
    case .compare(let word, let sign, let value):
      guard let field = field(word) else { return nil }
      guard check(sign, field, word, value), let literal = literal(value, field, word, sign.comparison) else {
        return nil
      }
      return .compare(field: field.name, sign.comparison, literal)
    case .oneOf(let word, let values, let span):
      guard let field = field(word) else { return nil }
      guard field.kind != .list else {
        report(
          .wrongComparison, "`\(field.name)` is a list itself", at: word.span,
          secondary: [.init(span, "compared with a list")], help: "write `\"…\" in \(field.name)`")
        return nil
      }
      let literals = values.map { literal($0, field, word, .equal) }
      return literals.contains { $0 == nil } ? nil : .oneOf(field: field.name, literals.compactMap { $0 })
    case .element(let value, let word):
      guard let field = field(word) else { return nil }
      guard field.kind == .list else {
        report(
          .wrongComparison, "`\(field.name)` is \(noun(field)), not a list", at: word.span,
          help: field.kind == .text
            ? "write `\(field.name) ~ \(source.text(of: value.span))`"
            : "lists are \(listFields)")
        return nil
      }
      return literal(value, field, word, .contains).map { .element($0, listField: field.name) }
    }
  }

  private var listFields: String {
    EventField.all.filter { $0.kind == .list }.map { "`\($0.name)`" }.joined(separator: ", ")
  }

  private mutating func field(_ word: WordSyntax) -> EventField? {
    if let field = EventField.all.first(where: { $0.name == word.text }) { return field }
    if EventField.derived.contains(where: { $0.name == word.text }) {
      report(
        .unknownField, "`\(word.text)` is a field of templates; conditions cannot test it", at: word.span,
        help: word.text == "position"
          ? "write `start > 60`, in seconds" : "`time` is the wall-clock time in UTC")
      return nil
    }
    let names = EventField.all.map(\.name)
    let near = Suggestions.nearest(to: word.text, in: names)
    report(
      .unknownField, "no event has a field `\(word.text)`", at: word.span,
      label: near.map { "did you mean `\($0)`?" } ?? "",
      notes: near == nil ? ["fields: " + names.joined(separator: ", ")] : [],
      replacement: near.map { .init(word.span, $0) })
    return nil
  }

  /// Whether a field of this kind can be compared this way.
  private mutating func check(
    _ sign: OperatorSyntax, _ field: EventField, _ word: WordSyntax, _ value: ValueSyntax
  ) -> Bool {
    let help: String
    switch (field.kind, sign.comparison) {
    case (.number, .contains), (.number, .containsNot):
      help = "numbers are compared with `==`, `<`, `>` and so on"
    case (.boolean, .equal), (.boolean, .unequal): return true
    case (.boolean, _): help = "write `\(field.name) == true`"
    case (.list, .contains), (.list, .containsNot): return true
    case (.list, _): help = "write `\(source.text(of: value.span)) in \(field.name)`"
    case (.eventName, .less), (.eventName, .lessOrEqual), (.eventName, .greater),
      (.eventName, .greaterOrEqual):
      help = "write `event == EndOfTurn`, or `event in [StartOfTurn, EndOfTurn]`"
    default: return true
    }
    report(
      .wrongComparison,
      "`\(field.name)` is \(noun(field)) and cannot be compared with `\(sign.comparison.rawValue)`",
      at: sign.span, help: help)
    return false
  }

  private mutating func literal(
    _ value: ValueSyntax, _ field: EventField, _ word: WordSyntax, _ comparison: Predicate.Comparison
  ) -> Predicate.Literal? {
    let written: GraphValue
    switch value {
    case .atom(let atom): written = .word(atom.text)
    case .string(let string): written = .string(string.text)
    default:
      guard let resolved = resolve(value, as: nil) else { return nil }
      written = resolved
    }
    guard let text = written.text else {
      reportWrongLiteral(value, field, word)
      return nil
    }
    var isQuoted = false
    if case .string = written { isQuoted = true }
    let number = isQuoted ? nil : self.number(text)
    switch field.kind {
    case .number:
      if let number { return .number(number) }
    case .boolean:
      if !isQuoted, text == "true" || text == "false" { return .boolean(text == "true") }
    case .eventName: return event(text, value.span, comparison)
    case .text, .list:
      let isOtherField = !isQuoted && EventField.all.contains { $0.name == text }
      if number == nil, !isOtherField || source.bytes[value.span.lower] == .dollar { return .text(text) }
    }
    reportWrongLiteral(value, field, word)
    return nil
  }

  private mutating func event(
    _ name: String, _ span: SourceSpan, _ comparison: Predicate.Comparison
  ) -> Predicate.Literal? {
    let events = TurnEvent.Kind.known.map(\.rawValue) + ["Notice"]
    if comparison == .contains || comparison == .containsNot || events.contains(name) { return .text(name) }
    let near = Suggestions.nearest(to: name, in: events)
    report(
      .unknownEvent, "no event is called `\(name)`", at: span,
      label: near.map { "did you mean `\($0)`?" } ?? "",
      notes: ["events: " + events.joined(separator: ", ")], replacement: near.map { .init(span, $0) })
    return nil
  }

  private func reportWrongLiteral(_ value: ValueSyntax, _ field: EventField, _ word: WordSyntax) {
    let written = source.text(of: value.span)
    var replacement: String?
    switch field.kind {
    case .number: replacement = number(String(written.filter { $0 != "\"" })).map(shortText)
    case .text, .list: if case .atom = value { replacement = quotedText(written) }
    case .boolean:
      let bare = written.filter { $0 != "\"" }.lowercased()
      if ["true", "false"].contains(bare) { replacement = bare }
    case .eventName: break
    }
    report(
      .wrongComparison, "`\(field.name)` is \(noun(field)), and `\(written)` is not", at: value.span,
      secondary: [.init(word.span, noun(field))], help: replacement.map { "write `\($0)`" },
      replacement: replacement.map { .init(value.span, $0) })
  }

  private func number(_ text: String) -> Double? {
    let isPlain =
      !text.isEmpty && text.utf8.count <= 40
      && text.utf8.allSatisfy { $0.isDigit || $0 == UInt8(ascii: ".") || $0 == .hyphen }
    return isPlain ? Double(text) : nil
  }

  private func noun(_ field: EventField) -> String {
    switch field.kind {
    case .text: "a text"
    case .number: "a number"
    case .boolean: "true or false"
    case .list: "a list"
    case .eventName: "the name of an event"
    }
  }
}
