import FluxGraph

@testable import GraphLanguage

// The reading of a text as an S-expression, one line an item.

extension SyntaxTree {
  var dump: String { items.map(\.dump).joined(separator: "\n") }
}

extension ItemSyntax {
  var dump: String {
    switch self {
    case .parameter(let parameter):
      return "(param \(parameter.name.text)\(parameter.value.map { " " + $0.dump } ?? ""))"
    case .statement(let statement):
      let parts = [statement.head?.dump].compactMap { $0 } + statement.stages.map(\.dump)
      let chain = "(chain \(parts.joined(separator: " ")))"
      return statement.name.map { "(= \($0.text) \(chain))" } ?? chain
    case .use(let use): return "(use '\(use.path.text)')"
    case .test(let test):
      return "(test '\(test.title.text)' \(test.steps.map(\.dump).joined(separator: " ")))"
    }
  }
}

extension HeadSyntax {
  var dump: String {
    switch self {
    case .union(let words): "(union \(words.map(\.text).joined(separator: " ")))"
    case .stage(let stage): stage.dump
    }
  }
}

extension TestStepSyntax {
  var dump: String {
    switch kind {
    case .feed(let file): "(feed \(name.text) \(file.dump))"
    case .count(let sign, let value): "(count \(name.text) \(sign.comparison.rawValue) \(value.dump))"
    case .field(let index, let field, let sign, let value):
      "(field \(name.text) \(index) \(field.text) \(sign.comparison.rawValue) \(value.dump))"
    }
  }
}

extension RouteSyntax {
  var dump: String {
    let arms = arms.map {
      "(\($0.predicate?.dump ?? "else") => \($0.stages.map(\.dump).joined(separator: " ")))"
    }
    return ((isAll ? ["all"] : []) + arms).joined(separator: " ")
  }
}

extension StageSyntax {
  var dump: String {
    let parts = [word.text] + arguments.map(\.dump) + [predicate?.dump, route?.dump].compactMap { $0 }
    return parts.count == 1 ? word.text : "(\(parts.joined(separator: " ")))"
  }
}

extension ArgumentSyntax {
  var dump: String {
    switch self {
    case .value(let value): value.dump
    case .option(let key, let value): "\(key.text)=\(value.dump)"
    }
  }
}

extension ValueSyntax {
  var dump: String {
    switch self {
    case .atom(let word): word.text
    case .string(let word): "'\(word.text.replacing("\n", with: "⏎"))'"
    case .parameter(let word): "$\(word.text)"
    case .list(let elements, _): "[\(elements.map(\.dump).joined(separator: " "))]"
    case .call(let word, let elements, _): "\(word.text)(\(elements.map(\.dump).joined(separator: " ")))"
    }
  }
}

extension PredicateSyntax {
  var dump: String {
    switch self {
    case .compare(let field, let sign, let value): "(\(sign.comparison.rawValue) \(field.text) \(value.dump))"
    case .oneOf(let field, let values, _): "(in \(field.text) [\(values.map(\.dump).joined(separator: " "))])"
    case .element(let value, let field): "(in \(value.dump) \(field.text))"
    case .not(let inner): "(not \(inner.dump))"
    case .and(let left, let right): "(and \(left.dump) \(right.dump))"
    case .or(let left, let right): "(or \(left.dump) \(right.dump))"
    }
  }
}
