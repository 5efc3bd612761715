import FluxGraph
import FluxProtocol
import FluxServer
import StageTesting
import Synchronization

@testable import FluxClient

/// A session of the client's with the local Flux, whose faults are as asked for, by the virtual clock.
final class FaultCourse {
  /// "One two three" at 1.0 to 2.2 s, and two more turns like it; ten seconds in all. A block of 80 ms of the source is made of
  /// samples that say which block it is.
  static let words = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
  static let seconds = 10.0
  private static let blocks = 125
  private static let blockFrames = 1280

  private let world = TestWorld()
  private let session: FluxSession
  private let queue: AudioQueue
  private let input: FluxInput
  private let liveness: Liveness
  private let emitted = Emitted()
  private var schedule: FaultSchedule
  private var services: [ServedFlux] = []
  private var nextBlock = 0
  private let began: Instant
  private var isOver = false
  /// What the session ended with; nil for a good end.
  private(set) var error: StageError?

  private final class Emitted: Sendable {
    let events = Mutex<[TurnEvent]>([])
  }

  /// Runs to the end.
  init(
    _ faults: FaultPlan, liveness: Liveness, eager: Bool = false,
    adjust: (inout FluxSessionSettings) -> Void = { _ in }
  ) {
    self.liveness = liveness
    schedule = FaultSchedule(faults)
    let format = AudioFormat(.s16le, rate: 16_000, channels: 1)
    queue = AudioQueue(format: format, slotFrames: Self.blockFrames, capacity: 8)
    var parameters = ListenParameters(model: "flux-general-en")
    parameters.encoding = "linear16"
    parameters.sampleRate = format.rate
    if eager { parameters.eagerEndOfTurnThreshold = 0.4 }
    var settings = FluxSessionSettings(
      host: ServedFlux.host, parameters: parameters, liveness: liveness,
      resume: liveness == .finite ? .replay : .cut, rate: format.rate, seed: 7)
    adjust(&settings)
    let emitted = emitted
    session = try! FluxSession(
      format: format,
      events: EventOutlet { event in
        if case .turn(let turn) = event { emitted.events.withLock { $0.append(turn) } }
      }, context: world.context(name: "flux"), dialer: FluxDialer(base: "ws://\(ServedFlux.host)"),
      settings: settings, name: nil, identifier: "session")
    input = FluxInput(AudioInlet(queue, liveness: liveness), loop: world.loop, sessions: [session])
    began = world.loop.now()
    session.start { [unowned self] error in
      self.error = error
      isOver = true
    }
    input.start()
    // Ten minutes, in steps of 20 ms.
    for _ in 0..<30_000 where !isOver { step() }
    if !isOver { error = StageError(.internal, "it hangs") }
  }

  private func step() {
    feed()
    world.loop.advance(by: .milliseconds(20))
    let connections = world.webSockets.connections
    while services.count < connections.count {
      services.append(
        ServedFlux(
          connections[services.count], words: Self.script, faults: schedule.next(), now: world.loop.now()))
    }
    for service in services { service.step(now: world.loop.now()) }
    world.loop.runPending()
  }

  private static let script: [RecognisedWord] = words.enumerated().map { index, word in
    let start = 1 + 3 * Double(index / 3) + 0.4 * Double(index % 3)
    return RecognisedWord(text: word, start: start, end: start + 0.3, confidence: 0.9)
  }

  private func feed() {
    let now = world.loop.now().duration(since: began).seconds
    while Double(nextBlock) * 0.08 <= now + 1e-9 {
      guard nextBlock < Self.blocks else { return queue.end() }
      if liveness == .finite, !queue.hasRoom { return }
      var block = AudioBuffer(format: queue.format, capacity: Self.blockFrames)
      block.position = Int64(nextBlock * Self.blockFrames)
      block.append { room in
        let samples = room.bindMemory(to: Int16.self)
        for index in 0..<Self.blockFrames { samples[index] = Int16(nextBlock + 1) }
        return Self.blockFrames
      }
      queue.push(block)
      nextBlock += 1
    }
  }

  // MARK: - What came of it

  private var events: [TurnEvent] { emitted.events.withLock { $0 } }
  private var ends: [TurnEvent] { events.filter { $0.kind == .endOfTurn } }

  /// The stretches of the source each connection's service heard: "0.00-4.64".
  var sent: [String] { services.map { Self.intervals($0.blocks) } }

  /// The turns that ended: number, text, and what is special about them.
  var turns: [String] {
    ends.map { event in
      var text = "\(event.turn) \(event.transcript)"
      if event.isFinal != true { text += " [\(event.trigger ?? "")]" }
      if event.isReplayed { text += " [replayed]" }
      return text
    }
  }

  var notices: [String] { world.notices.map(\.notice) }

  /// What the session promises and did not keep.
  var brokenPromises: [String] {
    var broken: [String] = []
    var open: Int?
    var last = 0
    for event in events {
      switch event.kind {
      case .startOfTurn:
        if open != nil || event.turn != last + 1 { broken.append("turn \(event.turn) starts after \(last)") }
        open = event.turn
      case .endOfTurn:
        if open != event.turn { broken.append("turn \(event.turn) ends without a start") }
        last = event.turn
        open = nil
      default: if event.turn != last + 1 { broken.append("\(event.kind.rawValue) of turn \(event.turn)") }
      }
    }
    if open != nil { broken.append("turn \(open!) never ends") }
    return broken
  }

  /// Of a session that ended well: what of the source no service heard, and which words are not told exactly once.
  var losses: [String] {
    let heard = Set(services.flatMap(\.blocks).compactMap { $0 })
    let unheard = (0..<Self.blocks).filter { !heard.contains($0) }.map { "block \($0) was not heard" }
    let told = ends.flatMap { $0.transcript.split(separator: " ").map(String.init) }
    return unheard + (told == Self.words ? [] : ["the turns hold \(told)"])
  }

  private static func intervals(_ blocks: [Int?]) -> String {
    var parts: [String] = []
    var index = 0
    while index < blocks.count {
      guard let first = blocks[index] else {
        index += 1
        continue
      }
      var end = index + 1
      while end < blocks.count, blocks[end] == first + end - index { end += 1 }
      let last = first + end - index
      parts.append(
        fixedText(Double(first) * 0.08, digits: 2) + "-" + fixedText(Double(last) * 0.08, digits: 2))
      index = end
    }
    return parts.joined(separator: " ")
  }
}
