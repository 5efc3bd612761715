import FluxProtocol
import FluxServer
import HTTPCore

/// What libFuzzer calls with each input: all the bytes of one client, its upgrade request and what it sends after it. Pieces of
/// the stream are of many lengths, and what the server answers must stay in proportion.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzServer(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
  let bytes = Array(UnsafeBufferPointer(start: start, count: count))
  var position = 0
  var parser = HTTPHeadParser(limit: 32 << 10)
  do throws(HTTPError) {
    guard let head = try parser.next(bytes.span, from: &position) else { return 0 }
    let request = try HTTPRequestHead(head)
    guard case .accept(let parameters, _) = ListenRequest(request, key: nil, requestID: "id") else { return 0 }
    Client(parameters)?.send(bytes[position...])
  } catch {
    _ = ListenRequest.malformed(error, requestID: "id")
  }
  return 0
}

/// One session of the server, without its socket.
private final class Client {
  private var machine: ServedSessionMachine
  private var stream: (any WordStream)?
  private let answers = Answers()
  private var isClosed = false
  private var sent = 0

  /// Unchecked: one input, one thread.
  private final class Answers: @unchecked Sendable {
    var pending: [WordAnswer] = []
  }

  init?(_ parameters: ListenParameters) {
    let script = ScriptedWords([RecognisedWord(text: "hello", start: 0.1, end: 0.2, confidence: 0.9)])
    guard let judge = script.makeSpeechJudge() else { return nil }
    machine = ServedSessionMachine(
      parameters: parameters, requestID: "id", judge: judge, wordLimit: .seconds(10), now: .zero)
    let answers = answers
    stream = script.open { answers.pending.append($0) }
    perform(machine.start())
  }

  func send(_ bytes: ArraySlice<UInt8>) {
    var socket = WebSocketConnectionState(role: .server, timing: WebSocketTiming(pingInterval: nil), at: .zero)
    var rest = bytes
    var length = 1
    while !rest.isEmpty, !isClosed {
      let piece = Array(rest.prefix(length))
      rest = rest.dropFirst(piece.count)
      length = length * 3 % 4093
      for action in socket.receive(piece.span, at: .zero) where !isClosed {
        switch action {
        case .deliver(.text(let text)): perform(machine.receive(text: text.string, now: .zero))
        case .deliver(.binary(let audio)): perform(machine.receive(binary: audio, now: .zero))
        case .send, .closed, .disconnect: break
        }
      }
    }
    precondition(sent < 100 + bytes.count, "\(sent) messages for \(bytes.count) bytes")
  }

  private func perform(_ actions: [ServedSessionMachine.Action]) {
    for action in actions {
      precondition(!isClosed, "something follows the end")
      switch action {
      case .send(let text):
        sent += 1
        precondition((try? ServerMessage(decoding: text)) != nil, text)
      case .recognise(let block): stream?.hear(block)
      case .abandonSegment: stream?.abandonSegment()
      case .notice: break
      case .close, .drop: isClosed = true
      }
    }
    while !answers.pending.isEmpty, !isClosed { perform(machine.take(answers.pending.removeFirst(), now: .zero)) }
  }
}
