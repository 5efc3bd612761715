/// Words that mean something to the language, so that no stream or parameter can be called so.
package enum Reserved {
  package static let words: Set<String> = [
    "use", "param", "test", "where", "route", "else", "env", "secret", "pcm", "and", "or", "not", "in",
  ]
}
