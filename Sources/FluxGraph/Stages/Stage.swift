/// One node of a graph. A stage type conforms to exactly one of the kinds below, which refine this protocol:
///
/// | kind | turns | called |
/// |---|---|---|
/// | `ByteSource` | nothing into bytes | on an audio thread |
/// | `AudioSource` | nothing into audio | on an audio thread |
/// | `AudioDecoder` | bytes into audio | on an audio thread |
/// | `AudioTransform` | audio into as much audio, in place | on an audio thread |
/// | `AudioConverter` | audio into audio of another format, rate or length | on an audio thread |
/// | `AudioJoiner` | several streams of audio into one | on an audio thread |
/// | `AudioRelay` | audio into audio that comes in its own time, as from another program | on an audio thread |
/// | `AudioSink` | audio into nothing | on an audio thread |
/// | `Recogniser` | audio into events | as an asynchronous task |
/// | `EventTransform` | an event into any number of events | where the event comes from |
/// | `EventSink` | events into nothing | as an asynchronous task |
///
/// What runs on an audio thread must not block, and allocate only in `prepare` or `open`. A stage is a value: it is created
/// with its defaults, given its options, and stays on one thread, or in one task, for its life.
public protocol Stage: SendableMetatype {
  /// What kind it is: the protocol of the kind says so.
  static var kind: StageKind { get }
  /// The stage as what it is: the protocol of the kind says so.
  var form: StageForm { get }
  /// Name, summary and options: what the parser, the checker, `inspect` and the documentation know.
  static var description: StageDescription<Self> { get }
  /// A stage with every option at its default.
  init()
  /// What must be there before the stage opens or sends anything, as its options say; nil for what the types of its options say: a
  /// path is read by a source and written by a sink. Asked before the graph runs, and by `check --world`.
  /// - Parameter context: resolves paths, and knows the environment and the time; nothing else can be reached.
  func needs(_ context: StageContext) -> [Need]?
}

extension Stage {
  /// What the types of its options say.
  public func needs(_ context: StageContext) -> [Need]? { nil }
}

/// Two or more options that are right alone and wrong together, found by a `Rule`.
public struct OptionConflict: Error, Sendable {
  /// A change of the options after which they no longer conflict.
  public enum Fix: Sendable, Hashable {
    /// Give an option this value, as a graph writes it.
    case set(String, String)
    /// Leave an option out.
    case remove(String)
  }

  /// The stable word for the mistake, as shown in brackets and explained by `fluxgraph explain`.
  public var code: String
  /// What is wrong, as one sentence.
  public var message: String
  /// The options in conflict, the one to point at first.
  public var options: [String]
  /// What to write instead.
  public var help: String?
  /// Whether the graph can still run.
  public var isWarning: Bool
  /// What tools can do about it.
  public var fix: Fix?
  /// Of the first option's list, the element that is meant; nil for the whole option.
  public var element: String?
  /// What could stand in its place: names, of which the most similar is proposed.
  public var candidates: [String] = []

  /// A conflict.
  /// - Parameter code: left out where the `Rule` has one.
  public init(
    code: String = "", _ message: String, options: [String], help: String? = nil, isWarning: Bool = false,
    fix: Fix? = nil
  ) {
    self.code = code
    self.message = message
    self.options = options
    self.help = help
    self.isWarning = isWarning
    self.fix = fix
  }

  /// One element of an option that is a list, which should be one of `candidates`.
  public init(
    code: String, _ message: String, option: String, element: String, candidates: [String],
    help: String? = nil
  ) {
    self.init(code: code, message, options: [option], help: help)
    self.element = element
    self.candidates = candidates
  }
}

/// A kind of event a recogniser will not send the way it is set up, and what would make it send it.
public struct UnsentEvent: Sendable, Hashable {
  /// The kind of event that is not sent.
  public var kind: TurnEvent.Kind
  /// "set `eager_eot_threshold`".
  public var help: String

  public init(_ kind: TurnEvent.Kind, help: String) {
    self.kind = kind
    self.help = help
  }
}

/// Thrown by a sink when nobody is interested in its output any more, as when the reader of a pipe has gone. The sink then ends
/// without a message.
public struct EndOfInterest: Error, Sendable {
  public init() {}
}

/// What a source did when it was asked for more.
public enum SourceProgress: Sendable, Hashable {
  /// Something was appended to the buffer.
  case produced
  /// Nothing is there yet. The source has asked to be woken, with `StageContext.wake` or `wakeWhenReadable`.
  case waiting
  /// Nothing will come any more.
  case finished
  /// The next bytes begin anew, with a header if the content has one; for a `ByteSource` that begins again after a failure.
  case restarted
}

/// A source of encoded sound: a file, standard input, a download.
///
/// **Threads.** Every call comes from one audio thread, one call at a time, which serves other chains too: nothing may wait, for
/// a lock, a file, a network or another program. `open` may allocate and open files; `read` should not allocate.
///
/// Example: `graphs/plugins/Sources/ExampleStages/SocketSource.swift`: `socket`, from a program at a Unix socket.
public protocol ByteSource: Stage {
  /// What will come, as far as the options tell.
  var output: ByteStreamType { get }
  /// Opens the file or connection.
  /// - Throws: `StageError`.
  mutating func open(_ context: StageContext) throws
  /// Appends at least one byte and at most what fits, without blocking.
  /// - Throws: `StageError`; the stream then ends.
  mutating func read(into bytes: inout ByteBuffer) throws -> SourceProgress
  /// The number of bytes in all, once opened, where it is known: for progress.
  var length: Int? { get }
  /// What is being read, as messages about its content call it: a file's path.
  var subject: String { get }
  /// The part of the sound that is wanted.
  var excerpt: Excerpt { get }
  /// Its bytes at any place, once opened, where they can be had so.
  var seekable: (any SeekableBytes)? { get }
  /// What it reads, where each byte can be read only once by the whole program, such as standard input: a graph cannot have two
  /// such sources.
  var exclusiveInput: String? { get }
  /// Called once nothing more will be read, until it returns true: a stage that has to wait, as for a program to end, returns
  /// false and calls `StageContext.wake` when it should be called again.
  /// - Throws: `StageError` for what went wrong in the end.
  mutating func close() throws -> Bool
}

extension ByteSource {
  public var subject: String { "the input" }
  public var length: Int? { nil }
  public var excerpt: Excerpt { Excerpt() }
  public var seekable: (any SeekableBytes)? { nil }
  public var exclusiveInput: String? { nil }
  public mutating func close() throws -> Bool { true }
}

/// A part of a sound.
public struct Excerpt: Sendable, Hashable {
  /// Where it begins, counted from the sound's beginning.
  public var start: Duration
  /// To the end when nil.
  public var duration: Duration?

  public init(start: Duration = .zero, duration: Duration? = nil) {
    self.start = start
    self.duration = duration
  }
}

/// The bytes of a source at any place.
public protocol SeekableBytes {
  /// Bytes in all.
  var length: Int { get }
  /// The bytes from `offset` on, as many as there are up to `count`.
  /// - Throws: `StageError`.
  func bytes(at offset: Int, count: Int) throws -> [UInt8]
  /// Has the source go on reading at `offset`.
  func goOn(at offset: Int) throws
  /// The file itself, open for as long as the source is, for another program to read; nil where there is none.
  var descriptor: Int32? { get }
}

extension SeekableBytes {
  public var descriptor: Int32? { nil }
}

/// A source of samples: a device, a generator.
///
/// **Threads.** Every call comes from one audio thread, one call at a time, which serves other chains too: nothing may wait, for a
/// lock, a file, a network or another program. `open` may allocate and open files and devices; `read` neither allocates nor locks.
///
/// Examples: `graphs/plugins/Sources/ExampleStages/Dial.swift`: `dial`, telephone tones (finite); `RTP.swift` beside it: `rtp`,
/// a telephone call (live).
public protocol AudioSource: Stage {
  /// What will come, as far as the options tell.
  var output: AudioStreamType { get }
  /// Opens the device, and says what it really gives.
  /// - Throws: `StageError`.
  mutating func open(_ context: StageContext) throws -> AudioFormat
  /// Appends at least one frame and at most what fits, without blocking. Live sources set `captureTime`.
  /// - Throws: `StageError`; the stream then ends.
  mutating func read(into audio: inout AudioBuffer) throws -> SourceProgress
  /// Called once when nothing more will be read. The place to let go of the device, and to say what there is to say.
  mutating func close()
}

extension AudioSource {
  public mutating func close() {}
}

/// What a decoder did with the bytes it was given.
public enum DecodeProgress: Sendable, Hashable {
  /// Frames were appended; there may be more in the same bytes.
  case produced
  /// All useful bytes were taken; more are needed.
  case needsBytes
  /// No bytes are needed, and nothing is there yet, as of another program. The decoder has asked to be woken, with
  /// `StageContext.wake` or `wakeWhenReadable`.
  case waiting
  /// The stream is over, whatever bytes may follow.
  case finished
}

/// Turns encoded sound into samples.
///
/// **Threads.** Every call comes from one audio thread, one call at a time, which serves other chains too: nothing may wait, for
/// a lock, a file, a network or another program. `prepare` may allocate, `decode` only where the content changes.
///
/// Example: `graphs/plugins/Sources/ExampleStages/SunAudio.swift`: `au`, Sun audio.
public protocol AudioDecoder: Stage {
  /// What will come, as far as the options tell; mostly nothing is known before the first bytes.
  var output: AudioStreamType { get }
  /// Called once before the first bytes. `wanted` is the format the stages behind would like. A decoder that can produce all of
  /// it directly spares them the work; one that cannot gives floating-point samples at the content's own rate and channels.
  mutating func prepare(wanted: AudioRequirement, _ context: StageContext) throws
  /// Called between `prepare` and the first bytes when the source is a file, with the time at which what is wanted begins: zero
  /// for all of it. A decoder that can skip what comes before has `bytes` go on at the right place and returns true; the first
  /// frame it appends is then the one at `start`. One that cannot returns false, is given everything, and what comes before
  /// `start` is thrown away.
  mutating func seek(to start: Duration, in bytes: any SeekableBytes) throws -> Bool
  /// Takes bytes from the front of `bytes` and appends frames to `audio`, which is empty. Sets the buffer's format, with
  /// `reset(format:capacity:)`, before the first frame, and never changes it afterwards. `isLast` says that no bytes follow.
  /// - Throws: `StageError` for content that is not what it should be. Frames appended before are kept.
  mutating func decode(_ bytes: inout ByteBuffer, isLast: Bool, into audio: inout AudioBuffer) throws
    -> DecodeProgress
  /// Called once nothing more will be decoded, until it returns true, as for a `ByteSource`.
  mutating func close() throws -> Bool
}

extension AudioDecoder {
  public mutating func seek(to start: Duration, in bytes: any SeekableBytes) throws -> Bool { false }
  public mutating func close() throws -> Bool { true }
}

/// Changes samples in place: as much comes out as goes in, in the same format.
///
/// **Threads.** Every call comes from one audio thread, one call at a time, which serves other chains too: nothing may wait, for
/// a lock, a file, a network or another program. `prepare` may allocate; `process` neither allocates nor locks.
///
/// Example: `graphs/plugins/Sources/ExampleStages/VoiceGate.swift`: `voice_gate`, silence where nobody speaks.
public protocol AudioTransform: Stage {
  /// The audio this takes; floating-point samples of any rate unless declared otherwise.
  var accepts: AudioRequirement { get }
  /// Called once before the first block, with the format all blocks will have. The place to allocate.
  mutating func prepare(format: AudioFormat, _ context: StageContext) throws
  /// Changes one block. Must give the same samples however a stream is cut into blocks.
  mutating func process(_ audio: inout AudioBuffer)
  /// When the next block may pass; nil for at once. Asked before each block, so that a stage can hold a stream back without
  /// blocking its thread.
  mutating func holdUntil(now: Instant) -> Instant?
}

extension AudioTransform {
  public var accepts: AudioRequirement { .float }
  public mutating func prepare(format: AudioFormat, _ context: StageContext) throws {}
  public mutating func holdUntil(now: Instant) -> Instant? { nil }
}

/// Turns audio into audio of another format, rate or length.
///
/// **Threads.** `output` and `passes` may be asked anywhere, also by the checker, and look at the options alone. All other calls come
/// from one audio thread, one at a time, and must not wait for anything; `prepare` may allocate, `convert` and `finish` neither
/// allocate nor lock.
///
/// Example: `graphs/plugins/Sources/ExampleStages/Decimate.swift`: `decimate`, a lower rate.
public protocol AudioConverter: Stage {
  /// The audio this takes.
  var accepts: AudioRequirement { get }
  /// What comes out when `input` goes in. Fields of `input` that are not known yet are nil.
  func output(for input: AudioStreamType) -> AudioStreamType
  /// Whether audio of this format would go through unchanged. The stage is then left out when the graph runs.
  func passes(_ input: AudioFormat) -> Bool
  /// Called once before the first block; returns the format and the largest number of frames `convert` appends in one call.
  mutating func prepare(input: AudioFormat, _ context: StageContext) throws -> (
    output: AudioFormat, capacity: Int
  )
  /// Removes frames from the front of `input` and appends frames to `output`, which is empty. It is called until `input` is
  /// empty, so it may stop early; it must remove or append something every time.
  mutating func convert(_ input: inout AudioBuffer, into output: inout AudioBuffer)
  /// Appends what is left after the last block to `output`, which is empty; called until it appends nothing.
  mutating func finish(into output: inout AudioBuffer)
}

extension AudioConverter {
  public func passes(_ input: AudioFormat) -> Bool { false }
  public mutating func finish(into output: inout AudioBuffer) {}
}

/// Joins several streams of audio into one: `a, b | stage` in a graph. The checker brings them to one channel each, and to one
/// rate, the highest of theirs unless `accepts` names one.
///
/// A stage that is an `AudioConverter` too is that where a graph gives it a single stream.
///
/// **Threads.** `output` may be asked anywhere, also by the checker, and looks at the options alone. Every other call comes from
/// one audio thread, one call at a time, which serves other chains too: nothing may wait, for a lock, a file, a network or another
/// program. `prepare` may allocate; the other calls neither allocate nor lock.
///
/// Example: `graphs/plugins/Sources/ExampleStages/SideBySide.swift`: `side_by_side`, streams as channels.
public protocol AudioJoiner: Stage {
  /// The audio every input takes; floating-point samples unless declared otherwise. Channels are one in any case.
  var accepts: AudioRequirement { get }
  /// What comes out when as many streams as `inputs` go in, each of the type `input`. Fields of `input` that are not known yet are
  /// nil.
  func output(for input: AudioStreamType, inputs: Int) -> AudioStreamType
  /// Called once, with the format of every input and whether it comes from a device; returns the format of what comes out. Live
  /// inputs may have given nothing yet, and may never do so.
  mutating func prepare(inputs: [(format: AudioFormat, liveness: Liveness)], _ context: StageContext) throws
    -> AudioFormat
  /// Frames an input can be given now.
  func room(of input: Int) -> Int
  /// Takes a block of an input.
  mutating func take(_ audio: borrowing AudioBuffer, from input: Int)
  /// Called once for each input, after its last block.
  mutating func inputEnded(_ input: Int)
  /// Appends at least one frame and at most what fits, without blocking. `.waiting` waits for the next block of any input; a
  /// joiner that goes on without one asks to be woken.
  mutating func read(into output: inout AudioBuffer) -> SourceProgress
}

extension AudioJoiner {
  public var accepts: AudioRequirement { AudioRequirement(sample: .f32le, channels: 1) }
}

extension AudioJoiner where Self: AudioConverter {
  public func output(for input: AudioStreamType, inputs: Int) -> AudioStreamType { output(for: input) }
}

/// Hands audio to something that works at its own pace, and takes from it what comes back: another program.
///
/// **Threads.** Every call comes from one audio thread, one call at a time, which serves other chains too: nothing may wait, for
/// a lock, a file, a network or another program. What it works with is reached through descriptors that do not
/// block, and `StageContext.wakeWhenReadable` and `wakeWhenWritable`.
///
/// Example: `graphs/plugins/Sources/ExampleStages/SocketRelay.swift`: `via`, through a program at a Unix socket.
public protocol AudioRelay: Stage {
  /// The audio this takes.
  var accepts: AudioRequirement { get }
  /// What comes out when `input` goes in. Fields of `input` that are not known yet are nil.
  func output(for input: AudioStreamType) -> AudioStreamType
  /// Called once before the first block; returns the format of what comes out.
  mutating func prepare(input: AudioFormat, _ context: StageContext) throws -> AudioFormat
  /// Removes frames from the front of `input`, as many as are taken without blocking. A relay that takes nothing has asked to be
  /// woken when it can.
  mutating func write(_ input: inout AudioBuffer) throws
  /// Called once when everything was written.
  mutating func endInput() throws
  /// Appends at least one frame and at most what fits, without blocking.
  mutating func read(into output: inout AudioBuffer) throws -> SourceProgress
  /// Called once nothing more will be read, until it returns true, as for a `ByteSource`.
  mutating func close() throws -> Bool
}

/// Takes audio out of the graph: a recording.
///
/// **Threads.** Every call comes from one audio thread, one call at a time, which serves other chains too: nothing may wait, for
/// a lock, a file, a network or another program. `prepare` may allocate; `write` copies what it needs and neither
/// allocates nor locks, but for handing work to `StageContext.disk`, which writes files, now and then.
///
/// Example: `graphs/plugins/Sources/ExampleStages/Levels.swift`: `levels`, a table of how loud it was.
public protocol AudioSink: Stage {
  /// The audio this takes.
  var accepts: AudioRequirement { get }
  /// Called once before the first block.
  mutating func prepare(format: AudioFormat, _ context: StageContext) throws
  /// Whether the next block can be taken without a loss. Asked behind finite sources, which can wait; a sink that says no calls
  /// `StageContext.wake` once it can.
  var hasRoom: Bool { get }
  /// Takes one block, without blocking.
  mutating func write(_ audio: borrowing AudioBuffer) throws
  /// Called after the last block, until it returns true: a sink that has to wait, as for a disk, returns false and calls
  /// `StageContext.wake` when it should be called again.
  /// - Throws: `StageError` when not everything was kept.
  mutating func finish() throws -> Bool
}

extension AudioSink {
  public var accepts: AudioRequirement { .any }
  public mutating func prepare(format: AudioFormat, _ context: StageContext) throws {}
  public var hasRoom: Bool { true }
  public mutating func finish() throws -> Bool { true }
}

/// Turns audio into events: a speech recogniser.
///
/// **Threads.** `run` is called once, in a task of its own on Swift's pool: it may wait with `await`, and must not block a thread. What
/// it gives to the context's connections and timers is called back on the loop, the one thread of the network: short work only.
/// `accepts` and `unsentEvents` may be asked anywhere, also by the checker, and look at the options alone.
///
/// Example: `graphs/plugins/Sources/ExampleStages/Vosk.swift`: `vosk`, another service in the place of `flux`.
public protocol Recogniser: Stage {
  /// Itself, where all of its work is done on the loop; see `LoopRecogniser`.
  var onLoop: (any LoopRecogniser)? { get }
  /// The audio this takes.
  var accepts: AudioRequirement { get }
  /// Events it will not send as its options are; a graph that waits for them is warned.
  var unsentEvents: [UnsentEvent] { get }
  /// Listens to `audio` until it ends, and emits events. Must not block its thread; it is cancelled when the program is told to
  /// stop a second time. The context's connections and timers call back on one thread.
  /// - Throws: `StageError` when it fails for good. Returning ends the stage in good order.
  mutating func run(_ audio: AudioInlet, into events: EventOutlet, _ context: StageContext) async throws
}

extension Recogniser {
  public var onLoop: (any LoopRecogniser)? { nil }
  public var unsentEvents: [UnsentEvent] { [] }
}

/// Turns each event into any number of events.
///
/// **Threads.** Calls come one at a time, and each on the thread the event comes from: the loop, an audio thread, a task. None may
/// block. `prepare` is called before the graph runs. In `fluxgraph test` the context reaches nothing of the world, and the time
/// stands still.
///
/// Example: `graphs/plugins/Sources/ExampleStages/Redact.swift`: `redact`, numbers and names masked.
public protocol EventTransform: Stage {
  /// Itself, where it only says how the queue behind it behaves; see `QueueSetting`.
  var queueSetting: (any QueueSetting)? { get }
  /// Called once before the first event. The place to keep the context of a stage that needs something of the world: a port of
  /// its own, the clock, the log.
  mutating func prepare(_ context: StageContext)
  /// Calls `emit` for each event that comes out of `event`. Must not block.
  mutating func process(_ event: Event, emit: (Event) -> Void)
  /// When the stage wants to be called although no event comes: when it holds events back for a time. Asked after each call.
  var deadline: Instant? { get }
  /// Tells the time: before each event, and at the deadline.
  mutating func advance(to now: Instant, emit: (Event) -> Void)
  /// Called once after the last event.
  mutating func finish(emit: (Event) -> Void)
}

extension EventTransform {
  public var queueSetting: (any QueueSetting)? { nil }
  public mutating func prepare(_ context: StageContext) {}
  public var deadline: Instant? { nil }
  public mutating func advance(to now: Instant, emit: (Event) -> Void) {}
  public mutating func finish(emit: (Event) -> Void) {}
}

/// Takes events out of the graph: the terminal, a file, a webhook.
///
/// **Threads.** `open`, `write` and `finish` are called in one task of the sink's own on Swift's pool, one after the other: they may wait
/// with `await`, and must not block a thread. What blocks, such as a file, belongs into `StageContext.disk`.
///
/// Example: `graphs/plugins/Sources/ExampleStages/CSVFile.swift`: `csv`, a table of turns.
public protocol EventSink: Stage {
  /// Itself, where it is done with each event at once; see `ImmediateEventSink`.
  var immediate: (any ImmediateEventSink)? { get }
  /// How the queue in front of the sink behaves.
  var queue: QueuePolicy { get }
  /// Called once before the first event.
  /// - Throws: `StageError`.
  mutating func open(_ context: StageContext) async throws
  /// Takes one event. Returns when it is safe to forget it; until then the events that follow wait in the branch's queue.
  /// - Throws: `StageError` when the sink fails for good; nothing more is written then.
  mutating func write(_ event: Event) async throws
  /// Called once after the last event.
  mutating func finish() async throws
}

extension EventSink {
  public var immediate: (any ImmediateEventSink)? { nil }
  /// A queue as for most sinks; see `QueuePolicy`.
  public var queue: QueuePolicy { QueuePolicy() }
  public mutating func open(_ context: StageContext) async throws {}
  public mutating func finish() async throws {}
}

/// What a stage turns into what: one for each protocol a stage can conform to.
public enum StageKind: String, Sendable, Hashable, CaseIterable {
  /// Each as the protocol of the same name.
  case byteSource, audioSource, audioDecoder, audioTransform, audioConverter, audioJoiner, audioRelay
  /// Each as the protocol of the same name.
  case audioSink, recogniser, eventTransform, eventSink

  /// Where it stands in a graph.
  public var group: StageGroup {
    switch self {
    case .byteSource, .audioSource: .source
    case .audioDecoder: .decoder
    case .audioTransform, .audioConverter, .audioJoiner, .audioRelay: .transform
    case .recogniser: .recogniser
    case .eventTransform: .events
    case .audioSink, .eventSink: .sink
    }
  }
}

/// Kinds of stages as a person thinks of them.
public enum StageGroup: String, Sendable, Hashable, CaseIterable {
  /// What the stage stands for: nothing into audio or bytes, bytes into audio, audio into audio, audio into
  /// events, events into events, anything into nothing.
  case source, decoder, transform, recogniser, events, sink
}
