import FluxGraph
import GraphLanguage

@testable import FluxGraphCLI

/// A graph with one slip of the pen in it.
struct Mutation: Sendable {
  enum Slip: String, Sendable {
    case misspelt, retyped, removed, doubled
  }

  /// What the slip happened to.
  enum Subject: String, Sendable {
    case stage, option, value, flag, field, event, unit, word, name, port
  }

  var slip: Slip
  var subject: Subject
  /// The text that was there.
  var original: String
  /// The graph as it is now, and the place of the slip in it, in bytes.
  var graph: String
  var place: Range<Int>
  /// The chain the slip is in.
  var chain: Range<Int>
  /// Whether the rest can be right without what was there, or with what is there now: an option nobody has to give, a
  /// transform that can stand twice, a text that may be anything.
  var mayPass: Bool

  var title: String { "\(subject) `\(original)` \(slip) in\n\(graph)" }
}

/// Makes mutations of a graph out of what its words are: places come from the syntax tree, and what is right from the catalogue.
struct MutationMaker {
  private let text: String
  private let bytes: [UInt8]
  private let catalogue = Catalogue.standard
  private(set) var mutations: [Mutation] = []
  private var chain = 0..<0
  private var only: String?
  /// Names of streams that are in the graph.
  private var names: Set<String> = []

  /// - Parameter stage: where given, only stages of this name are changed.
  static func mutations(of text: String, only stage: String? = nil) -> [Mutation] {
    var maker = MutationMaker(text)
    maker.only = stage
    maker.walk()
    return maker.mutations
  }

  private init(_ text: String) {
    self.text = text
    bytes = Array(text.utf8)
  }

  private mutating func walk() {
    let tree = Parser.parse(GraphSource(name: "t.graph", text: text, directory: ".")).tree
    for case .statement(let statement) in tree.items {
      if let name = statement.name { names.insert(name.text) }
      noteArms(statement.stages)
    }
    for case .statement(let statement) in tree.items {
      chain = statement.span.lower..<statement.span.upper
      var stages = statement.stages
      switch statement.head {
      case .stage(let stage)?:
        if let stem = stage.word.text.split(separator: ".").first, names.contains(String(stem)) {
          reference(stage.word)
        } else {
          stages.insert(stage, at: 0)
        }
      case .union(let words)?: words.forEach { reference($0) }
      case nil: break
      }
      walk(stages, hasName: statement.name != nil)
    }
  }

  private mutating func noteArms(_ stages: [StageSyntax]) {
    for arm in stages.flatMap({ $0.route?.arms ?? [] }) {
      if arm.stages.count == 1, catalogue[arm.stages[0].word.text] == nil {
        names.insert(arm.stages[0].word.text)
      }
      noteArms(arm.stages)
    }
  }

  private mutating func walk(_ stages: [StageSyntax], hasName: Bool) {
    for (index, stage) in stages.enumerated() {
      if let route = stage.route {
        for arm in route.arms {
          if let predicate = arm.predicate { walk(predicate) }
          if arm.stages.count > 1 || catalogue[arm.stages[0].word.text] != nil {
            walk(arm.stages, hasName: false)
          }
        }
        continue
      }
      guard let specification = catalogue[stage.word.text], only == nil || only == stage.word.text else {
        continue
      }
      let isLast = index == stages.count - 1
      whole(stage, specification, isFirst: index == 0, isLast: isLast)
      if let predicate = stage.predicate {
        walk(predicate)
        continue
      }
      var positional = specification.options.filter(\.isPositional)[...]
      for argument in stage.arguments {
        switch argument {
        case .option(let key, let value):
          guard let option = specification.option(named: key.text) else { continue }
          self.option(argument.span, key, option)
          self.value(value, option, isNamed: true)
        case .value(.atom(let word)) where specification.option(named: word.text)?.type == .flag:
          misspell(word.span, .flag)
          double(word.span, .flag)
        case .value(let value):
          guard let option = positional.popFirst() else { continue }
          remove(value.span, .value, mayPass: !option.isRequired)
          double(value.span, .value, mayPass: positional.first != nil)
          self.value(value, option, isNamed: false)
        }
      }
    }
  }

  // MARK: Stages

  private mutating func whole(
    _ stage: StageSyntax, _ specification: StageSpecification, isFirst: Bool, isLast: Bool
  ) {
    misspell(stage.word.span, .stage)
    let isBetween = [.transform, .events, .decoder].contains(specification.group)
    let again = text(of: stage.span)
    // With its pipe: the one before it, or that behind it when it is the first.
    var lower = stage.span.lower
    var upper = stage.span.upper
    if let pipe = pipe(before: lower) {
      lower = pipe
    } else if let pipe = pipe(behind: upper) {
      upper = pipe + 1
    }
    change(lower..<upper, to: "", .removed, .stage, mayPass: isBetween || specification.group == .recogniser)
    change(
      stage.span.lower..<stage.span.upper, to: "\(again) | \(again)", .doubled, .stage, mayPass: isBetween)
  }

  private func pipe(before place: Int) -> Int? {
    var index = place - 1
    while index >= 0, [0x20, 0x09, 0x0A, 0x0D].contains(bytes[index]) { index -= 1 }
    return index >= 0 && bytes[index] == UInt8(ascii: "|") ? index : nil
  }

  private func pipe(behind place: Int) -> Int? {
    var index = place
    while index < bytes.count, [0x20, 0x09, 0x0A, 0x0D].contains(bytes[index]) { index += 1 }
    return index < bytes.count && bytes[index] == UInt8(ascii: "|") ? index : nil
  }

  private mutating func reference(_ word: WordSyntax) {
    let parts = word.text.split(separator: ".")
    misspell(SourceSpan(word.span.lower, word.span.lower + parts[0].utf8.count), .name)
    if parts.count == 2 {
      misspell(SourceSpan(word.span.upper - parts[1].utf8.count, word.span.upper), .port)
    }
  }

  // MARK: Options and values

  private mutating func option(_ span: SourceSpan, _ key: WordSyntax, _ option: OptionSpecification) {
    misspell(key.span, .option)
    change(span.lower..<span.upper, to: "", .removed, .option, mayPass: true)
    double(span, .option)
    change(key.span.upper + 1..<span.upper, to: "", .removed, .value, mayPass: false)
  }

  private mutating func value(_ value: ValueSyntax, _ option: OptionSpecification, isNamed: Bool) {
    guard case .atom(let word) = value else {
      if case .list(let elements, _) = value, case .list(let type) = option.type {
        for element in elements { misspellWord(element, type) }
        if elements.count == 1 {
          retype(value.span, option.type, as: [text(of: elements[0].span), "5", "\"x\""])
        }
      }
      if case .string(let word) = value {
        fields(word)
        retype(word.span, option.type, as: ["5", "[a]"])
      }
      return
    }
    misspellWord(value, option.type)
    units(word)
    retype(word.span, option.type, as: ["high", "5", "5Hz", "5s", "0.5", "\"text\"", "[a]", "-3dB"])
  }

  private mutating func misspellWord(_ value: ValueSyntax, _ type: OptionType) {
    guard case .atom(let word) = value else { return }
    // Texts that stand for one of a few things.
    var words = ["local", "deepgram", "flux-general-en", "flux-general-multi", "EndOfTurn", "EagerEndOfTurn"]
    if case .enumeration(let names) = type { words = names }
    guard words.contains(word.text) else { return }
    misspell(word.span, .word)
    double(word.span, .word)
  }

  private mutating func retype(_ span: SourceSpan, _ type: OptionType, as texts: [String]) {
    for text in texts where text != self.text(of: span) {
      change(span.lower..<span.upper, to: text, .retyped, .value, mayPass: Self.takes(type, text))
    }
  }

  /// Whether a value written like this may be one of this type: texts and paths can look like anything but a list.
  private static func takes(_ type: OptionType, _ text: String) -> Bool {
    switch type {
    case .text, .template, .path, .pathTemplate, .secret: return !text.hasPrefix("[")
    case .number, .integer: return Double(text) != nil
    case .duration: return text == "5s"
    case .frequency, .sampleRate: return text == "5Hz"
    case .decibels: return text == "-3dB"
    case .enumeration(let words): return words.contains(text)
    case .list(let element): return text.hasPrefix("[") && takes(element, String(text.dropFirst().dropLast()))
    case .either(let one, let other): return takes(one, text) || takes(other, text)
    default: return false
    }
  }

  private mutating func units(_ word: WordSyntax) {
    let digits = word.text.prefix { $0.isNumber || $0 == "." || $0 == "-" }
    let unit = word.text.dropFirst(digits.count)
    guard Double(digits) != nil,
      ["ms", "s", "m", "h", "k", "kHz", "Hz", "dB", "x", "kB", "MB", "GB"].contains(unit)
    else { return }
    let span = SourceSpan(word.span.lower + digits.utf8.count, word.span.upper)
    change(word.span.lower..<word.span.upper, to: String(digits), .removed, .unit, mayPass: false)
    for wrong in ["q", "secs", "hz"] {
      change(word.span.lower..<word.span.upper, to: digits + wrong, .misspelt, .unit, mayPass: false)
    }
    double(span, .unit, separator: "")
  }

  // MARK: Conditions and templates

  private mutating func walk(_ predicate: PredicateSyntax) {
    switch predicate {
    case .not(let inner): walk(inner)
    case .and(let left, let right), .or(let left, let right):
      walk(left)
      walk(right)
    case .compare(let field, let sign, let value):
      self.field(field.span)
      change(
        sign.span.lower..<sign.span.upper, to: "=", .misspelt, .word, mayPass: false)
      guard case .atom(let word) = value else { return }
      if field.text == "event" { event(word) }
    case .oneOf(let field, let values, _):
      self.field(field.span)
      for case .atom(let word) in values where field.text == "event" { event(word) }
    case .element(_, let field): self.field(field.span)
    }
  }

  private mutating func field(_ span: SourceSpan) {
    misspell(span, .field)
    remove(span, .field, mayPass: false)
    double(span, .field)
    change(span.lower..<span.upper, to: "5", .retyped, .field, mayPass: false)
  }

  private mutating func event(_ word: WordSyntax) {
    misspell(word.span, .event)
    double(word.span, .event)
    for text in ["5", "5s", "true"] {
      change(word.span.lower..<word.span.upper, to: text, .retyped, .event, mayPass: false)
    }
  }

  /// Fields in the braces of a template.
  private mutating func fields(_ word: WordSyntax) {
    let known = Set((EventField.all + EventField.derived).map(\.name))
    var index = word.span.lower
    while index < word.span.upper {
      defer { index += 1 }
      guard bytes[index] == UInt8(ascii: "{"), bytes[index - 1] != UInt8(ascii: "\\") else { continue }
      var end = index + 1
      while end < word.span.upper, bytes[end] != UInt8(ascii: "}"), bytes[end] != UInt8(ascii: ":") {
        end += 1
      }
      let name = String(decoding: bytes[index + 1..<end], as: UTF8.self)
      if known.contains(name) { misspell(SourceSpan(index + 1, end), .field) }
    }
  }

  // MARK: Slips

  /// Two neighbours swapped, a letter left out, a letter twice.
  private mutating func misspell(_ span: SourceSpan, _ subject: Mutation.Subject) {
    let letters = Array(text(of: span).utf8)
    guard letters.count >= 3 else { return }
    let middle = letters.count / 2
    var versions: [[UInt8]] = [letters[..<middle] + [letters[middle]] + letters[middle...]]
    if letters.count >= 4 {
      versions.append(Array(letters[..<middle] + letters[(middle + 1)...]))
      var swapped = letters
      swapped.swapAt(middle, middle - 1)
      if swapped != letters { versions.append(swapped) }
    }
    for version in versions {
      let word = String(decoding: version, as: UTF8.self)
      // What is right by accident is no slip.
      if catalogue[word] != nil || names.contains(word) { continue }
      change(span.lower..<span.upper, to: word, .misspelt, subject, mayPass: false)
    }
  }

  private mutating func remove(_ span: SourceSpan, _ subject: Mutation.Subject, mayPass: Bool) {
    change(span.lower..<span.upper, to: "", .removed, subject, mayPass: mayPass)
  }

  private mutating func double(
    _ span: SourceSpan, _ subject: Mutation.Subject, mayPass: Bool = false, separator: String = " "
  ) {
    let text = text(of: span)
    change(span.lower..<span.upper, to: text + separator + text, .doubled, subject, mayPass: mayPass)
  }

  private mutating func change(
    _ range: Range<Int>, to replacement: String, _ slip: Mutation.Slip, _ subject: Mutation.Subject,
    mayPass: Bool
  ) {
    var changed = bytes
    changed.replaceSubrange(range, with: replacement.utf8)
    mutations.append(
      Mutation(
        slip: slip, subject: subject, original: text(of: SourceSpan(range.lowerBound, range.upperBound)),
        graph: String(decoding: changed, as: UTF8.self),
        place: range.lowerBound..<(range.lowerBound + replacement.utf8.count),
        chain: chain.lowerBound..<(chain.upperBound - range.count + replacement.utf8.count), mayPass: mayPass)
    )
  }

  private func text(of span: SourceSpan) -> String {
    String(decoding: bytes[span.lower..<span.upper], as: UTF8.self)
  }
}
