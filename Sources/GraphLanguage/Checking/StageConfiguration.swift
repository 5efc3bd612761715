internal import FluxGraph

/// A stage's options in the making.
struct StageConfiguration {
  var specification: StageSpecification
  var stage: any Stage
  var settings: [StageSetting] = []
  /// The stage's word and what is set, as people may see it.
  var texts: [String]
  /// Where each option given is written.
  var given: [String: SourceSpan] = [:]
  /// Whether a value or option is there that belongs to none: it may have been meant for one that is missing.
  var hasSurplus = false
  /// Options whose values could not be read.
  var unread: Set<String> = []
  /// What was proposed for single values: the number of the diagnostic, and the option as it would be.
  var proposals: [(diagnostic: Int, option: String, value: GraphValue)] = []
  /// The values given, as they are written.
  var values: [String: ValueSyntax] = [:]
  /// Whether there is an option that may have been meant for any other.
  var hasStranger = false
  var hasFailed = false

  /// Notes what an option that is not there was probably meant to be: then that one's value is not known.
  mutating func note(_ meant: String?) {
    if let meant { unread.insert(meant) } else { hasStranger = true }
  }

  mutating func fail(_ option: OptionSpecification) {
    hasFailed = true
    unread.insert(option.name)
  }
}
