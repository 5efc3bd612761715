import AudioCodecs
import FluxGraph
import FluxProtocol
import StageTesting

/// The world as the tests' services hear it: words at moments of the source. Audio says where it comes from, by its samples, so
/// that a transcript shows which audio was heard.
struct Speech: Sendable {
  struct Word: Sendable {
    var text: String
    /// Seconds from the source's first sample.
    var time: Double
  }

  var words: [Word]

  /// "one@1.0 two@1.4".
  init(_ text: String) {
    words = text.split(separator: " ").map { part in
      let halves = part.split(separator: "@")
      return Word(text: String(halves[0]), time: Double(halves[1])!)
    }
  }

  /// The words within 80 ms of the source.
  func words(in block: Int) -> [Word] {
    words.filter { Int(($0.time / 0.08).rounded(.down)) == block }
  }
}

/// What is wrong with one connection.
enum Fault: Sendable {
  /// It cannot be made.
  case unreachable
  /// The upgrade is answered with a status.
  case refused(Int, body: String = "", headers: HTTPHeaders = [])
  /// It is accepted and nothing follows, but what a test gives.
  case mute
  /// It breaks when this much audio has been heard.
  case cut(after: Double)
  /// It is closed by the service, in order, when this much audio has been heard.
  case closed(after: Double, code: UInt16?)
  /// The service says nothing more, and hears nothing more, when this much audio has been heard.
  case stalled(after: Double)
  /// The service ends the connection with an error.
  case error(after: Double, code: String)
  /// The network takes nothing more when this much audio has been heard.
  case blocked(after: Double)
  case none
}

/// A Flux that plays its part on a fake WebSocket, by the virtual clock: what it hears becomes turns.
final class ScriptedFlux {
  static let rate = 16_000
  static let blockBytes = 2560

  let connection: FakeWebSockets.Connection
  private let speech: Speech
  private let fault: Fault
  private let answersConfigure: Bool
  private let knowsForceEndTurn: Bool
  private let givesWordTimes: Bool
  private let ears: Ears
  private let opus: Opus
  /// Decodes what comes when it is a container; the lossy sound does not say where it comes from.
  private let decoder: OpusEars?
  /// The block of the source this connection begins with.
  private let firstBlock: () -> Int
  /// Bytes that have come over the link; nil where it takes any number at once.
  var delivered: Int?
  private var isOpen = false
  private(set) var isOver = false
  private var heardBytes = 0
  private var heardTexts = 0
  private var sequence = 0
  private var turnIndex = 0
  private var windowStart = 0.0
  private var time = 0.0
  private var words: [TurnEvent.Word] = []
  private var isTurnOpen = false
  private var isEnding = false
  private var lastWord = 0.0
  private var lastMessage = 0.0
  /// The blocks of the source that were heard, in their order; nil is silence that is none of the source's.
  private(set) var blocks: [Int?] = []

  init(
    _ connection: FakeWebSockets.Connection, _ speech: Speech, _ fault: Fault, answersConfigure: Bool = true,
    knowsForceEndTurn: Bool = true, givesWordTimes: Bool = true, ears: Ears = Ears(), opus: Opus = .heard,
    firstBlock: @escaping () -> Int = { 0 }
  ) {
    self.opus = opus
    self.firstBlock = firstBlock
    decoder = connection.request.url.contains("encoding=") ? nil : OpusEars()
    self.connection = connection
    self.speech = speech
    self.fault = fault
    self.answersConfigure = answersConfigure
    self.knowsForceEndTurn = knowsForceEndTurn
    self.givesWordTimes = givesWordTimes
    self.ears = ears
  }

  /// What a service makes of Ogg Opus.
  enum Opus: Sendable, Equatable {
    case heard
    /// The upgrade is answered with a status.
    case refused(Int)
    /// The first second of it ends the connection with a code.
    case closed(UInt16)
    /// It is taken and not heard.
    case ignored
  }

  /// Whether the connection is sent Ogg Opus.
  var isSentOpus: Bool { decoder != nil }

  /// How a service hears, which need not be the same over two connections.
  struct Ears: Sendable {
    /// The silence after which an eager end is told; nil is never.
    var eagerAfter: Double?
    /// Put behind every word.
    var accent = ""
  }

  /// Does what is due.
  func step(now: Instant) {
    guard !isOver, !connection.isAborted else { return }
    if !isOpen {
      open()
      return
    }
    if case .mute = fault { return }
    hear(now)
    answer()
  }

  /// Breaks the connection, if there is one.
  func cut() {
    guard isOpen, !isOver, !connection.isAborted else { return }
    isOver = true
    connection.give(.failed(NetworkFailure(.connectionLost, "the connection was lost")))
  }

  private func open() {
    if isSentOpus, case .refused(let status) = opus {
      isOver = true
      return connection.give(.refused(status: status, headers: [], body: Array("no such encoding".utf8)))
    }
    switch fault {
    case .unreachable:
      isOver = true
      connection.give(.failed(NetworkFailure(.connectionRefused, "the connection was refused")))
    case .refused(let status, let body, let headers):
      isOver = true
      connection.give(.refused(status: status, headers: headers, body: Array(body.utf8)))
    default:
      isOpen = true
      connection.give(.opened(headers: [HTTPHeader("dg-request-id", "request")]))
      if case .mute = fault { return }
      say(.connected(.init(requestID: "request", sequenceID: nil)))
    }
  }

  private func hear(_ now: Instant) {
    let sent = connection.sentBytes
    var bytes = Array(sent.prefix(delivered ?? .max))
    if let decoder { return hear(bytes, decoder, now) }
    // Messages come whole.
    if bytes.count < sent.count { bytes.removeLast((bytes.count - heardBytes) % Self.blockBytes) }
    while heardBytes < bytes.count, !isOver, !connection.isAborted {
      if isSilent(now) { return }
      let end = min(heardBytes + Self.blockBytes, bytes.count)
      let code = Int(bytes[heardBytes]) | Int(bytes[heardBytes + 1]) << 8
      blocks.append(code == 0 ? nil : code - 1)
      time += Double(end - heardBytes) / Double(Self.rate * 2)
      heardBytes = end
      understand(code)
    }
    _ = isSilent(now)
  }

  /// The same of Ogg Opus.
  private func hear(_ bytes: [UInt8], _ decoder: OpusEars, _ now: Instant) {
    switch opus {
    case .heard, .refused: break
    case .ignored: return
    case .closed(let code):
      guard bytes.count > 3000 else { return }
      isOver = true
      return connection.give(.closed(code: code, reason: "no audio"))
    }
    guard !isSilent(now) else { return }
    decoder.take(Array(bytes[heardBytes...]))
    heardBytes = bytes.count
    while decoder.frames >= (blocks.count + 1) * 1280, !isOver, !connection.isAborted, !isSilent(now) {
      let block = firstBlock() + blocks.count
      blocks.append(block)
      time += 0.08
      understand(block + 1)
    }
    _ = isSilent(now)
  }

  /// Whether the service is beyond the moment its fault strikes; lets it strike.
  private func isSilent(_ now: Instant) -> Bool {
    switch fault {
    case .cut(let after) where time >= after - 1e-6:
      isOver = true
      connection.give(.failed(NetworkFailure(.connectionLost, "the connection was lost")))
    case .closed(let after, let code) where time >= after - 1e-6:
      isOver = true
      connection.give(.closed(code: code, reason: ""))
    case .error(let after, let code) where time >= after - 1e-6:
      say(.error(.init(code: code, description: "it says why")))
      isOver = true
    case .stalled(let after) where time >= after - 1e-6: break
    case .blocked(let after) where time >= after - 1e-6:
      if connection.blockedSince == nil { connection.block(bufferedBytes: 100_000, since: now) }
    default: return false
    }
    return true
  }

  private func understand(_ code: Int) {
    let new = code == 0 ? [] : speech.words(in: code - 1)
    for word in new {
      words.append(
        TurnEvent.Word(
          word: word.text + ears.accent, start: givesWordTimes ? time - 0.08 : nil,
          end: givesWordTimes ? time : nil, confidence: 0.9))
      lastWord = time
    }
    if isEnding, !new.isEmpty {
      isEnding = false
      say(.turnResumed)
    }
    if !isTurnOpen, !words.isEmpty {
      isTurnOpen = true
      say(.startOfTurn)
    } else if isTurnOpen, time - lastWord >= 0.8 - 1e-6 {
      endTurn(.model)
    } else if isTurnOpen, !isEnding, let silence = ears.eagerAfter, time - lastWord >= silence - 1e-6 {
      isEnding = true
      say(.eagerEndOfTurn)
    } else if time - lastMessage >= 0.24 - 1e-6 {
      say(.update)
    }
  }

  private func endTurn(_ trigger: TurnEvent.Trigger) {
    say(.endOfTurn, trigger)
    isTurnOpen = false
    isEnding = false
    words = []
    turnIndex += 1
    windowStart = time
  }

  private func say(_ event: TurnEvent.Kind, _ trigger: TurnEvent.Trigger? = nil) {
    lastMessage = time
    say(
      .turnInfo(
        TurnInfo(
          event: event, requestID: "request", turnIndex: turnIndex, audioWindowStart: windowStart,
          audioWindowEnd: time, transcript: words.map(\.word).joined(separator: " "), words: words,
          endOfTurnConfidence: 0.5, trigger: trigger)))
  }

  private func say(_ message: ServerMessage) {
    var message = message
    switch message {
    case .connected(var inner):
      inner.sequenceID = sequence
      message = .connected(inner)
    case .turnInfo(var inner):
      inner.sequenceID = sequence
      message = .turnInfo(inner)
    case .configureSuccess(var inner):
      inner.sequenceID = sequence
      message = .configureSuccess(inner)
    case .warning(var inner):
      inner.sequenceID = sequence
      message = .warning(inner)
    case .error(var inner):
      inner.sequenceID = sequence
      message = .error(inner)
    default: break
    }
    sequence += 1
    connection.give(message.encoded)
  }

  private func answer() {
    if case .stalled(let after) = fault, time >= after - 1e-6 { return }
    // Behind the audio.
    if let delivered, delivered < connection.sentBytes.count { return }
    let texts = connection.sentTexts
    while heardTexts < texts.count, !isOver, !connection.isAborted {
      let text = texts[heardTexts]
      heardTexts += 1
      switch try? ClientMessage(decoding: text) {
      case .closeStream:
        isOver = true
        connection.give(.closed(code: nil, reason: ""))
      case .forceEndTurn where !knowsForceEndTurn:
        say(.error(.init(code: ClientMessageError.code, description: "unknown variant `ForceEndTurn`")))
        isOver = true
      case .forceEndTurn where isTurnOpen: endTurn(.manual)
      case .forceEndTurn:
        say(.warning(.init(code: ServerMessage.ServiceNotice.noActiveTurnCode, description: nil)))
      case .configure(let change) where answersConfigure:
        var success = ServerMessage.ConfigureSuccess()
        success.endOfTurnThreshold = change.endOfTurnThreshold
        say(.configureSuccess(success))
      case .configure: break
      case nil:
        say(.error(.init(code: ClientMessageError.code, description: "what is \(text)?")))
        isOver = true
      }
    }
  }

  /// The stretches of the source that were heard: "0.00-2.40 3.20-10.00"; silence of the client's own is "(0.48)".
  var intervals: String { Self.intervals(blocks) }

  static func intervals(_ blocks: [Int?]) -> String {
    var parts: [String] = []
    var index = 0
    while index < blocks.count {
      var end = index + 1
      guard let first = blocks[index] else {
        while end < blocks.count, blocks[end] == nil { end += 1 }
        parts.append("(\(fixedText(Double(end - index) * 0.08, digits: 2)))")
        index = end
        continue
      }
      while end < blocks.count, blocks[end] == first + end - index { end += 1 }
      let last = first + end - index
      parts.append(
        fixedText(Double(first) * 0.08, digits: 2) + "-" + fixedText(Double(last) * 0.08, digits: 2))
      index = end
    }
    return parts.joined(separator: " ")
  }
}

/// The ears for Ogg Opus, which tell how much audio there was.
final class OpusEars {
  private var decoder = OggOpusDecoder<Int16>(rate: ScriptedFlux.rate, channels: 1)
  private var output = [Int16](repeating: 0, count: 4096)
  /// Frames heard so far.
  var frames: Int { decoder.position }

  func take(_ bytes: [UInt8]) {
    var position = 0
    while position < bytes.count {
      let taken = decoder.push(Array(bytes[position...]).span.bytes)
      position += taken
      var count = 0
      repeat {
        var span = output.mutableSpan
        count = (try? decoder.read(into: &span)) ?? 0
      } while count > 0
      if taken == 0 { return }
    }
  }
}
