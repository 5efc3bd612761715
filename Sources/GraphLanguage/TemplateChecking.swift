internal import FluxGraph

// Fields and parameters in templates.
extension Analysis {
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
      let word = WordSyntax(text: String(name.dropFirst()), span: span)
      guard let bound = parameters[word.text] else {
        reportUnknownParameter(word)
        isComplete = false
        continue
      }
      parameters[word.text]?.isUsed = true
      let close = characters[braces[index]...].firstIndex(of: "}") ?? characters.endIndex - 1
      guard let value = bound.value?.text, close == braces[index] + name.count + 1 else {
        isComplete = false
        if bound.value != nil {
          report(
            .wrongType, "a parameter within a template is one text, without a layout", at: span,
            help: "write `{\(name)}`")
        }
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

  private mutating func reportUnknownField(_ name: String, _ span: SourceSpan, _ names: [String]) {
    let near = Suggestions.nearest(to: name, in: names)
    let parameter = parameters[name] == nil ? nil : "`{$\(name)}` is the parameter"
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
