import FluxGraph
import FluxProtocol
import StageTesting
import Synchronization

@testable import FluxClient

/// A session on a stage: a source, the session, and as many services as it calls, all by the virtual clock.
final class SessionStage {
  struct Source: Sendable {
    var liveness = Liveness.finite
    var speech = Speech(
      "one@1.0 two@1.4 three@1.8 four@4.0 five@4.4 six@4.8 seven@7.0 eight@7.4 nine@7.8")
    var seconds = 10.0
    /// Stretches in which a live source gives nothing, and does not count either.
    var pauses: [ClosedRange<Double>] = []
    /// Stretches that are lost before they reach the session.
    var holes: [ClosedRange<Double>] = []
    /// Stretches in which there is no network: what stands breaks, and nothing can be reached.
    var outages: [ClosedRange<Double>] = []
    /// Stretches in which the link takes so many bytes a second.
    var slow: [(during: ClosedRange<Double>, bytes: Double)] = []
  }

  enum Outcome {
    case good
    case failed(StageError)
  }

  let world = TestWorld()
  let source: Source
  let session: FluxSession
  private let faults: [Fault]
  private let queue: AudioQueue
  private let input: FluxInput
  private let collected = Collected()
  private let answersConfigure: Bool
  private let knowsForceEndTurn: Bool
  private let givesWordTimes: Bool
  private let ears: [ScriptedFlux.Ears]
  private let opus: ScriptedFlux.Opus
  /// Bytes the link has taken of each connection.
  private var delivered: [Double] = []
  private(set) var services: [ScriptedFlux] = []
  /// How the session ended; nil while it runs.
  private(set) var outcome: Outcome?
  private var nextBlock = 0
  private var pausedSteps = 0
  private let began: Instant

  private final class Collected: Sendable {
    let events = Mutex<[TurnEvent]>([])
  }

  init(
    _ source: Source = Source(), faults: [Fault] = [], answersConfigure: Bool = true,
    knowsForceEndTurn: Bool = true, givesWordTimes: Bool = true,
    ears: [ScriptedFlux.Ears] = [ScriptedFlux.Ears()], encoding: AudioEncoding = .samples,
    opus: ScriptedFlux.Opus = .heard, adjust: (inout FluxSessionSettings) -> Void = { _ in }
  ) {
    self.source = source
    self.faults = faults
    self.answersConfigure = answersConfigure
    self.knowsForceEndTurn = knowsForceEndTurn
    self.givesWordTimes = givesWordTimes
    self.ears = ears
    self.opus = opus
    let format = AudioFormat(.s16le, rate: ScriptedFlux.rate, channels: 1)
    queue = AudioQueue(format: format, slotFrames: 1280, capacity: 8)
    var settings = FluxSessionSettings(
      host: "flux.test", parameters: ListenParameters(model: "flux-general-en"), liveness: source.liveness,
      resume: source.liveness == .finite ? .replay : .cut, rate: format.rate, seed: 7)
    settings.encoding = encoding
    if encoding != .oggOpus {
      settings.parameters.encoding = "linear16"
      settings.parameters.sampleRate = format.rate
    }
    adjust(&settings)
    let collected = collected
    session = try! FluxSession(
      format: format,
      events: EventOutlet { event in
        if case .turn(let turn) = event { collected.events.withLock { $0.append(turn) } }
      }, context: world.context(name: "flux"), dialer: FluxDialer(base: "ws://flux.test"), settings: settings,
      name: "me", identifier: "session")
    input = FluxInput(AudioInlet(queue, liveness: source.liveness), loop: world.loop, sessions: [session])
    began = world.loop.now()
    session.start { [unowned self] error in outcome = error.map { .failed($0) } ?? .good }
    input.start()
  }

  var events: [TurnEvent] { collected.events.withLock { $0 } }
  var now: Double { world.loop.now().duration(since: began).seconds }
  var connections: [FakeWebSockets.Connection] { world.webSockets.connections }

  /// Lets time pass, in steps of 20 ms.
  func run(_ seconds: Double) {
    let end = now + seconds - 1e-9
    while now < end, outcome == nil {
      feed()
      world.loop.advance(by: .milliseconds(20))
      while services.count < connections.count {
        let fault = isAway ? .unreachable : services.count < faults.count ? faults[services.count] : .none
        services.append(
          ScriptedFlux(
            connections[services.count], source.speech, fault, answersConfigure: answersConfigure,
            knowsForceEndTurn: knowsForceEndTurn, givesWordTimes: givesWordTimes,
            ears: ears[services.count % ears.count], opus: opus, firstBlock: { [unowned self] in origin }))
        delivered.append(0)
      }
      for (index, service) in services.enumerated() {
        carry(index)
        if isAway { service.cut() }
        service.step(now: world.loop.now())
      }
      world.loop.runPending()
    }
  }

  /// Lets time pass without running anything, the source included, as when the process is stopped.
  func stop(_ seconds: Double) {
    world.loop.stop(for: .seconds(seconds))
    pausedSteps += Int((seconds / 0.02).rounded())
  }

  /// Lets time pass to the session's end, ten minutes at most.
  func runToEnd() -> SessionStage {
    run(600)
    return self
  }

  /// Carries bytes over the link, which keeps 16 kB of them out of the program's sight.
  private func carry(_ index: Int) {
    guard !source.slow.isEmpty else { return }
    let sent = connections[index].sentBytes.count
    let rate = source.slow.first { $0.during.contains(now) }?.bytes ?? 1e9
    delivered[index] = min(Double(sent), delivered[index] + rate * 0.02)
    services[index].delivered = Int(delivered[index])
    connections[index].take(bytes: Int(delivered[index]) + 16_384)
  }

  /// The block of the source the latest connection began with.
  private var origin: Int {
    let position = world.notices.last { $0.notice == "reconnected" }?.details.first { $0.name == "position" }
    return Int(((position?.value.doubleValue ?? 0) / 0.08).rounded())
  }

  private var isAway: Bool { source.outages.contains { $0.contains(now) } }

  private func feed() {
    if source.pauses.contains(where: { $0.contains(now) }) {
      pausedSteps += 1
      return
    }
    while Double(nextBlock) * 0.08 <= now - Double(pausedSteps) * 0.02 + 1e-9 {
      let time = Double(nextBlock) * 0.08
      guard time < source.seconds - 1e-9 else { return queue.end() }
      if source.liveness == .finite, !queue.hasRoom { return }
      if !source.holes.contains(where: { $0.contains(time + 0.04) }) {
        var block = AudioBuffer(format: queue.format, capacity: 1280)
        block.position = Int64(nextBlock) * 1280
        block.append { room in
          let samples = room.bindMemory(to: Int16.self)
          for index in 0..<1280 { samples[index] = Int16(nextBlock + 1) }
          return 1280
        }
        queue.push(block)
      }
      nextBlock += 1
    }
  }

  // MARK: - What came of it

  /// The turns that ended: number, text, and what is special about them.
  var turns: [String] {
    events.filter { $0.kind == .endOfTurn }.map { event in
      var text = "\(event.turn) \(event.transcript)"
      if event.isFinal != true { text += " [\(event.trigger ?? "")]" }
      if event.isReplayed { text += " [replayed]" }
      return text
    }
  }

  /// What of the source each connection was sent, as far as its service heard it.
  var intervals: [String] { services.map(\.intervals) }
  var notices: [String] { world.notices.map(\.notice) }

  /// The stretches of the source that no service heard, in seconds: "3.20-4.80".
  var unheard: [String] {
    let heard = Set(services.flatMap(\.blocks).compactMap(\.self))
    let missing = (0..<Int((source.seconds / 0.08).rounded())).filter { !heard.contains($0) }
    let text = ScriptedFlux.intervals(missing)
    return text.isEmpty ? [] : text.split(separator: " ").map { String($0) }
  }

  /// The stretches that were told as lost.
  var told: [String] {
    world.notices.filter { $0.notice == "audio-lost" }.map { notice in
      let ends = ["from", "to"].map { name in
        notice.details.first { $0.name == name }?.value.doubleValue ?? -1
      }
      return ends.map { fixedText($0, digits: 2) }.joined(separator: "-")
    }
  }

  /// What a session promises of its turns, and did not keep.
  var brokenPromises: [String] {
    var broken: [String] = []
    var open: Int?
    var last = 0
    var position = 0.0
    var eager: String?
    for event in events {
      if let text = eager, event.kind != .turnResumed, event.kind == .endOfTurn || !event.transcript.isEmpty,
        event.transcript != text
      {
        broken.append("\(event.kind.rawValue) \"\(event.transcript)\" after the eager \"\(text)\"")
      }
      switch event.kind {
      case .eagerEndOfTurn: eager = event.transcript
      case .turnResumed where eager == nil: broken.append("nothing to resume in turn \(event.turn)")
      case .turnResumed, .endOfTurn: eager = nil
      default: break
      }
      switch event.kind {
      case .startOfTurn:
        if open != nil { broken.append("turn \(event.turn) starts inside \(open!)") }
        if event.turn != last + 1 { broken.append("turn \(event.turn) follows \(last)") }
        open = event.turn
      case .endOfTurn:
        if open != event.turn { broken.append("turn \(event.turn) ends without a start") }
        last = event.turn
        open = nil
        if event.end < position - 0.001 { broken.append("turn \(event.turn) ends before the one before it") }
        position = event.end
      default: if event.turn != last + 1 { broken.append("\(event.kind.rawValue) of turn \(event.turn)") }
      }
    }
    if open != nil { broken.append("turn \(open!) never ends") }
    return broken
  }

  /// The words of all turns' ends with their stream times, "one@1.0": what was heard, and where it was put.
  var places: [String] {
    events.filter { $0.kind == .endOfTurn }.flatMap(\.words).map { word in
      "\(word.word)@\(fixedText(word.start ?? -1, digits: 2))"
    }
  }
}
