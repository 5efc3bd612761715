/// An option of a stage: its name in the graph, the property it sets, and what people should know about it.
///
/// The property's type decides what may be written, its initial value is the default, and the summary is what `inspect` shows:
///
///     Option("level", \Gain.level, "Gain.", in: .decibels(-60)...(.decibels(60)), positional: true)
public struct Option<S: Stage>: Sendable {
  let specification: OptionSpecification
  let assign: @Sendable (inout S, GraphValue) throws(OptionError) -> Void
  /// What is doubtful about a value that fits.
  let advise: @Sendable (GraphValue) -> OptionError?

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
    advise = { _ in nil }
  }

  /// An option whose value must lie in a range.
  /// - Parameters:
  ///   - range: the smallest and the largest value allowed.
  ///   - usual: what is known to work now, where that is less; a value outside is warned of. For limits of a service, which it
  ///     may widen.
  public init<Value: OptionValue & Comparable>(
    _ name: String, _ property: any WritableKeyPath<S, Value> & Sendable, _ summary: String,
    in range: ClosedRange<Value>, usual: ClosedRange<Value>? = nil, positional: Bool = false,
    required: Bool = false
  ) {
    self.init(
      name, summary, in: range, usual, positional, required, default: S()[keyPath: property].graphText
    ) { $0[keyPath: property] = $1 }
  }

  /// An option that may stay unset, whose value must lie in a range.
  /// - Parameters:
  ///   - range: the smallest and the largest value allowed.
  ///   - usual: what is known to work now, where that is less; a value outside is warned of. For limits of a service, which it
  ///     may widen.
  public init<Value: OptionValue & Comparable>(
    _ name: String, _ property: any WritableKeyPath<S, Value?> & Sendable, _ summary: String,
    in range: ClosedRange<Value>, usual: ClosedRange<Value>? = nil, positional: Bool = false,
    required: Bool = false
  ) {
    self.init(
      name, summary, in: range, usual, positional, required, default: S()[keyPath: property].graphText
    ) { $0[keyPath: property] = $1 }
  }

  private init<Value: OptionValue & Comparable>(
    _ name: String, _ summary: String, in range: ClosedRange<Value>, _ usual: ClosedRange<Value>?,
    _ positional: Bool, _ required: Bool, default defaultText: String?,
    set: @escaping @Sendable (inout S, Value) -> Void
  ) {
    specification = OptionSpecification(
      name: name, type: Value.optionType, summary: summary, isPositional: positional, isRequired: required,
      defaultText: defaultText, rangeText: rangeText(usual ?? range))
    assign = { (stage, value) throws(OptionError) in
      set(&stage, try parse(value, in: range, usual: usual ?? range))
    }
    advise = { value in doubt(value, usual) }
  }
}

private func rangeText<Value: OptionValue>(_ range: ClosedRange<Value>) -> String {
  "\(range.lowerBound.graphText ?? "") … \(range.upperBound.graphText ?? "")"
}

private func parse<Value: OptionValue & Comparable>(
  _ value: GraphValue, in range: ClosedRange<Value>, usual: ClosedRange<Value>
) throws(OptionError) -> Value {
  let parsed: Value
  do throws(OptionError) {
    parsed = try Value.parse(value)
  } catch {
    var inRange = error
    // What could stand there must be right in its turn.
    if let text = error.replacement, let meant = try? Value.parse(.word(text)), !usual.contains(meant) {
      inRange.replacement = nil
      inRange.message += "; it must lie between \(bounds(usual))"
    }
    throw inRange
  }
  guard range.contains(parsed) else {
    let nearest = parsed < range.lowerBound ? usual.lowerBound : usual.upperBound
    throw OptionError(.outOfRange, "must lie between \(bounds(usual))", replacement: nearest.graphText)
  }
  return parsed
}

private func doubt<Value: OptionValue & Comparable>(
  _ value: GraphValue, _ usual: ClosedRange<Value>?
) -> OptionError? {
  guard let usual, let parsed = try? Value.parse(value), !usual.contains(parsed) else { return nil }
  let nearest = parsed < usual.lowerBound ? usual.lowerBound : usual.upperBound
  return OptionError(
    .outOfRange, "is known to work between \(bounds(usual)); the service may refuse this",
    replacement: nearest.graphText)
}

private func bounds<Value: OptionValue>(_ range: ClosedRange<Value>) -> String {
  "\(range.lowerBound.graphText ?? "") and \(range.upperBound.graphText ?? "")"
}

/// What is known of an option without knowing its stage's type.
public struct OptionSpecification: Sendable, Hashable {
  /// The option's name.
  public var name: String
  /// What may be written.
  public var type: OptionType
  /// What it is for, as one sentence.
  public var summary: String
  /// Whether the value may be written without the name.
  public var isPositional: Bool
  /// Whether the graph must give it.
  public var isRequired: Bool
  /// The default as a graph would write it; nil when the option is unset by default.
  public var defaultText: String?
  /// "-60dB … 60dB"; nil without limits.
  public var rangeText: String?
}
