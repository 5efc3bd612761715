import Dispatch
import FluxGraph

/// Gives samples that count up: 16 kHz, mono, 16 bits.
struct Counting: AudioSource {
  static let description = StageDescription<Counting>("counting", "Counts.") {
    Option("blocks", \Counting.blocks, "How many.", positional: true)
    Option("frames", \Counting.frames, "Frames in a block.")
    Option("live", \Counting.live, "Whether it is live.")
    Option("fails", \Counting.fails, "Whether it fails at the end.")
    Option("stays", \Counting.stays, "Whether it waits at the end for being stopped.")
    Option("refuses", \Counting.refuses, "Whether it cannot be opened.")
    Option("gaps", \Counting.gaps, "Whether an empty block stands before each block.")
    Option("behind", \Counting.behind, "A sink that has to have everything before more is given.")
    Option("late", \Counting.late, "A sink that has to have everything from the 150th block on.")
    Option("ahead", \Counting.ahead, "A sink whose lag is measured.")
  }
  var blocks = 10
  var frames = 640
  var live = false
  var fails = false
  var stays = false
  var refuses = false
  var gaps = false
  var behind: String?
  var late: String?
  var ahead: String?
  private var context: StageContext?
  private var given = 0
  private var calls = 0

  var output: AudioStreamType {
    AudioStreamType(AudioFormat(.s16le, rate: 16_000, channels: 1), liveness: live ? .live : .finite)
  }

  mutating func open(_ context: StageContext) throws -> AudioFormat {
    if refuses { throw StageError(.inputOutput, "cannot open the counter") }
    self.context = context
    context.bench.update { $0.wakes.append { context.wake() } }
    return AudioFormat(.s16le, rate: 16_000, channels: 1)
  }

  mutating func read(into audio: inout AudioBuffer) throws -> SourceProgress {
    guard let context else { return .finished }
    if given == blocks * frames {
      if fails { throw StageError(.badInput, "the counter broke") }
      if stays { context.bench.reach("stayed") }
      return stays ? .waiting : .finished
    }
    let (given, ahead) = (given, ahead)
    let awaited = [behind, given >= 150 * frames ? late : nil].compactMap(\.self)
    if awaited.contains(where: { sink in context.bench.read { ($0.samples[sink]?.count ?? 0) < given } }) {
      return .waiting
    }
    calls += 1
    if gaps && !calls.isMultiple(of: 2) { return .produced }
    let count = min(frames, audio.freeFrames, blocks * frames - given)
    audio.append { room in
      room.copyBytes(from: counted(given..<(given + count)).withUnsafeBytes { Array($0) })
      return count
    }
    self.given += count
    context.bench.update { state in
      state.produced[context.name, default: 0] += count
      if let ahead {
        state.greatestLead = max(state.greatestLead, given + count - (state.samples[ahead]?.count ?? 0))
      }
    }
    return .produced
  }
}

/// Holds the stream back until the bench opens.
struct Gate: AudioTransform {
  static let description = StageDescription<Gate>("gate", "Holds the stream back.")
  private var context: StageContext?
  var accepts: AudioRequirement { .any }
  mutating func prepare(format: AudioFormat, _ context: StageContext) throws { self.context = context }
  mutating func process(_ audio: inout AudioBuffer) {}
  mutating func holdUntil(now: Instant) -> Instant? {
    context!.bench.read { $0.isOpen } ? nil : now.advanced(by: .milliseconds(2))
  }
}

/// Takes nothing but floating-point samples.
struct Computing: AudioTransform {
  static let description = StageDescription<Computing>("computing", "Computes.")
  mutating func process(_ audio: inout AudioBuffer) {}
}

/// Collects whole pieces of 1000 frames; the last may be shorter.
struct Pieces: AudioConverter {
  static let description = StageDescription<Pieces>("pieces", "Makes pieces of 1000 frames.")
  private var held: [Int16] = []
  var accepts: AudioRequirement { AudioRequirement(sample: .s16le) }
  func output(for input: AudioStreamType) -> AudioStreamType { input }

  mutating func prepare(input: AudioFormat, _ context: StageContext) throws -> (
    output: AudioFormat, capacity: Int
  ) {
    (input, 1000)
  }

  mutating func convert(_ input: inout AudioBuffer, into output: inout AudioBuffer) {
    let count = min(1000 - held.count, input.frameCount)
    input.withBytes { held += $0.bindMemory(to: Int16.self).prefix(count) }
    input.removeFirst(count)
    if held.count == 1000 { finish(into: &output) }
  }

  mutating func finish(into output: inout AudioBuffer) {
    output.append { room in
      room.copyBytes(from: held.withUnsafeBytes { Array($0) })
      return held.count
    }
    held = []
  }
}

/// Keeps what it is given. Fails after a number of blocks, if told so.
struct Record: AudioSink {
  static let description = StageDescription<Record>("record", "Keeps samples.") {
    Option("fails_after", \Record.failsAfter, "Blocks it takes.")
    Option("code", \Record.code, "The failure's code.")
    Option("bored", \Record.bored, "Whether it loses interest instead of failing.")
    Option("blocks", \Record.blocks, "Whether it blocks its thread until the bench opens.")
  }
  var failsAfter: Int?
  var code = 74
  var bored = false
  var blocks = false
  private var taken = 0
  private var context: StageContext?

  mutating func prepare(format: AudioFormat, _ context: StageContext) throws {
    self.context = context
    context.bench.update { $0.calls[context.name, default: []].append("prepare") }
  }

  mutating func write(_ audio: borrowing AudioBuffer) throws {
    guard let context else { return }
    if taken == failsAfter {
      if bored { throw EndOfInterest() }
      throw StageError(StageError.Code(rawValue: Int32(code))!, "\(context.name) broke")
    }
    taken += 1
    if blocks {
      let opened = DispatchSemaphore(value: 0)
      let bench = context.bench
      bench.update { $0.wakes.append { if bench.read({ $0.isOpen }) { opened.signal() } } }
      bench.reach("blocked")
      opened.wait()
    }
    let samples = audio.withBytes { Array($0.bindMemory(to: Int16.self)) }
    context.bench.update { state in
      state.samples[context.name, default: []] += samples
      state.pieces[context.name, default: []].append(samples.count)
    }
  }

  mutating func finish() throws -> Bool {
    context?.bench.update { $0.calls[context!.name, default: []].append("finish") }
    return true
  }
}

/// Emits an event for every block, its number as the turn and its frames as the text.
struct Listen: Recogniser {
  static let description = StageDescription<Listen>(
    "listen", "Hears blocks.", ports: [PortSpecification("notices", "What is not a turn.")]
  ) {
    Option("fails_after", \Listen.failsAfter, "Blocks it takes.")
    Option("deaf", \Listen.deaf, "Whether it never takes anything.")
  }
  var failsAfter: Int?
  var deaf = false
  var accepts: AudioRequirement { .any }

  mutating func run(_ audio: AudioInlet, into events: EventOutlet, _ context: StageContext) async throws {
    context.bench.reach("\(context.name) runs")
    if deaf {
      // Forever: only the end of the program ends it.
      while !Task.isCancelled { await Task.yield() }
      throw CancellationError()
    }
    var turn = 0
    while let block = await audio.next() {
      if turn == failsAfter { throw StageError(.refused, "the key was refused") }
      turn += 1
      events.emit(.turn(turnEvent(turn, "\(block.frames)", stream: context.name)))
    }
    context.notice(Notice("heard", "\(context.name) has heard everything"))
  }
}

func turnEvent(_ turn: Int, _ transcript: String, stream: String? = nil) -> TurnEvent {
  TurnEvent(
    kind: .endOfTurn, stream: stream, session: "s", turn: turn, isFinal: true, trigger: "model", start: 0,
    end: 0, time: WallTime(seconds: 0), transcript: transcript)
}

/// Passes events on, and adds one after the last.
struct Passing: EventTransform {
  static let description = StageDescription<Passing>("passing", "Passes events on.")
  mutating func process(_ event: Event, emit: (Event) -> Void) { emit(event) }
  mutating func finish(emit: (Event) -> Void) { emit(.turn(turnEvent(0, "last"))) }
}

/// Keeps events.
struct Collect: EventSink {
  static let description = StageDescription<Collect>(
    "collect", "Keeps events.", ports: [PortSpecification("dead", "Events it did not want.")]
  ) {
    Option("fails", \Collect.fails, "Whether it fails at the first event.")
    Option("waits", \Collect.waits, "Whether it waits for the bench to open before the first event.")
    Option("stalls", \Collect.stalls, "Whether it waits for that while it is being opened.")
    Option("refuses", \Collect.refuses, "Whether it cannot be opened.")
    Option("lacks", \Collect.lacks, "Whether something it needs is not there.")
  }
  var fails = false
  var waits = false
  var stalls = false
  var refuses = false
  var lacks = false
  private var context: StageContext?

  func needs(_ context: StageContext) -> [Need]? {
    let name = context.name
    return [
      Need { [lacks] () throws(StageError) in
        if lacks { throw StageError(.refused, "\(name) lacks a key") }
        return "all is there"
      }
    ]
  }

  mutating func open(_ context: StageContext) async throws {
    self.context = context
    context.bench.reach("\(context.name) opened")
    if refuses { throw StageError(.inputOutput, "\(context.name) cannot be opened") }
    if stalls { await context.bench.wait { $0.isOpen } }
  }

  mutating func write(_ event: Event) async throws {
    guard let context else { return }
    if waits { await context.bench.wait { $0.isOpen } }
    if fails { throw StageError(.unavailable, "\(context.name) broke") }
    context.bench.update { $0.events[context.name, default: []].append(event) }
    context.emit(event, port: "dead")
  }

  mutating func finish() async throws {
    context?.bench.update { $0.calls[context!.name, default: []].append("finish") }
  }
}

let stages = Catalogue()
  .adding(Counting.self).adding(Gate.self).adding(Computing.self).adding(Pieces.self).adding(Record.self)
  .adding(Listen.self).adding(Passing.self).adding(Collect.self)
