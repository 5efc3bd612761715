/// A rule over several options, declared beside them: values that are right alone and wrong together.
///
///     Rule(
///       "range-upside-down", reads: ["low", "high"], "The lower bound is above the upper one.",
///       example: "mic | gate low=-3dB high=-9dB | null", fix: "mic | gate low=-9dB high=-3dB | null"
///     ) { stage in
///       stage.low > stage.high ? OptionConflict("`low` is above `high`", options: ["low", "high"]) : nil
///     }
public struct Rule<S: Stage>: Sendable {
  /// What `explain` knows of it; nil for one whose conflicts have codes of other mistakes.
  let specification: RuleSpecification?
  let reads: [String]
  let check: @Sendable (S) -> OptionConflict?

  /// A rule.
  /// - Parameters:
  ///   - code: the stable word for the mistake, as `fluxgraph explain` takes it.
  ///   - reads: the options the rule looks at; it is not asked when one of them could not be read.
  ///   - cause: what is wrong and why it matters, as a few sentences.
  ///   - example: a whole graph that breaks the rule.
  ///   - fix: the same graph put right.
  ///   - check: what is wrong with a stage; nil when nothing is.
  public init(
    _ code: String, reads: [String], _ cause: String, example: String, fix: String,
    check: @escaping @Sendable (S) -> OptionConflict?
  ) {
    specification = RuleSpecification(code: code, reads: reads, cause: cause, example: example, fix: fix)
    self.reads = reads
    self.check = check
  }

  /// A rule that finds a mistake of a kind that is known already: its conflicts say which.
  public init(reads: [String], check: @escaping @Sendable (S) -> OptionConflict?) {
    specification = nil
    self.reads = reads
    self.check = check
  }
}

/// What is known of a rule without knowing its stage's type.
public struct RuleSpecification: Sendable, Hashable {
  /// The stable word for the mistake.
  public var code: String
  /// The options the rule looks at.
  public var reads: [String]
  /// What is wrong and why it matters, as a few sentences.
  public var cause: String
  /// A graph that breaks the rule, and the same put right.
  public var example: String
  /// The graph of `example`, put right.
  public var fix: String
}

/// An option of a stage, or a rule over several: what the block of a `StageDescription` is made of.
public struct OptionDeclaration<S: Stage>: Sendable {
  enum Kind: Sendable {
    case option(Option<S>)
    case rule(Rule<S>)
  }

  let kind: Kind
}

/// Collects a stage's options and rules: one expression a line.
@resultBuilder
public enum OptionBuilder<S: Stage> {
  /// Takes an option into the block.
  public static func buildExpression(_ option: Option<S>) -> [OptionDeclaration<S>] {
    [OptionDeclaration(kind: .option(option))]
  }

  /// Takes a rule into the block.
  public static func buildExpression(_ rule: Rule<S>) -> [OptionDeclaration<S>] {
    [OptionDeclaration(kind: .rule(rule))]
  }

  /// Rules that are declared elsewhere.
  public static func buildExpression(_ rules: [Rule<S>]) -> [OptionDeclaration<S>] {
    rules.map { OptionDeclaration(kind: .rule($0)) }
  }

  /// Declarations several stages share.
  public static func buildExpression(_ declarations: [OptionDeclaration<S>]) -> [OptionDeclaration<S>] {
    declarations
  }

  /// Puts the block's options and rules in a row.
  public static func buildBlock(_ declarations: [OptionDeclaration<S>]...) -> [OptionDeclaration<S>] {
    declarations.flatMap { $0 }
  }
}
