/// Where a secret is to be had when a graph runs: `secret(file:key.txt)`, `secret(exec:[pass, show, deepgram])`.
public enum SecretReference: Sendable, Hashable, CustomStringConvertible {
  /// A file that holds the secret, resolved from the graph's directory. One line break at its end is not part of it.
  case file(String)
  /// A program that prints the secret, with its arguments.
  case program([String])

  /// What messages call it; never the secret itself.
  public var description: String {
    switch self {
    case .file(let path): "secret(file:\(path))"
    case .program(let arguments): "secret(exec:[\(arguments.joined(separator: ", "))])"
    }
  }
}
