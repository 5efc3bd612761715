extension Rule {
  /// A warning that a key can be read on its way: for stages that send one to an address of the user's.
  /// - Parameters:
  ///   - reads: the options the rule looks at, the address's first.
  ///   - example: a whole graph that breaks the rule.
  ///   - fix: the same graph put right.
  ///   - address: where the stage sends to; nil for a place that needs no care.
  ///   - keys: the options that hold what is sent.
  public static func unencryptedKey(
    reads: [String], example: String, fix: String, address: @escaping @Sendable (S) -> WebURL?,
    keys: @escaping @Sendable (S) -> [String]
  ) -> Rule {
    Rule(
      "unencrypted-key", reads: reads,
      """
      A key, or a header that says who you are, goes to another machine over a connection that is not encrypted: everyone on \
      the way can read it. Between programs of one machine nobody can.
      """, example: example, fix: fix
    ) { stage in
      guard let address = address(stage), address.isReadable else { return nil }
      var options = keys(stage)
      if address.hasSecretQuery { options.insert(reads[0], at: 0) }
      guard let first = options.first else { return nil }
      let (open, closed) = address.text.lowercased().hasPrefix("ws") ? ("ws", "wss") : ("http", "https")
      return OptionConflict(
        first == reads[0]
          ? "the key in this address can be read on its way to the service: \(open):// does not encrypt"
          : "what `\(first)` holds can be read on its way to the service: \(open):// does not encrypt",
        options: first == reads[0] ? [first] : [reads[0], first], help: "use \(closed)://", isWarning: true)
    }
  }
}
