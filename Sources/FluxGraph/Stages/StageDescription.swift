/// All that is known of a stage without running it. The parser, the checker, `inspect`, completion and the documentation
/// read this and nothing else.
public struct StageDescription<S: Stage>: Sendable {
  let name: String
  let summary: String
  let details: String
  let role: Adapter?
  let ports: [PortSpecification]
  let examples: [String]
  let mistakes: [KnownMistake]
  let options: [Option<S>]
  let rules: [Rule<S>]

  /// Describes a stage.
  /// - Parameters:
  ///   - name: the word in the graph: lower-case letters, digits, underscores and hyphens.
  ///   - summary: what it does, as one sentence.
  ///   - details: what else a user should know, as a few sentences.
  ///   - role: the adapter this stage can be, and which of its options says what it makes.
  ///   - ports: named outputs beside the main one.
  ///   - examples: whole graphs, each one line, that use the stage.
  ///   - mistakes: what people are known to write by mistake, and what to tell them.
  ///   - options: the options, positional ones first, and the rules over several of them.
  public init(
    _ name: String, _ summary: String, details: String = "", role: Adapter? = nil,
    ports: [PortSpecification] = [], examples: [String] = [], mistakes: [KnownMistake] = [],
    @OptionBuilder<S> options: () -> [OptionDeclaration<S>] = { [] }
  ) {
    self.name = name
    self.summary = summary
    self.details = details
    self.role = role
    self.ports = ports
    self.examples = examples
    self.mistakes = mistakes
    let declarations = options()
    self.options = declarations.compactMap { if case .option(let option) = $0.kind { option } else { nil } }
    rules = declarations.compactMap { if case .rule(let rule) = $0.kind { rule } else { nil } }
  }
}

/// A named output of a stage beside its main one. Ports carry events.
public struct PortSpecification: Sendable, Hashable {
  /// The port's name behind the dot: lower-case letters.
  public var name: String
  /// What leaves by it, as one sentence.
  public var summary: String

  public init(_ name: String, _ summary: String) {
    self.name = name
    self.summary = summary
  }
}

/// An option or a value people are known to write by mistake, such as one of another version of a service.
public struct KnownMistake: Sendable, Hashable {
  /// Which values of the option are the mistake.
  public enum Value: Sendable, Hashable {
    /// Whatever the value: the stage has no such option.
    case any
    /// This value.
    case exactly(String)
    /// Any value with this text in it.
    case containing(String)
  }

  /// The option as people write it, whether the stage has it or not.
  public var option: String
  /// Which of its values are the mistake.
  public var value: Value
  /// What is wrong, as a sentence without a full stop.
  public var message: String
  /// What to write instead.
  public var help: String
  /// Text that can stand in the place of the value, or, where the stage has no such option, of the whole option; `{value}` in
  /// it is what was written. Empty text leaves the option out; nil when it depends.
  public var replacement: String?

  public init(
    _ option: String, value: Value = .any, _ message: String, help: String, replacement: String? = nil
  ) {
    self.option = option
    self.value = value
    self.message = message
    self.help = help
    self.replacement = replacement
  }

  /// Whether an option written with this text is the mistake.
  public func matches(_ option: String, _ text: String?) -> Bool {
    guard option == self.option else { return false }
    return switch value {
    case .any: true
    case .exactly(let wrong): text == wrong
    case .containing(let part): text?.contains(part) ?? false
    }
  }
}

/// A stage's description without its type: what a catalogue holds.
public struct StageSpecification: Sendable {
  /// The word in the graph.
  public let name: String
  /// What it does, as one sentence.
  public let summary: String
  /// What else a user should know; empty where there is nothing.
  public let details: String
  /// What it turns into what.
  public let kind: StageKind
  /// Where it stands in a graph.
  public var group: StageGroup { kind.group }
  /// The adapter it can be; nil for none.
  public let adapter: Adapter?
  /// The role it can have as an adapter; nil for none.
  public var role: AdapterRole? { adapter?.role }
  /// Named outputs beside the main one.
  public let ports: [PortSpecification]
  /// Whole graphs, each one line, that use it.
  public let examples: [String]
  /// What people are known to write by mistake.
  public let mistakes: [KnownMistake]
  /// The options, in the order of declaration.
  public let options: [OptionSpecification]
  /// The rules over several options.
  public let rules: [RuleSpecification]
  private let create: @Sendable () -> any Stage
  private let assign: @Sendable (inout any Stage, Int, GraphValue) throws(OptionError) -> Void
  private let advise: @Sendable (Int, GraphValue) -> OptionError?
  private let broken: @Sendable (any Stage, Set<String>) -> [OptionConflict]

  /// The description of the stage type `S`.
  public init<S: Stage>(_ type: S.Type) {
    let description = S.description
    let options = description.options
    name = description.name
    summary = description.summary
    details = description.details
    adapter = description.role
    ports = description.ports
    examples = description.examples
    mistakes = description.mistakes
    kind = S.kind
    self.options = options.map(\.specification)
    let rules = description.rules
    self.rules = rules.compactMap(\.specification)
    create = { S() }
    assign = { (stage, index, value) throws(OptionError) in
      guard var typed = stage as? S else { return }
      try options[index].assign(&typed, value)
      stage = typed
    }
    advise = { options[$0].advise($1) }
    broken = { stage, unknown in
      guard let typed = stage as? S else { return [] }
      return rules.compactMap { rule in
        guard unknown.isDisjoint(with: rule.reads) else { return nil }
        var conflict = rule.check(typed)
        if let specification = rule.specification { conflict?.code = specification.code }
        return conflict
      }
    }
  }

  /// The option of this name.
  public func option(named name: String) -> OptionSpecification? {
    options.first { $0.name == name }
  }

  /// A stage with every option at its default.
  public func make() -> any Stage { create() }

  /// Gives `stage`, which `make` made, a value for an option.
  /// - Throws: `OptionError` when the value does not fit.
  public func set(_ option: String, of stage: inout any Stage, to value: GraphValue) throws(OptionError) {
    guard let index = options.firstIndex(where: { $0.name == option }) else {
      throw OptionError(.unknownValue, "is no option of `\(name)`")
    }
    try assign(&stage, index, value)
  }

  /// What is doubtful about a value that fits an option; nil when nothing is.
  public func advice(on option: String, _ value: GraphValue) -> OptionError? {
    options.firstIndex { $0.name == option }.flatMap { advise($0, value) }
  }

  /// Everything that is wrong with a stage's options together.
  /// - Parameter unknown: options whose values could not be read: nothing is said that depends on them.
  public func conflicts(in stage: any Stage, unknown: Set<String> = []) -> [OptionConflict] {
    broken(stage, unknown)
  }

  /// A stage with these options.
  /// - Throws: `OptionError` for the first value that does not fit; none, when the checker has been over them.
  public func make(_ settings: [StageSetting]) throws(OptionError) -> any Stage {
    var stage = create()
    for setting in settings { try set(setting.option, of: &stage, to: setting.value) }
    return stage
  }
}

/// An option and the value a graph gives it.
public struct StageSetting: Sendable, Hashable {
  /// The option's name.
  public var option: String
  /// The value the graph gives it.
  public var value: GraphValue

  public init(_ option: String, _ value: GraphValue) {
    self.option = option
    self.value = value
  }
}
