package import FluxGraph

/// The Flux server inside this process, for `endpoint=local`. The host program provides it as a resource of the stage's context.
package struct LocalFlux: Sendable {
  /// What a stage asks of the server.
  package struct Options: Sendable {
    /// Where words come from, such as `pocketsphinx` or `script:talk.json`; nil for the best there is.
    package var words: String?
    /// What goes wrong on purpose; the text of a `FaultPlan`.
    package var fault: String?
    /// The directory relative paths in `words` are relative to.
    package var directory: String
    /// What a recogniser's program gets as its environment.
    package var environment: [String: String]
    /// Called with what the user should know, such as a missing recogniser. On the loop.
    package var notice: @Sendable (Notice) -> Void
  }

  /// Starts a server, or finds one that runs with the same options, and returns its base URL, `ws://127.0.0.1:PORT`.
  package var start: @Sendable (Options) async throws -> String

  /// What a server with these options needs to be there.
  package var needs: @Sendable (Options) -> [Need]

  package init(
    needs: @escaping @Sendable (Options) -> [Need] = { _ in [] },
    start: @escaping @Sendable (Options) async throws -> String
  ) {
    self.needs = needs
    self.start = start
  }
}
