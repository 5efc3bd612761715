/// An option of a stage: its name in the graph, the property it sets, and what people should know about it.
///
/// The property's type decides what may be written, its initial value is the default, and the summary is what `inspect` shows:
///
///     Option("level", \Gain.level, "Gain.", in: .decibels(-60)...(.decibels(60)), positional: true)
public struct Option<S: Stage>: Sendable {
  let specification: OptionSpecification
  let assign: @Sendable (inout S, GraphValue) throws(OptionError) -> Void

  /// An option of any type that can be written in a graph.
  /// - Parameters:
  ///   - name: lower-case letters, digits and underscores.
  ///   - property: where the value goes. Its initial value is the default.
  ///   - summary: one sentence.
  ///   - positional: whether the value may be written without the name; such values come first, in the order of declaration.
  ///   - required: whether the graph must give it.
  public init<Value: OptionValue>(
    _ name: String, _ property: any WritableKeyPath<S, Value> & Sendable, _ summary: String,
    positional: Bool = false, required: Bool = false
  ) {
    specification = OptionSpecification(
      name: name, type: Value.optionType, summary: summary, isPositional: positional, isRequired: required,
      defaultText: S()[keyPath: property].graphText, rangeText: nil)
    assign = { (stage, value) throws(OptionError) in
      stage[keyPath: property] = try Value.parse(value)
    }
  }

  /// An option whose value must lie in a range.
  /// - Parameter range: the smallest and the largest value allowed.
  public init<Value: OptionValue & Comparable>(
    _ name: String, _ property: any WritableKeyPath<S, Value> & Sendable, _ summary: String,
    in range: ClosedRange<Value>, positional: Bool = false, required: Bool = false
  ) {
    specification = OptionSpecification(
      name: name, type: Value.optionType, summary: summary, isPositional: positional, isRequired: required,
      defaultText: S()[keyPath: property].graphText, rangeText: rangeText(range))
    assign = { (stage, value) throws(OptionError) in
      stage[keyPath: property] = try parse(value, in: range)
    }
  }

  /// An option that may stay unset, whose value must lie in a range.
  /// - Parameter range: the smallest and the largest value allowed.
  public init<Value: OptionValue & Comparable>(
    _ name: String, _ property: any WritableKeyPath<S, Value?> & Sendable, _ summary: String,
    in range: ClosedRange<Value>, positional: Bool = false, required: Bool = false
  ) {
    specification = OptionSpecification(
      name: name, type: Value.optionType, summary: summary, isPositional: positional, isRequired: required,
      defaultText: S()[keyPath: property].graphText, rangeText: rangeText(range))
    assign = { (stage, value) throws(OptionError) in
      stage[keyPath: property] = try parse(value, in: range)
    }
  }
}

private func rangeText<Value: OptionValue>(_ range: ClosedRange<Value>) -> String {
  "\(range.lowerBound.graphText ?? "") … \(range.upperBound.graphText ?? "")"
}

private func parse<Value: OptionValue & Comparable>(
  _ value: GraphValue, in range: ClosedRange<Value>
) throws(OptionError) -> Value {
  let parsed = try Value.parse(value)
  guard range.contains(parsed) else {
    let nearest = parsed < range.lowerBound ? range.lowerBound : range.upperBound
    throw OptionError(
      .outOfRange,
      "must lie between \(range.lowerBound.graphText ?? "") and \(range.upperBound.graphText ?? "")",
      replacement: nearest.graphText)
  }
  return parsed
}

/// What is known of an option without knowing its stage's type.
public struct OptionSpecification: Sendable, Hashable {
  public var name: String
  public var type: OptionType
  public var summary: String
  public var isPositional: Bool
  public var isRequired: Bool
  /// The default as a graph would write it; nil when the option is unset by default.
  public var defaultText: String?
  /// "-60dB … 60dB"; nil without limits.
  public var rangeText: String?
}

/// Collects a stage's options: one expression a line.
@resultBuilder
public enum OptionBuilder<S: Stage> {
  public static func buildExpression(_ option: Option<S>) -> [Option<S>] { [option] }
  public static func buildBlock(_ options: [Option<S>]...) -> [Option<S>] { options.flatMap { $0 } }
}
