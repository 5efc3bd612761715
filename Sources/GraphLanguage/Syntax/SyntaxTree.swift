package import FluxGraph

/// A graph as it is written: what every piece is, and where it stands. Nothing is looked up yet.
package struct SyntaxTree: Sendable, Hashable {
  package var items: [ItemSyntax]
}

/// A word and its place.
package struct WordSyntax: Sendable, Hashable {
  package var text: String
  package var span: SourceSpan
}

package enum ItemSyntax: Sendable, Hashable {
  case parameter(ParameterSyntax)
  case statement(StatementSyntax)
  case use(UseSyntax)
  case test(TestSyntax)

  package var span: SourceSpan {
    switch self {
    case .parameter(let item): item.span
    case .statement(let item): item.span
    case .use(let item): item.span
    case .test(let item): item.span
    }
  }
}

/// `use "other.graph"`: the names and parameters of another graph.
package struct UseSyntax: Sendable, Hashable {
  package var path: WordSyntax
  package var span: SourceSpan
}

/// `test "…" { feed heard from turns.jsonl; expect crm count == 2 }`.
package struct TestSyntax: Sendable, Hashable {
  package var title: WordSyntax
  package var steps: [TestStepSyntax]
  package var isBroken: Bool
  package var span: SourceSpan
}

/// A line of a test.
package struct TestStepSyntax: Sendable, Hashable {
  package enum Kind: Sendable, Hashable {
    /// `feed NAME from FILE`.
    case feed(ValueSyntax)
    /// `expect NAME count == 2`.
    case count(OperatorSyntax, ValueSyntax)
    /// `expect NAME[0].transcript == "…"`.
    case field(index: Int, WordSyntax, OperatorSyntax, ValueSyntax)
  }

  package var kind: Kind
  package var name: WordSyntax
  package var span: SourceSpan
}

/// `param hook = https://hooks.example.com/turns`.
package struct ParameterSyntax: Sendable, Hashable {
  package var name: WordSyntax
  package var value: ValueSyntax?
  /// Whether the rest could not be read; it has been reported.
  package var isBroken: Bool
  package var span: SourceSpan
}

/// A chain of stages: `heard = monitor | flux`.
package struct StatementSyntax: Sendable, Hashable {
  package var name: WordSyntax?
  /// nil when it could not be read.
  package var head: HeadSyntax?
  package var stages: [StageSyntax]
  /// Whether a part could not be read; it has been reported.
  package var isBroken: Bool
  /// Names behind `=>` in what could not be read: they were meant to be bound.
  package var lostNames: [WordSyntax] = []
  package var span: SourceSpan
}

/// What begins a chain.
package enum HeadSyntax: Sendable, Hashable {
  /// `me, them`: several names.
  case union([WordSyntax])
  /// A stage, or a name on its own: what it is depends on the names bound before.
  case stage(StageSyntax)

  package var span: SourceSpan {
    switch self {
    case .union(let words): SourceSpan(words[0].span.lower, words[words.count - 1].span.upper)
    case .stage(let stage): stage.span
    }
  }
}

/// A stage with what is written behind it.
package struct StageSyntax: Sendable, Hashable {
  package var word: WordSyntax
  package var arguments: [ArgumentSyntax]
  /// What follows `where`.
  package var predicate: PredicateSyntax?
  /// Where the predicate is written.
  package var predicateSpan: SourceSpan?
  /// What follows `route`.
  package var route: RouteSyntax?
  package var span: SourceSpan
}

/// `[all] { arm … }`.
package struct RouteSyntax: Sendable, Hashable {
  /// Whether an event goes to every arm that fits, and not to the first alone.
  package var isAll: Bool
  package var arms: [ArmSyntax]
  /// The block with its braces.
  package var block: SourceSpan
  /// Whether a part could not be read; it has been reported.
  package var isBroken = false
}

/// `event == EndOfTurn => stdout`.
package struct ArmSyntax: Sendable, Hashable {
  /// nil for `else`.
  package var predicate: PredicateSyntax?
  /// The predicate, or `else`.
  package var condition: SourceSpan
  /// What stands behind `=>`: a name, or a chain.
  package var stages: [StageSyntax]
  /// Whether only the name behind `=>` could be read, if that.
  package var isBroken = false
  package var span: SourceSpan
}

package enum ArgumentSyntax: Sendable, Hashable {
  /// A value, or the name of a flag.
  case value(ValueSyntax)
  case option(WordSyntax, ValueSyntax)

  package var span: SourceSpan {
    switch self {
    case .value(let value): value.span
    case .option(let key, let value): SourceSpan(key.span.lower, value.span.upper)
    }
  }
}

package indirect enum ValueSyntax: Sendable, Hashable {
  case atom(WordSyntax)
  /// A quoted text, its escapes resolved except `\{`.
  case string(WordSyntax)
  /// `$name`, without the dollar sign.
  case parameter(WordSyntax)
  case list([ValueSyntax], SourceSpan)
  case call(WordSyntax, [ValueSyntax], SourceSpan)

  package var span: SourceSpan {
    switch self {
    case .atom(let word), .string(let word), .parameter(let word): word.span
    case .list(_, let span), .call(_, _, let span): span
    }
  }

  /// The elements of a list or call.
  package var elements: [ValueSyntax] {
    switch self {
    case .list(let elements, _), .call(_, let elements, _): elements
    default: []
    }
  }
}

package indirect enum PredicateSyntax: Sendable, Hashable {
  case compare(WordSyntax, OperatorSyntax, ValueSyntax)
  case oneOf(WordSyntax, [ValueSyntax], SourceSpan)
  case element(ValueSyntax, WordSyntax)
  case not(PredicateSyntax)
  case and(PredicateSyntax, PredicateSyntax)
  case or(PredicateSyntax, PredicateSyntax)
}

/// A comparison in a predicate and its place.
package struct OperatorSyntax: Sendable, Hashable {
  package var comparison: Predicate.Comparison
  package var span: SourceSpan
}
