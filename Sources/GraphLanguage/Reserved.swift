/// Words that mean something to the language, so that no stream or parameter can be called so.
enum Reserved {
  static let words: Set<String> = [
    "use", "param", "test", "where", "route", "else", "env", "secret", "pcm", "and", "or", "not", "in",
  ]

  /// What a word that this version cannot do anything with is reserved for.
  static func purpose(of word: String) -> String? {
    switch word {
    case "use": "taking over another graph's names"
    case "test": "tests written beside a graph"
    case "route": "splitting events by predicates"
    case "secret": "reading secrets from files and programs"
    case "else": "the last arm of `route`"
    default: nil
    }
  }

  /// What to write instead.
  static func alternative(to word: String) -> String? {
    switch word {
    case "route": "give each branch its own `where`: `heard | where event == EndOfTurn | …`"
    case "secret": "`env(NAME)` reads an environment variable"
    default: nil
    }
  }
}
