internal import FoundationEssentials
internal import Synchronization

/// What is known to be secret while a program runs, whatever way it was given. Everything that leaves for people's eyes, such as
/// notices, log lines, drawings and errors, goes through ``masked(_:)``; programs that are started get ``childEnvironment``.
///
/// There is one for each run of the program; whoever checks a graph hands it to the checker. Any thread may use it. What was said
/// in the audio is not masked: words of a transcript must not change with somebody's password. In running text secrets of fewer
/// than four bytes are not found, and those of fewer than eight only where they stand by themselves.
package final class SecretRegister: Sendable {
  private struct State {
    var mask = SecretMask()
    /// Those that no child may find in a variable, whatever stands around them.
    var withheld = SecretMask()
    /// Those that are no variable's whole value.
    var withheldValues: Set<String> = []
    /// Variables children are not given.
    var variables: Set<String> = ["DEEPGRAM_API_KEY"]
  }

  private let state = Mutex(State())

  package init() {}

  // MARK: - What is secret

  /// Adds a secret.
  package func add(_ secret: Secret) { add(secret.reveal(), isWithheld: true) }

  /// Keeps a variable of the environment from children, whatever it holds.
  package func withhold(variable: String) { state.withLock { _ = $0.variables.insert(variable) } }

  /// Adds what is secret in a header `Name: value`: its value, or what follows the scheme there.
  package func add(header: String) {
    guard let colon = header.firstIndex(of: ":") else { return add(Secret(header)) }
    let value = String(header[header.index(after: colon)...])
    for secret in HeaderCredentials(value).secrets { add(secret, isWithheld: true) }
  }

  /// Adds what is secret in the addresses a text holds: user and password, and values of the query whose names say so.
  /// - Parameter isWithheld: whether children must not get it either. They do get what this machine tells every program, such as
  ///   the password of its proxy.
  package func add(addressesIn text: String, isWithheld: Bool = true) {
    for secret in AddressCredentials(text).secrets { add(secret, isWithheld: isWithheld) }
  }

  private func add(_ text: String, isWithheld: Bool) {
    // A text of several lines is met in single ones, and nobody shows the white space around it.
    var lines = text.split(whereSeparator: \.isNewline).map(trimmed)
    if lines.count > 1 { lines.removeAll { $0.utf8.count < SecretMask.leastInsideWords } }
    state.withLock { state in
      for line in lines { state.mask.insert(line) }
      guard isWithheld else { return }
      if text.utf8.count >= SecretMask.leastLength { state.withheldValues.formUnion([text] + lines) }
      for line in lines where line.utf8.count >= SecretMask.leastInsideWords { state.withheld.insert(line) }
    }
  }

  private func trimmed(_ line: Substring) -> String {
    var rest = line.trimmingPrefix(while: \.isWhitespace)
    while rest.last?.isWhitespace == true { rest.removeLast() }
    return String(rest)
  }

  // MARK: - What may be seen

  /// A text as it may be seen: with `•••` for every secret in it.
  package func masked(_ text: String) -> String { state.withLock { $0.mask }.applied(to: text) }

  /// Whether a text is a secret from end to end.
  package func holds(_ text: String) -> Bool { state.withLock { $0.withheldValues.contains(text) } }

  // MARK: - Children

  /// Variables without which no program finds anything, or its way home. They hold paths.
  private static let paths: Set<String> = ["PATH", "HOME"]

  /// The environment for programs this one starts: its own, without Deepgram's key, without variables a graph uses as secrets, and
  /// without any whose value is a secret or holds one.
  package var childEnvironment: [String: String] { withoutSecrets(ProcessInfo.processInfo.environment) }

  /// What of an environment children get.
  package func withoutSecrets(_ environment: [String: String]) -> [String: String] {
    let state = state.withLock { $0 }
    return environment.filter { name, value in
      if state.variables.contains(name) { return false }
      if Self.paths.contains(name) { return true }
      return !state.withheldValues.contains(value) && !state.withheld.finds(in: value)
    }
  }
}
