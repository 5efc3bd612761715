internal import FluxGraphHost
internal import Platform

extension GraphFile {
  /// Tells what of the `.env` files could not be used.
  func tellOfEnvironment() {
    for problem in environment.problems { Terminal.error.write("warning: \(problem)\n") }
  }
}
