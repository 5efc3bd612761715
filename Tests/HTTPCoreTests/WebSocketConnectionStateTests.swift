import TestSupport
import Testing

@testable import HTTPCore

@Suite("WebSocket connection")
struct WebSocketConnectionStateTests {
  static let key: UInt32 = 0x0102_0304

  static func connection(_ role: WebSocketRole, ping: Duration? = nil) -> WebSocketConnectionState {
    WebSocketConnectionState(
      role: role,
      timing: WebSocketTiming(pingInterval: ping, pongTimeout: .seconds(10), closeTimeout: .seconds(5)),
      at: .zero, maskKey: { key })
  }

  /// What the peer of `role` sends.
  static func from(_ role: WebSocketRole, _ opcode: WebSocketOpcode, _ payload: [UInt8]) -> [UInt8] {
    frame(opcode, payload, maskKey: role == .client ? 77 : nil)
  }

  @Test("messages are delivered, pings answered with their payload")
  func messages() {
    var connection = Self.connection(.client)
    let bytes =
      Self.from(.server, .text, [0x61]) + Self.from(.server, .ping, [1, 2]) + Self.from(.server, .binary, [3])
    let actions = connection.receive(bytes.span, at: .zero)
    #expect(
      actions == [
        .deliver(.text("a")), .send(frame(.pong, [1, 2], maskKey: Self.key)), .deliver(.binary([3])),
      ])
    var buffer: [UInt8] = []
    #expect(connection.append(text: "hi", to: &buffer))
    #expect(buffer == frame(.text, "hi", maskKey: Self.key))
  }

  @Test("a close begun by the server is echoed by the client, which leaves the stream to the server")
  func peerCloses() {
    var connection = Self.connection(.client)
    let close = Self.from(.server, .close, [0x03, 0xE8] + Array("done".utf8))
    #expect(
      connection.receive(close.span, at: .seconds(1)) == [
        .send(frame(.close, [0x03, 0xE8], maskKey: Self.key)),
        .closed(WebSocketClosure(code: .normal, reason: "done")),
      ])
    #expect(!connection.isOpen)
    #expect(connection.deadline == .seconds(6))
    var buffer: [UInt8] = []
    #expect(!connection.append(text: "late", to: &buffer))
    #expect(buffer.isEmpty)
    var other = connection
    #expect(connection.receiveEnd(at: .seconds(2)) == [.disconnect])
    #expect(other.tick(at: .seconds(5)) == [])
    #expect(other.tick(at: .seconds(6)) == [.disconnect])
    #expect(other.deadline == nil)
  }

  @Test("a close without code is 1005 and echoed without code")
  func closeWithoutCode() {
    var server = Self.connection(.server)
    let actions = server.close(nil, at: .zero)
    #expect(actions == [.send([0x88, 0x00])])
    var client = Self.connection(.client)
    let echoed = frame(.close, [UInt8](), maskKey: Self.key)
    #expect(
      client.receive([0x88, 0x00].span, at: .zero) == [
        .send(echoed), .closed(WebSocketClosure(code: .noStatus)),
      ])
    #expect(
      server.receive(echoed.span, at: .zero) == [
        .closed(WebSocketClosure(code: .noStatus)), .disconnect,
      ])
  }

  @Test("messages still arrive between our close and the peer's; pings are not answered any more")
  func closing() {
    var connection = Self.connection(.client)
    #expect(connection.close(.goingAway, reason: "bye", at: .zero).count == 1)
    #expect(connection.close(at: .zero) == [])
    let bytes =
      Self.from(.server, .text, [0x61]) + Self.from(.server, .ping, [])
      + Self.from(.server, .close, [3, 0xE9])
      + Self.from(.server, .text, [0x62])
    #expect(
      connection.receive(bytes.span, at: .seconds(1)) == [
        .deliver(.text("a")), .closed(WebSocketClosure(code: .goingAway)),
      ])
  }

  @Test("a close that is not answered ends with its deadline")
  func unansweredClose() {
    var connection = Self.connection(.client)
    _ = connection.close(at: .seconds(1))
    #expect(connection.deadline == .seconds(6))
    #expect(
      connection.tick(at: .seconds(6)) == [
        .closed(
          WebSocketClosure(code: .abnormal, reason: "the peer did not answer the close frame")
        ),
        .disconnect,
      ])
    #expect(connection.tick(at: .seconds(60)) == [])
    #expect(connection.receiveEnd(at: .seconds(60)) == [])
    #expect(connection.receive([0xFF, 0xFF].span, at: .seconds(60)) == [])
  }

  @Test("a stream that ends without close frame is 1006")
  func abruptEnd() {
    var connection = Self.connection(.server)
    #expect(
      connection.receiveEnd(at: .zero) == [
        .closed(WebSocketClosure(code: .abnormal)), .disconnect,
      ])
  }

  @Test("a masked frame from the server closes with 1002")
  func protocolError() {
    var connection = Self.connection(.client)
    let bytes = Self.from(.server, .text, [0x61]) + frame(.text, "x", maskKey: 1)
    let actions = connection.receive(bytes.span, at: .zero)
    #expect(actions.first == .deliver(.text("a")))
    #expect(
      actions.suffix(2) == [
        .closed(
          WebSocketClosure(
            code: .protocolError, reason: "the server sent a masked frame",
            error: .maskedFrameFromServer)), .disconnect,
      ])
    guard case .send(let bytes) = actions[1] else {
      Issue.record("no close frame")
      return
    }
    let reason = "the server sent a masked frame"
    #expect(decode(bytes, role: .server).events == [.close(code: .protocolError, reason: reason)])
    #expect(connection.receive(Self.from(.server, .text, [0x61]).span, at: .zero) == [])
  }

  @Test("pings come at their interval, and a pong that stays out ends the connection")
  func keepalive() {
    var connection = Self.connection(.client, ping: .seconds(20))
    #expect(connection.deadline == .seconds(20))
    #expect(connection.tick(at: .seconds(19)) == [])
    #expect(connection.tick(at: .seconds(20)) == [.send(frame(.ping, "1", maskKey: Self.key))])
    #expect(connection.deadline == .seconds(30))
    // Someone else's pong does not count.
    _ = connection.receive(Self.from(.server, .pong, [9]).span, at: .seconds(21))
    #expect(connection.deadline == .seconds(30))
    #expect(connection.receive(Self.from(.server, .pong, Array("1".utf8)).span, at: .seconds(22)) == [])
    #expect(connection.deadline == .seconds(42))
    #expect(connection.tick(at: .seconds(42)) == [.send(frame(.ping, "2", maskKey: Self.key))])
    #expect(
      connection.tick(at: .seconds(52)) == [
        .closed(WebSocketClosure(code: .abnormal, reason: "the peer did not answer a ping")),
        .disconnect,
      ])
  }

  @Test("a ping behind bytes that move is waited for, and once it is there its answer has the usual time")
  func slowLink() {
    var connection = Self.connection(.client, ping: .seconds(20))
    var delivery = WebSocketDelivery(given: 200_000, delivered: 100_000)
    let ping = frame(.ping, "1", maskKey: Self.key)
    #expect(connection.tick(at: .seconds(20), delivery: delivery) == [.send(ping)])
    // 10 kB a second, and more is given all the time.
    for time in [30, 40] {
      delivery = WebSocketDelivery(given: delivery.given + 200_000, delivered: delivery.delivered + 50_000)
      #expect(connection.tick(at: .seconds(time), delivery: delivery) == [])
      #expect(connection.deadline == .seconds(time + 10))
    }
    delivery.delivered += UInt64(ping.count)
    #expect(connection.tick(at: .seconds(50), delivery: delivery) == [])
    #expect(connection.deadline == .seconds(60))
    // The ping is there: that more moves is no answer.
    delivery.delivered += 50_000
    #expect(connection.tick(at: .seconds(60), delivery: delivery).count == 2)
  }

  @Test("a ping behind bytes that do not move ends the connection, as does one with nothing before it")
  func deadLink() {
    for given in [200_000, 100_000] as [UInt64] {
      var connection = Self.connection(.client, ping: .seconds(20))
      let delivery = WebSocketDelivery(given: given, delivered: 100_000)
      #expect(connection.tick(at: .seconds(20), delivery: delivery).count == 1)
      let later = given == 100_000 ? WebSocketDelivery(given: 500_000, delivered: 400_000) : delivery
      #expect(connection.tick(at: .seconds(30), delivery: later).count == 2)
    }
  }

  @Test("a peer that says something is alive, pong or no pong; one that falls silent then is not")
  func talkingPeer() {
    var connection = Self.connection(.client, ping: .seconds(20))
    _ = connection.tick(at: .seconds(20))
    _ = connection.receive(Self.from(.server, .text, Array("hello".utf8)).span, at: .seconds(25))
    #expect(connection.tick(at: .seconds(30)) == [])
    #expect(connection.tick(at: .seconds(39)) == [])
    #expect(connection.tick(at: .seconds(40)).count == 2)
  }

  @Test("mutated streams end every connection at most once, and nothing follows the end")
  func mutations() {
    var generator = SeededGenerator(seed: 711)
    let stream =
      Self.from(.server, .text, Array("hello".utf8)) + Self.from(.server, .ping, [1])
      + Self.from(.server, .close, [3, 0xE8]) + Self.from(.server, .text, [0x61])
    for round in 0..<3000 {
      var bytes = stream
      for _ in 0..<3 {
        let place = Int.random(in: 0..<bytes.count, using: &generator)
        bytes[place] = UInt8.random(in: 0...255, using: &generator)
      }
      var connection = Self.connection(.client)
      let cut = Int.random(in: 0...bytes.count, using: &generator)
      let actions =
        connection.receive(Array(bytes[..<cut]).span, at: .zero)
        + connection.receive(Array(bytes[cut...]).span, at: .zero) + connection.receiveEnd(at: .zero)
        + connection.tick(at: .seconds(100))
      let closures = actions.indices.filter { if case .closed = actions[$0] { true } else { false } }
      #expect(closures.count == 1, "round \(round)")
      #expect(actions.last == .disconnect)
      #expect(actions.count == (closures.first ?? 0) + 2, "round \(round)")
    }
  }
}
