public import FluxGraph

extension Stage {
  /// Checks a stage's options together, as the checker does: the rules of its description, then `validate`.
  /// - Throws: the first conflict.
  public func checkOptions() throws(OptionConflict) {
    if let conflict = StageSpecification(Self.self).conflicts(in: self, unknown: []).first { throw conflict }
  }
}
