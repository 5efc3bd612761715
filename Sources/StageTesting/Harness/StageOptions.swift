public import FluxGraph

extension Stage {
  /// Checks a stage's options together, by the rules of its description, as the checker does.
  /// - Throws: the first conflict.
  public func checkOptions() throws(OptionConflict) {
    if let conflict = StageSpecification(Self.self).conflicts(in: self, unknown: []).first { throw conflict }
  }
}
