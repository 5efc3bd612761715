internal import FluxGraph

// Fields and parameters in templates.
extension Bindings {
  /// The value of a template option: every field known, `{$name}` replaced by the parameter's text. nil after a mistake.
  mutating func template(
    _ value: GraphValue, _ syntax: ValueSyntax, _ option: OptionSpecification
  ) -> GraphValue? {
    let text: String
    switch value {
    case .word(let word):
      if option.type == .template, case .atom = syntax {
        let quoted = quotedText(word)
        report(
          .wrongType, "`\(option.name)` wants a text template, which is quoted", at: syntax.span,
          help: "write `\(quoted)`", replacement: .init(syntax.span, quoted))
        return nil
      }
      text = word
    case .string(let string): text = string
    default: return value
    }
    let template: Template
    do throws(Template.SyntaxError) {
      template = try Template(text)
    } catch {
      report(
        .wrongType, "`\(option.name)`: \(error.message)",
        at: spans(of: text, in: syntax, at: [error.offset])[0] ?? syntax.span)
      return nil
    }
    guard !template.fieldNames.isEmpty else { return value }
    return filled(template, text, syntax, isWord: value == .word(text))
  }

  /// Checks the fields one by one, and puts parameters' texts in their places.
  private mutating func filled(
    _ template: Template, _ text: String, _ syntax: ValueSyntax, isWord: Bool
  ) -> GraphValue? {
    let characters = Array(text)
    let braces = openBraces(characters)
    let places = spans(of: text, in: syntax, at: braces)
    let names = EventField.all.map(\.name) + EventField.derived.map(\.name)
    var result: [Character] = []
    var copied = 0
    var isComplete = true
    for (index, name) in template.fieldNames.enumerated() where index < braces.count {
      var span = syntax.span
      if let place = places[index] {
        span = SourceSpan(place.lower + 1, place.lower + 1 + name.utf8.count)
      }
      guard name.hasPrefix("$") else {
        if !names.contains(name) {
          isComplete = false
          reportUnknownField(name, span, names)
        }
        continue
      }
      let close = characters[braces[index]...].firstIndex(of: "}") ?? characters.endIndex - 1
      guard let value = parameterText(WordSyntax(text: String(name.dropFirst()), span: span)) else {
        isComplete = false
        continue
      }
      guard close == braces[index] + name.count + 1 else {
        isComplete = false
        report(
          .wrongType, "a parameter within a template is one text, without a layout", at: span,
          help: "write `{\(name)}`")
        continue
      }
      result += characters[copied..<braces[index]]
      result += Array(value.replacing("{", with: "\\{"))
      copied = close + 1
    }
    guard isComplete else { return nil }
    result += characters[copied...]
    return isWord ? .word(String(result)) : .string(String(result))
  }

  /// Says that fields in a value will not be filled in, because its option is no template. Other braces mean nothing to anybody.
  mutating func warnOfFields(_ value: ValueSyntax, _ option: OptionSpecification) {
    switch option.type {
    case .path, .url, .text: warnOfFields(value, option, fillsParameters: option.type == .path)
    case .list(.text): for element in value.elements { warnOfFields(element, option, fillsParameters: false) }
    default: break
    }
  }

  private mutating func warnOfFields(
    _ value: ValueSyntax, _ option: OptionSpecification, fillsParameters: Bool
  ) {
    let text: String
    switch value {
    case .atom(let word), .string(let word): text = word.text
    case .parameter, .call, .list: return
    }
    guard let names = try? Template(text).fieldNames else { return }
    let fields = Set((EventField.all + EventField.derived).map(\.name))
    let name = names.first { name in
      fields.contains(name)
        || !fillsParameters && name.hasPrefix("$") && bound(String(name.dropFirst())) != nil
    }
    guard let name else { return }
    report(
      .fieldsNotFilled, "`\(option.name)` is no template: `{\(name)}` stays as it is", at: value.span,
      help: name.hasPrefix("$") ? "a parameter that is the whole value is written `\(name)`" : nil)
  }

  /// A path with its `{$name}` filled in; braces around anything else are part of the path. nil after a mistake.
  mutating func path(_ value: GraphValue, _ syntax: ValueSyntax) -> GraphValue? {
    // Braces in a parameter's own value, or a variable's, mean nothing.
    switch syntax {
    case .parameter, .call: return value
    case .atom, .string, .list: break
    }
    let text: String
    switch value {
    case .word(let word): text = word
    case .string(let string): text = string
    default: return value
    }
    let isQuoted = value == .string(text)
    let characters = Array(text)
    let braces = characters.indices.filter { index in
      // In a quoted text `\{` is a brace that means nothing.
      characters[index...].starts(with: "{$") && !(isQuoted && index > 0 && characters[index - 1] == "\\")
    }
    guard !braces.isEmpty else { return value }
    var result: [Character] = []
    var copied = 0
    for (brace, place) in zip(braces, spans(of: text, in: syntax, at: braces)) {
      guard let close = characters[brace...].firstIndex(of: "}") else { break }
      let name = String(characters[(brace + 2)..<close])
      let span = place.map { SourceSpan($0.lower + 1, $0.lower + 2 + name.utf8.count) } ?? syntax.span
      guard let filled = parameterText(WordSyntax(text: name, span: span)) else { return nil }
      result += characters[copied..<brace] + (isQuoted ? filled.replacing("{", with: "\\{") : filled)
      copied = close + 1
    }
    result += characters[copied...]
    return isQuoted ? .string(String(result)) : .word(String(result))
  }

  /// The text of a parameter, or of a part of one: `input` or `input.stem`. nil after a mistake.
  private mutating func parameterText(_ word: WordSyntax) -> String? {
    var name = word.text
    var part: ParameterPart?
    if bound(name) == nil, let dot = name.lastIndex(of: "."), bound(String(name[..<dot])) != nil {
      let text = String(name[name.index(after: dot)...])
      name = String(name[..<dot])
      part = ParameterPart(rawValue: text)
      if part == nil {
        let parts = ParameterPart.allCases.map(\.rawValue)
        let near = Suggestions.nearest(to: text, in: parts)
        report(
          .unknownField, "a parameter has no part `\(text)`", at: word.span,
          label: near.map { "did you mean `$\(name).\($0)`?" } ?? "",
          notes: ["parts of a path: " + parts.joined(separator: ", ")],
          replacement: near.map { .init(word.span, "$\(name).\($0)") })
        return nil
      }
    }
    guard let bound = bound(name) else {
      reportUnknownParameter(word)
      return nil
    }
    parameters[name]?.isUsed = true
    guard let value = bound.value else { return nil }
    guard let text = value.text else {
      report(
        .wrongType, "`$\(name)` is no text, and cannot be part of one", at: word.span,
        secondary: [.init(bound.definition, "defined here")])
      return nil
    }
    return part.map { $0.text(of: text) } ?? text
  }

  private func reportUnknownField(_ name: String, _ span: SourceSpan, _ names: [String]) {
    let near = Suggestions.nearest(to: name, in: names)
    let parameter = bound(name) == nil ? nil : "`{$\(name)}` is the parameter"
    report(
      .unknownField, "no event has a field `\(name)`", at: span,
      label: near.map { "did you mean `\($0)`?" } ?? "",
      notes: near == nil ? ["fields: " + names.joined(separator: ", ")] : [], help: parameter,
      replacement: near.map { .init(span, $0) })
  }

  /// Where fields begin, counted in characters.
  private func openBraces(_ characters: [Character]) -> [Int] {
    var found: [Int] = []
    var index = 0
    while index < characters.count {
      if characters[index] == "\\", index + 1 < characters.count, characters[index + 1] == "{" {
        index += 1
      } else if characters[index] == "{" {
        found.append(index)
        index = characters[index...].firstIndex(of: "}") ?? characters.count
      }
      index += 1
    }
    return found
  }

  /// The places in the graph's text of characters of a value; nil for a value that came through a parameter or the environment.
  private func spans(of text: String, in syntax: ValueSyntax, at offsets: [Int]) -> [SourceSpan?] {
    let characters = Array(text)
    var position: Int
    var isQuoted = false
    switch syntax {
    case .atom(let word) where word.text == text: position = word.span.lower
    case .string(let word) where word.text == text:
      position = word.span.lower + 1
      isQuoted = true
    default: return offsets.map { _ in nil }
    }
    var starts: [Int] = []
    for character in characters {
      starts.append(position)
      // A quote, a backslash and a line break take two bytes in a quoted text; `\{` stayed two characters.
      let isBackslash =
        character == "\\" && source.bytes[min(position + 1, source.bytes.count - 1)] == .backslash
      position +=
        isQuoted && (character == "\"" || character == "\n" || isBackslash) ? 2 : character.utf8.count
    }
    return offsets.map { offset in
      starts.indices.contains(offset) ? SourceSpan(starts[offset], starts[offset] + 1) : nil
    }
  }
}
