internal import FluxGraph
internal import Glibc
internal import GraphLanguage

/// A command line that cannot be understood.
struct UsageError: Error, Sendable {
  var message: String
  /// Whether help was asked for: no mistake.
  var isHelpRequest = false

  init(_ message: String, candidates: [String] = [], given: String = "") {
    self.message = message
    if let near = Suggestions.nearest(to: given, in: candidates) {
      self.message += "; did you mean `\(near)`?"
    }
  }

  /// A word that is no command: it may be a stage, a mistake's code, a file or a graph, for which there are commands.
  static func unknownWord(_ word: String, _ message: String, _ catalogue: Catalogue) -> UsageError {
    if catalogue[word] != nil {
      return UsageError("`\(word)` is a stage: `fluxgraph inspect \(word)` shows it")
    }
    if Explanation.all(of: catalogue).contains(where: { $0.code == word }) {
      return UsageError("`\(word)` is a mistake: `fluxgraph explain \(word)` explains it")
    }
    if word.contains("|") { return UsageError("\(message); did you mean `fluxgraph run -e '\(word)'`?") }
    if word.hasSuffix(".graph") || access(word, F_OK) == 0 {
      return UsageError("\(message); did you mean `fluxgraph run \(word)`?")
    }
    let names = Help.commands + catalogue.names
    guard let near = Suggestions.nearest(to: word, in: names) else {
      return UsageError("\(message); `fluxgraph help` lists them")
    }
    return UsageError(
      "\(message); did you mean `\(Help.commands.contains(near) ? near : "inspect \(near)")`?")
  }

  static let help: UsageError = {
    var error = UsageError("")
    error.isHelpRequest = true
    return error
  }()
}

/// Takes a command's arguments one by one.
struct ArgumentReader {
  private var rest: ArraySlice<String>
  private let known: [String]

  /// - Parameter known: the options there are, for suggestions.
  init(_ arguments: [String], known: [String]) {
    rest = arguments[...]
    self.known = known
  }

  /// The arguments of a command that has no options.
  static func words(_ arguments: [String]) throws(UsageError) -> [String] {
    let reader = ArgumentReader(arguments, known: [])
    if let option = arguments.first(where: { $0.hasPrefix("-") }) { throw reader.unknown(option) }
    return arguments
  }

  /// The next argument: an option by its name, or a plain word.
  mutating func next() -> String? { rest.popFirst() }

  /// The value of an option, given as the next argument.
  mutating func value(of option: String) throws(UsageError) -> String {
    guard let value = rest.popFirst() else { throw UsageError("`\(option)` needs a value") }
    return value
  }

  /// The same as one of a few words.
  mutating func choice(of option: String, _ words: [String]) throws(UsageError) -> String {
    let word = try value(of: option)
    guard words.contains(word) else {
      throw UsageError(
        "`\(option)` takes \(words.joined(separator: ", ")), not `\(word)`", candidates: words, given: word)
    }
    return word
  }

  /// The same as a time that is longer than none.
  mutating func duration(of option: String) throws(UsageError) -> Duration {
    let text = try value(of: option)
    guard let duration = try? Duration.parse(.word(text)), duration > .zero else {
      throw UsageError("`\(option)` wants a duration, such as `10m`")
    }
    return duration
  }

  /// The error for an argument that looks like an option and is none.
  func unknown(_ option: String) -> UsageError {
    option == "-h" || option == "--help"
      ? .help : UsageError("there is no option `\(option)`", candidates: known, given: option)
  }
}
