internal import FluxGraph
internal import Platform

extension StageError {
  /// Nothing more of a kind is to be had.
  /// - Parameter what: what there is no more of, as a sentence goes on: "files can be opened".
  init(outOf what: String, _ error: SystemError) {
    self.init(
      .unavailable, "no more \(what): \(error)",
      help: "Raise the system's limit: `ulimit -n` shows and sets it.")
  }
}
