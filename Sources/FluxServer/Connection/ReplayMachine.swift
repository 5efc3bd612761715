internal import FluxGraph
package import FluxProtocol

/// A recorded session for any client, as a value: each message comes when the client has sent as much audio as the
/// recorded one had.
///
/// What the client's audio holds does not matter, nor do its `Configure` and `ForceEndTurn`: their recorded answers
/// come in their place. `CloseStream` ends the session; when as much audio came as was recorded, all that is left
/// comes before. Whether the audio was the recorded one is said at the end, where the recording knows.
package struct ReplayMachine: Sendable, ServedSession {
  /// Audio that may be missing at the end: a client may drop or fill up its last chunk.
  private static let tolerance = 0.08

  private let frames: [FluxRecording.Frame]
  private let audioSeconds: Double
  private let endsByClient: Bool
  private var audio: ListenAudio
  private var samples = 0
  private var next = 0
  private var isOver = false
  private var lastSign: Duration
  private var comparison: AudioComparison?
  package private(set) var endedTurns = 0

  /// - Parameters:
  ///   - parameters: the client's, for its audio.
  ///   - now: time since any fixed moment, as in all calls.
  package init(_ recording: FluxRecording, parameters: ListenParameters, now: Duration) {
    self.init(recording, RecordedAudio(recording), parameters: parameters, now: now)
  }

  /// - Parameter recorded: the recording's audio, which takes a while to hash.
  init(_ recording: FluxRecording, _ recorded: RecordedAudio?, parameters: ListenParameters, now: Duration) {
    frames = recording.frames.filter { $0.sender == .server }
    audioSeconds = recording.audioSeconds
    endsByClient = recording.endsByClient
    audio = ListenAudio(parameters)
    lastSign = now
    if let recorded, recorded.isComparable(with: parameters) { comparison = AudioComparison(recorded) }
  }

  package var seconds: Double { AudioClock.seconds(samples) }
  package var deadline: Duration? { isOver ? nil : lastSign + ServedSessionMachine.idleLimit }

  package mutating func start() -> [ServedSessionMachine.Action] { advance() }

  package mutating func noteSign(now: Duration) { lastSign = now }

  package mutating func receive(text: String, now: Duration) -> [ServedSessionMachine.Action] {
    guard !isOver else { return [] }
    lastSign = now
    do throws(ClientMessageError) {
      guard try ClientMessage(decoding: text) == .closeStream else { return [] }
    } catch {
      return fail(code: ClientMessageError.code, description: error.description)
    }
    samples += audio.finish().count
    var actions = seconds + Self.tolerance >= audioSeconds ? advance(to: .infinity) : advance()
    if !isOver { actions.append(end(.close(reason: "the client closed the stream"))) }
    return actions
  }

  package mutating func receive(binary bytes: [UInt8], now: Duration) -> [ServedSessionMachine.Action] {
    guard !isOver else { return [] }
    lastSign = now
    comparison?.take(bytes)
    do throws(ListenAudioError) {
      samples += try audio.decode(bytes.span.bytes).count
    } catch {
      return fail(code: "DATA-0000", description: error.description)
    }
    return advance()
  }

  package mutating func take(_ answer: WordAnswer, now: Duration) -> [ServedSessionMachine.Action] { [] }

  package mutating func tick(now: Duration) -> [ServedSessionMachine.Action] {
    guard let deadline, now >= deadline else { return [] }
    return [end(.close(reason: "the client sent nothing for \(ServedSessionMachine.idleLimit)"))]
  }

  package mutating func holdsBack() -> Bool { false }

  private mutating func advance() -> [ServedSessionMachine.Action] { advance(to: seconds) }

  /// Everything recorded up to an audio time. An end that a `CloseStream` brought about waits for one.
  private mutating func advance(to time: Double) -> [ServedSessionMachine.Action] {
    var actions: [ServedSessionMachine.Action] = []
    // Half a sample: the times in the file are rounded.
    while !isOver, next < frames.count, frames[next].audio <= time + 0.5 / Double(AudioClock.rate) {
      switch frames[next].content {
      case .text(let text):
        actions.append(.send(text))
        if text.contains("\"EndOfTurn\"") { endedTurns += 1 }
      case .binary: break
      case .close, .lost:
        guard !endsByClient || time == .infinity else { return actions }
        actions.append(end(Self.ending(frames[next].content)))
      }
      next += 1
    }
    return actions
  }

  private static func ending(_ content: FluxRecording.Content) -> ServedSessionMachine.Action {
    guard case .close(let code, _) = content else { return .drop(reason: "the recorded connection was lost") }
    return .close(code: code, reason: "the recording ended")
  }

  private mutating func end(_ action: ServedSessionMachine.Action) -> ServedSessionMachine.Action {
    isOver = true
    guard let comparison, case .close(let code, let reason) = action else { return action }
    return .close(code: code, reason: "\(reason); \(comparison.verdict)")
  }

  private mutating func fail(code: String, description: String) -> [ServedSessionMachine.Action] {
    let notice = ServerMessage.ServiceNotice(sequenceID: next, code: code, description: description)
    return [.send(ServerMessage.error(notice).encoded), end(.close(reason: description))]
  }
}
