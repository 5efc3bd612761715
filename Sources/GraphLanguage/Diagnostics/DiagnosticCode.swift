/// The words for what can be wrong with a graph. Stages add their own for options in conflict.
package enum DiagnosticCode: String, Sendable, Hashable, CaseIterable {
  // Text.
  case badTest = "bad-test"
  case badEscape = "bad-escape"
  case bracketNotClosed = "bracket-not-closed"
  case badPredicate = "bad-predicate"
  case missingStage = "missing-stage"
  case missingValue = "missing-value"
  case oddCharacter = "odd-character"
  case reservedWord = "reserved-word"
  case spacedOption = "spaced-option"
  case stringNotClosed = "string-not-closed"
  case tooDeep = "too-deep"
  case tooLarge = "too-large"
  case unexpectedText = "unexpected-text"

  // Names.
  case badName = "bad-name"
  case chainLeftOut = "chain-left-out"
  case duplicateName = "duplicate-name"
  case duplicateStream = "duplicate-stream"
  case missingFile = "missing-file"
  case missingParameter = "missing-parameter"
  case missingVariable = "missing-variable"
  case notAGraph = "not-a-graph"
  case nameHidesStage = "name-hides-stage"
  case unknownName = "unknown-name"
  case unknownParameter = "unknown-parameter"
  case unknownPort = "unknown-port"
  case unknownStage = "unknown-stage"
  case unreadableFile = "unreadable-file"
  case unusedName = "unused-name"
  case unusedParameter = "unused-parameter"
  case useBeforeDefinition = "use-before-definition"
  case useCycle = "use-cycle"

  // Options.
  case duplicateOption = "duplicate-option"
  case knownMistake = "known-mistake"
  case fieldsNotFilled = "fields-not-filled"
  case missingOption = "missing-option"
  case outOfRange = "out-of-range"
  case secretInGraph = "secret-in-graph"
  case secretInPath = "secret-in-path"
  case secretOnCommandLine = "secret-on-command-line"
  case tooManyValues = "too-many-values"
  case unknownField = "unknown-field"
  case unknownEvent = "unknown-event"
  case unknownOption = "unknown-option"
  case unknownValue = "unknown-value"
  case unusableSecret = "unusable-secret"
  case unusualValue = "unusual-value"
  case valueAfterOption = "value-after-option"
  case wrongComparison = "wrong-comparison"
  case wrongType = "wrong-type"
  case wrongUnit = "wrong-unit"

  // Streams.
  case audioExpected = "audio-expected"
  case bytesExpected = "bytes-expected"
  case channelsMismatch = "channels-mismatch"
  case emptyGraph = "empty-graph"
  case eventsExpected = "events-expected"
  case implicitAdapter = "implicit-adapter"
  case inputReadTwice = "input-read-twice"
  case eventNeverSent = "event-never-sent"
  case mixedUnion = "mixed-union"
  case noAdapter = "no-adapter"
  case noOutput = "no-output"
  case noSink = "no-sink"
  case notASource = "not-a-source"
  case paceBehindLive = "pace-behind-live"
  case routeWithoutOutput = "route-without-output"
  case sinkInTheMiddle = "sink-in-the-middle"
  case sourceInTheMiddle = "source-in-the-middle"
  case twoAudioStreams = "two-audio-streams"

  package var severity: Diagnostic.Severity {
    switch self {
    case .nameHidesStage, .unusedName, .unusedParameter, .paceBehindLive, .eventNeverSent,
      .unusualValue, .fieldsNotFilled, .secretOnCommandLine:
      .warning
    case .chainLeftOut: .note
    default: .error
    }
  }
}
