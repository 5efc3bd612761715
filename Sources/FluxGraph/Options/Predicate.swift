/// A condition on the fields of an event: what follows `where`.
///
/// A missing field is unequal to everything: `==`, orderings, `~` and `in` are false for it, `!=` and `!~` are true.
public indirect enum Predicate: Sendable, Hashable {
  /// How a field is compared.
  public enum Comparison: String, Sendable, Hashable, CaseIterable {
    /// Equal.
    case equal = "=="
    /// Not equal; also true of a field that is missing.
    case unequal = "!="
    /// Less than.
    case less = "<"
    /// At most.
    case lessOrEqual = "<="
    /// Greater than.
    case greater = ">"
    /// At least.
    case greaterOrEqual = ">="
    /// Case-insensitive "contains", with `*` and `?` as wildcards.
    case contains = "~"
    /// Does not contain.
    case containsNot = "!~"
  }

  /// A constant in a predicate.
  public enum Literal: Sendable, Hashable, CustomStringConvertible {
    /// A text.
    case text(String)
    /// A number.
    case number(Double)
    /// A yes or no.
    case boolean(Bool)

    public var description: String {
      switch self {
      case .text(let text): quotedText(text)
      case .number(let number): shortText(number)
      case .boolean(let value): value ? "true" : "false"
      }
    }
  }

  /// A field against a value.
  case compare(field: String, Comparison, Literal)
  /// The field equals one of the constants: `event in [StartOfTurn, EndOfTurn]`.
  case oneOf(field: String, [Literal])
  /// The constant is an element of the list field: `"en" in languages`.
  case element(Literal, listField: String)
  /// The opposite.
  case not(Predicate)
  /// Both.
  case and(Predicate, Predicate)
  /// At least one of both.
  case or(Predicate, Predicate)

  /// Whether the predicate holds for an event whose fields `value` looks up.
  public func holds(_ value: (String) -> FieldValue?) -> Bool {
    switch self {
    case .compare(let field, let comparison, let literal):
      Self.compare(value(field), comparison, literal)
    case .oneOf(let field, let literals):
      literals.contains { Self.compare(value(field), .equal, $0) }
    case .element(let literal, let field):
      if case .list(let items)? = value(field), case .text(let text) = literal {
        items.contains(text)
      } else {
        false
      }
    case .not(let inner): !inner.holds(value)
    case .and(let left, let right): left.holds(value) && right.holds(value)
    case .or(let left, let right): left.holds(value) || right.holds(value)
    }
  }

  private static func compare(_ field: FieldValue?, _ comparison: Comparison, _ literal: Literal) -> Bool {
    switch comparison {
    case .unequal: return !compare(field, .equal, literal)
    case .containsNot: return !compare(field, .contains, literal)
    default: break
    }
    switch (field, literal) {
    case (.number(let left)?, .number(let right)):
      switch comparison {
      case .equal: return left == right
      case .less: return left < right
      case .lessOrEqual: return left <= right
      case .greater: return left > right
      case .greaterOrEqual: return left >= right
      default: return false
      }
    case (.text(let left)?, .text(let right)):
      switch comparison {
      case .equal: return left == right
      case .less: return left < right
      case .lessOrEqual: return left <= right
      case .greater: return left > right
      case .greaterOrEqual: return left >= right
      case .contains: return wildcardMatch(left, pattern: right)
      default: return false
      }
    case (.boolean(let left)?, .boolean(let right)): return comparison == .equal && left == right
    case (.list(let items)?, .text(let right)):
      return comparison == .contains && items.contains { wildcardMatch($0, pattern: right) }
    default: return false
    }
  }

  /// The fields the predicate reads.
  public var fields: Set<String> {
    switch self {
    case .compare(let field, _, _), .oneOf(let field, _), .element(_, let field): [field]
    case .not(let inner): inner.fields
    case .and(let left, let right), .or(let left, let right): left.fields.union(right.fields)
    }
  }
}

extension Predicate: CustomStringConvertible {
  public var description: String { text(inside: 0) }

  /// `binding` is how tightly the surroundings bind: 0 nothing, 1 `or`, 2 `and`, 3 `not`.
  private func text(inside binding: Int) -> String {
    switch self {
    case .compare(let field, let comparison, let literal):
      "\(field) \(comparison.rawValue) \(Self.text(of: literal, comparedWith: field))"
    case .oneOf(let field, let literals):
      "\(field) in [\(literals.map { Self.text(of: $0, comparedWith: field) }.joined(separator: ", "))]"
    case .element(let literal, let field): "\(literal) in \(field)"
    case .not(let inner): "not " + inner.text(inside: 3)
    case .and(let left, let right):
      Self.grouped(left.text(inside: 2) + " and " + right.text(inside: 2), if: binding > 2)
    case .or(let left, let right):
      Self.grouped(left.text(inside: 1) + " or " + right.text(inside: 1), if: binding > 1)
    }
  }

  /// Names of events are words of the language and need no quotes.
  private static func text(of literal: Literal, comparedWith field: String) -> String {
    if field == "event", case .text(let name) = literal { return name }
    return literal.description
  }

  private static func grouped(_ text: String, if isNeeded: Bool) -> String {
    isNeeded ? "(\(text))" : text
  }
}

/// Whether `pattern`, with `*` for anything and `?` for one character, occurs somewhere in `text`, whatever the case.
///
/// Greedy with one point of return, so that no pattern takes more than length × length steps.
func wildcardMatch(_ text: String, pattern: String) -> Bool {
  let text = Array(text.lowercased())
  let pattern = Array("*" + pattern.lowercased() + "*")
  var position = 0
  var index = 0
  var star = -1
  var resume = 0
  while position < text.count {
    if index < pattern.count, pattern[index] == "*" {
      star = index
      resume = position
      index += 1
    } else if index < pattern.count, pattern[index] == "?" || pattern[index] == text[position] {
      position += 1
      index += 1
    } else if star >= 0 {
      resume += 1
      position = resume
      index = star + 1
    } else {
      return false
    }
  }
  return pattern[index...].allSatisfy { $0 == "*" }
}
