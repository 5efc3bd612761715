import FluxGraph
import FluxProtocol
import HTTPCore
import StageTesting

@testable import FluxServer

/// The local Flux on a fake socket, by a virtual clock: its own request handling, sessions and faults, and between them and the
/// client the client's own reading of frames. Only the sockets are missing.
final class ServedFlux {
  static let host = "served.test"

  /// The blocks of 80 ms of the source that were heard, in their order; nil is silence that is none of the source's.
  private(set) var blocks: [Int?] = []
  private let connection: FakeWebSockets.Connection
  /// By the source's time.
  private let words: [RecognisedWord]
  private var faults: FaultInjector?
  private var session: ServedSessionMachine?
  private var stream: (any WordStream)?
  private let answers = Answers()
  private var client = WebSocketConnectionState(
    role: .client, timing: WebSocketTiming(pingInterval: nil), at: .zero)
  private let began: Instant
  private var isOpen = false
  private var isOver = false
  private var heardMessages = 0
  private var heardBytes = 0
  private var heardTexts = 0
  private var pausedUntil = Duration.zero

  /// Unchecked: one test, one thread.
  private final class Answers: @unchecked Sendable {
    var pending: [WordAnswer] = []
  }

  init(_ connection: FakeWebSockets.Connection, words: [RecognisedWord], faults: FaultInjector?, now: Instant)
  {
    self.connection = connection
    self.words = words
    self.faults = faults
    began = now
  }

  /// Does what is due.
  func step(now: Instant) {
    guard !isOver, !connection.isAborted else { return }
    let time = now.duration(since: began)
    if !isOpen { return open(time) }
    hear(time)
    if let deadline = session?.deadline, deadline <= time { perform(session?.tick(now: time) ?? [], time) }
    flush(time)
  }

  private func open(_ time: Duration) {
    switch faults?.upgrade ?? .proceed {
    case .neverAnswer: return
    case .refuse(let status, let retryAfter):
      isOver = true
      if case .refuse(_, _, let response) = ListenRequest.fault(
        status: status, retryAfter: retryAfter, requestID: "request")
      {
        connection.give(Self.refusal(response))
      }
    case .proceed:
      isOpen = true
      connection.give(.opened(headers: [HTTPHeader("dg-request-id", "request")]))
      perform(begin(from: 0, time), time)
      flush(time)
    }
  }

  /// Begins the session with the words from a place of the source on.
  private func begin(from block: Int, _ time: Duration) -> [ServedSessionMachine.Action] {
    let start = Double(block) * 0.08
    let script = ScriptedWords(
      words.filter { $0.start >= start }.map {
        RecognisedWord(
          text: $0.text, start: $0.start - start, end: $0.end - start, confidence: $0.confidence)
      })
    let query = String(connection.request.url.drop { $0 != "?" }.dropFirst())
    guard let parameters = try? ListenParameters(query: query), let judge = script.makeSpeechJudge() else {
      return [.close(reason: "no session can begin")]
    }
    var machine = ServedSessionMachine(
      parameters: parameters, requestID: "request", judge: judge, wordLimit: .seconds(10), now: time)
    let actions = machine.start()
    session = machine
    let answers = answers
    stream = script.open { answers.pending.append($0) }
    return actions
  }

  private func hear(_ time: Duration) {
    let lengths = connection.sentLengths
    let bytes = connection.sentBytes
    while heardMessages < lengths.count, pausedUntil <= time, !isOver, !connection.isAborted {
      let message = Array(bytes[heardBytes..<(heardBytes + lengths[heardMessages])])
      heardBytes += message.count
      let code = Int(message[0]) | Int(message[1]) << 8
      blocks.append(code == 0 ? nil : code - 1)
      // What the first audio is tells which words are to come; Connected has been sent.
      if heardMessages == 0, code > 0 { _ = begin(from: code - 1, time) }
      heardMessages += 1
      perform(session?.receive(binary: message, now: time) ?? [], time)
      // As of bytes on the wire: a masked frame's head has 8.
      if let pause = faults?.pause(after: message.count + 8) { pausedUntil = max(time, pausedUntil) + pause }
      flush(time)
    }
    let unread = bytes.count - heardBytes
    connection.block(bufferedBytes: unread, since: nil)
    let texts = connection.sentTexts
    while unread == 0, heardTexts < texts.count, !isOver, !connection.isAborted {
      heardTexts += 1
      perform(session?.receive(text: texts[heardTexts - 1], now: time) ?? [], time)
    }
  }

  private func perform(_ actions: [ServedSessionMachine.Action], _ time: Duration) {
    for action in actions {
      switch action {
      case .send(let text) where faults != nil: faults?.send(text, now: time)
      case .send(let text):
        var bytes: [UInt8] = []
        WebSocketFrameEncoder.append(.text, payload: Array(text.utf8).span, maskKey: nil, to: &bytes)
        give(bytes, time)
      case .recognise(let block): stream?.hear(block)
      case .abandonSegment: stream?.abandonSegment()
      case .notice: break
      case .close(let code, _) where faults != nil: faults?.finish(code: code.map { UInt16($0) }, now: time)
      case .close(let code, _): close(code, "", time)
      case .drop: drop(time)
      }
    }
    while !answers.pending.isEmpty, !isOver {
      perform(session?.take(answers.pending.removeFirst(), now: time) ?? [], time)
    }
  }

  private func flush(_ time: Duration) {
    while !isOver, let step = faults?.next(now: time) {
      switch step {
      case .write(let bytes): give(bytes, time)
      case .close(let code, let reason, _): close(code, reason, time)
      case .drop(let bytes, _):
        give(bytes, time)
        drop(time)
      }
    }
  }

  private func close(_ code: Int?, _ reason: String, _ time: Duration) {
    var server = WebSocketConnectionState(
      role: .server, timing: WebSocketTiming(pingInterval: nil), at: time)
    let code = code.map { WebSocketCloseCode(rawValue: UInt16($0)) }
    for case .send(let bytes) in server.close(code, reason: reason, at: time) { give(bytes, time) }
  }

  private func drop(_ time: Duration) {
    if !isOver { tell(client.receiveEnd(at: time)) }
  }

  // MARK: - What the client sees

  private func give(_ bytes: [UInt8], _ time: Duration) {
    if !isOver { tell(client.receive(bytes.span, at: time)) }
  }

  private func tell(_ actions: [WebSocketConnectionState.Action]) {
    for action in actions {
      switch action {
      case .deliver(.text(let text)): connection.give(text.string)
      case .closed(let closure):
        isOver = true
        connection.give(Self.end(closure))
      case .deliver(.binary), .send, .disconnect: break
      }
    }
  }

  /// As the network reports it.
  private static func end(_ closure: WebSocketClosure) -> WebSocketEvent {
    if let error = closure.error {
      return .failed(NetworkFailure(.protocolViolation, "\(host) broke the WebSocket protocol: \(error)"))
    }
    if closure.code == .abnormal {
      return .failed(NetworkFailure(.connectionLost, "the connection to \(host) was lost"))
    }
    return .closed(
      code: closure.code == .noStatus ? nil : closure.code.rawValue, reason: closure.reason)
  }

  private static func refusal(_ response: [UInt8]) -> WebSocketEvent {
    let text = String(decoding: response, as: UTF8.self)
    let halves = text.split(separator: "\r\n\r\n", maxSplits: 1).map(String.init)
    let lines = (halves.first ?? "").split(separator: "\r\n")
    var headers = HTTPHeaders()
    for line in lines.dropFirst() {
      headers.add(String(line.prefix { $0 != ":" }), String(line.drop { $0 != ":" }.dropFirst(2)))
    }
    let status = lines.first.flatMap { Int($0.split(separator: " ")[1]) } ?? 0
    return .refused(status: status, headers: headers, body: Array((halves.last ?? "").utf8))
  }
}
