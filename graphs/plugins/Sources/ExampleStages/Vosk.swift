public import FluxGraph

/// The stage `vosk`: another recogniser in the place of `flux`, a vosk-server (https://alphacephei.com/vosk/server).
///
/// Its protocol: a text `{"config": …}`, then 16-bit samples as binary messages; the server answers `{"partial": …}` while
/// someone speaks and `{"text": …, "result": […]}` when an utterance has ended; `{"eof": 1}` asks for the last one.
public struct Vosk: Recogniser {
  public static let description = StageDescription<Vosk>(
    "vosk", "Finds turns and words with a vosk-server.",
    examples: [
      "file talk.wav | vosk ws://127.0.0.1:2700 | stdout",
      "mic | vosk ws://127.0.0.1:2700 timeout=5s | stdout live",
    ]
  ) {
    Option("url", \Vosk.url, "The server's address.", positional: true, required: true)
    Option(
      "timeout", \Vosk.timeout, "How long the connection may take.", in: .milliseconds(100)...(.seconds(60)))
  }

  public var url = WebURL("ws://127.0.0.1:2700")!
  public var timeout = Duration.seconds(10)

  public init() {}

  public var accepts: AudioRequirement { AudioRequirement(sample: .s16le, rate: 16_000, channels: 1) }

  public mutating func run(
    _ audio: AudioInlet, into events: EventOutlet, _ context: StageContext
  ) async throws {
    let request = WebSocketRequest(url: url.text, timeout: timeout)
    let (incoming, arrivals) = AsyncStream.makeStream(of: WebSocketEvent.self)
    // A connection lives on the context's loop: it is made and called there.
    let connection = await context.onLoop {
      context.webSockets.connect(request) { event in
        arrivals.yield(event)
        if event.isLast { arrivals.finish() }
      }
    }
    // What is sent before the connection is open goes nowhere.
    var sender: Task<Void, Never>?
    defer { sender?.cancel() }
    var turns = VoskTurns(session: context.name)
    try await withTaskCancellationHandler {
      for await event in incoming {
        switch event {
        case .opened:
          await context.onLoop { connection.send(text: #"{"config":{"sample_rate":16000,"words":true}}"#) }
          sender = Task {
            while let block = await audio.next() {
              await context.onLoop { block.bytes.withUnsafeBytes { connection.send(binary: $0) } }
            }
            if !Task.isCancelled { await context.onLoop { connection.send(text: #"{"eof":1}"#) } }
          }
        case .text(let bytes):
          guard let message = try? JSONValue.parse(String(decoding: bytes, as: UTF8.self)) else {
            context.log.warning("\(url.redacted) sent something that is no JSON")
            continue
          }
          for turn in turns.hear(message, at: context.clock.wallTime()) { events.emit(.turn(turn)) }
        case .refused(let status, _, _):
          throw StageError(.unavailable, "\(url.redacted) answered with status \(status)")
        case .failed(let failure): throw StageError(.unavailable, failure.message)
        case .binary, .drained, .closed: break
        }
      }
    } onCancel: {
      arrivals.finish()
      context.loop.execute { connection.abort() }
    }
  }
}

/// What becomes of a vosk-server's messages: a value, so that it is tested without a server.
struct VoskTurns {
  let session: String
  private var turn = 1
  private var isOpen = false
  private var begin = 0.0
  private var lastText = ""

  init(session: String) {
    self.session = session
  }

  /// The events a message leads to.
  mutating func hear(_ message: JSONValue, at time: WallTime) -> [TurnEvent] {
    if let partial = message["partial"]?.stringValue {
      guard !partial.isEmpty, partial != lastText else { return [] }
      lastText = partial
      defer { isOpen = true }
      return [event(isOpen ? .update : .startOfTurn, partial, [], time)]
    }
    guard let text = message["text"]?.stringValue, !text.isEmpty else { return [] }
    let words = (message["result"]?.arrayValue ?? []).map { word in
      TurnEvent.Word(
        word: word["word"]?.stringValue ?? "", start: word["start"]?.doubleValue,
        end: word["end"]?.doubleValue,
        confidence: word["conf"]?.doubleValue ?? 0)
    }
    var events: [TurnEvent] = isOpen ? [] : [event(.startOfTurn, "", [], time)]
    var last = event(.endOfTurn, text, words, time)
    last.isFinal = true
    last.trigger = "model"
    last.service = message
    events.append(last)
    begin = last.end
    turn += 1
    isOpen = false
    lastText = ""
    return events
  }

  private func event(
    _ kind: TurnEvent.Kind, _ text: String, _ words: [TurnEvent.Word], _ time: WallTime
  ) -> TurnEvent {
    let start = words.first?.start ?? begin
    return TurnEvent(
      kind: kind, session: session, turn: turn, start: start, end: words.last?.end ?? start, time: time,
      transcript: text, words: words)
  }
}

extension WebSocketEvent {
  fileprivate var isLast: Bool {
    switch self {
    case .closed, .refused, .failed: true
    default: false
    }
  }
}

extension StageContext {
  /// Runs `body` on the loop and returns what it returns.
  fileprivate func onLoop<Result: Sendable>(_ body: @escaping @Sendable () -> Result) async -> Result {
    await withCheckedContinuation { continuation in
      loop.execute { continuation.resume(returning: body()) }
    }
  }
}
