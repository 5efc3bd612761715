public import FluxGraph
internal import GraphLanguage

/// What every stage owes the graphs it stands in, checked by one line:
///
///     try await StageContract.check(Gain.self, "gain 6dB")
///
/// The stage is made from its text as a graph makes it, and run many times over, alone:
///
/// - **cuts**: however a stream is cut into blocks, the same comes out;
/// - **flush**: at the end everything has come out, and nothing follows;
/// - **freshness**: a new stage is like the first one was, whatever the first one has done: nothing is shared between stages;
/// - **types**: what comes out is what the stage declares;
/// - **progress**: no call leaves everything as it was and claims otherwise;
/// - **allocation**: on audio threads, once warm, no block costs memory (counted on the calling thread; see below); an audio sink
///   may wake another thread every other block.
///
/// Sources and sinks whose effects lie outside are judged by the files they leave in the directory of their context, which is
/// empty and new for every run, and by the notices they give.
///
/// Allocations are counted by taking the place of `malloc` in the process from the first check on, for the checking thread
/// alone, so that other tests may run beside it.
public enum StageContract {
  /// What a stage owes.
  public enum Rule: String, Sendable, Hashable, CaseIterable {
    /// However a stream is cut into blocks, the same comes out.
    case cuts
    /// At the end everything has come out, and nothing follows.
    case flush
    /// A new stage is like the first one was.
    case freshness
    /// What comes out is what the stage declares.
    case types
    /// No call claims to have done something and has not.
    case progress
    /// Once warm, no block costs memory.
    case allocation
  }

  /// A stage broke a rule.
  public struct Violation: Error, Sendable, CustomStringConvertible {
    /// The rule.
    public var rule: Rule
    /// What the stage did, as one sentence.
    public var message: String

    /// The rule and what the stage did.
    public var description: String { "\(rule.rawValue): \(message)" }
  }

  /// The text of the stage is wrong; the description is what `check` would print.
  public struct TextError: Error, Sendable, CustomStringConvertible {
    /// What `check` would print.
    public var description: String
  }

  /// What a stage is given.
  public struct Input: Sendable {
    var bytes: [UInt8] = []
    var format: AudioFormat?
    var events: [Event]?

    /// What suits the stage's kind: half a second of a tone in noise, or a short conversation. A decoder needs its own.
    public static let standard = Input()

    /// Interleaved floating-point samples. They are turned into what the stage takes, where that is something else.
    /// - Parameters:
    ///   - samples: between -1 and 1.
    ///   - rate: frames a second, in Hz.
    ///   - channels: samples in a frame.
    public static func audio(_ samples: [Float], rate: Int, channels: Int = 1) -> Input {
      Input(
        bytes: samples.withUnsafeBytes { Array($0) },
        format: AudioFormat(.f32le, rate: rate, channels: channels))
    }

    /// Whole frames of samples as they are stored.
    public static func audio(_ bytes: [UInt8], _ format: AudioFormat) -> Input {
      Input(bytes: bytes, format: format)
    }

    /// Encoded sound, for a decoder.
    public static func bytes(_ bytes: [UInt8]) -> Input { Input(bytes: bytes) }

    /// Events, in their order.
    public static func events(_ events: [Event]) -> Input { Input(events: events) }
  }

  /// Checks a stage.
  /// - Parameters:
  ///   - type: the stage.
  ///   - text: the stage with its options, as a graph writes it; its name alone when nil.
  ///   - input: what it is given.
  ///   - files: files to put into the directory of the stage's context before every run, by their names.
  ///   - world: makes the world around it, anew for every run: environment, answers of a service, resources.
  /// - Throws: `Violation` for the first rule that is broken; `TextError`; what the stage itself throws.
  public static func check<S: Stage>(
    _ type: S.Type, _ text: String? = nil, input: Input = .standard, files: [String: [UInt8]] = [:],
    world: @escaping @Sendable () -> TestWorld = { TestWorld() }
  ) async throws {
    let name = StageSpecification(type).name
    try await check(
      text ?? name, named: name, in: Catalogue().adding(type), input: input, files: files, world: world)
  }

  /// Checks a stage of a catalogue, by its text.
  /// - Parameters:
  ///   - text: the stage with its options, as a graph writes it.
  ///   - name: its word.
  ///   - catalogue: where it is found.
  ///   - input: what it is given.
  ///   - files: files to put into the directory of the stage's context before every run, by their names.
  ///   - world: makes the world around it, anew for every run.
  /// - Throws: `Violation`, `TextError`, or what the stage itself throws.
  public static func check(
    _ text: String, named name: String, in catalogue: Catalogue, input: Input = .standard,
    files: [String: [UInt8]] = [:], world: @escaping @Sendable () -> TestWorld = { TestWorld() }
  ) async throws {
    guard let group = catalogue[name]?.group else {
      throw TextError(description: "there is no stage called `\(name)`")
    }
    let checker = Checker(
      catalogue: catalogue.adding(ContractInput.self).adding(ContractOutput.self),
      options: Checker.Options(allowsMissingSecrets: true))
    let made: (specification: StageSpecification, settings: [StageSetting])
    do throws(StageTextError) {
      made = try checker.stage(
        text, before: group == .source ? nil : "contract_input",
        after: group == .sink ? nil : "contract_output")
    } catch {
      throw TextError(description: error.description)
    }
    let bench = ContractBench(
      make: { try made.specification.make(made.settings) }, input: input, files: files, world: world)
    try await bench.check()
  }
}

/// Stands before a stage that is being checked, so that its text is a chain.
private struct ContractInput: AudioSource {
  static let description = StageDescription<ContractInput>(
    "contract_input", "Stands before a stage under check.")

  var output: AudioStreamType { AudioStreamType(liveness: .finite) }
  mutating func open(_ context: StageContext) throws -> AudioFormat {
    AudioFormat(.f32le, rate: 1, channels: 1)
  }
  mutating func read(into audio: inout AudioBuffer) throws -> SourceProgress { .finished }
}

/// Stands behind a stage that is being checked.
private struct ContractOutput: AudioSink, EventSink {
  static let description = StageDescription<ContractOutput>(
    "contract_output", "Stands behind a stage under check.")

  mutating func write(_ audio: borrowing AudioBuffer) throws {}
  mutating func write(_ event: Event) async throws {}
}
