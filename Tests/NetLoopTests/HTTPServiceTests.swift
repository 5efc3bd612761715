import FluxGraph
import Foundation
import Synchronization
import Testing

@testable import NetLoop

extension PeerTests {
  @Suite struct HTTPServiceTests {
    private static func answer(_ body: String, _ status: Int = 200) -> HTTPResponse {
      HTTPResponse(status: status, headers: [], body: Array(body.utf8))
    }

    private func listen(
      _ loop: EventLoop, _ handler: @escaping @Sendable (HTTPServerRequest, any HTTPReply) -> Void
    ) throws -> any HTTPListener {
      try GraphNetwork(loop).listen(on: #require(ServerAddress(host: "127.0.0.1", port: 0)), handler: handler)
    }

    @Test("one connection serves several requests; HEAD gets the head alone, a body ends the connection")
    func keepAlive() async throws {
      try await EventLoop.running { loop in
        let network = GraphNetwork(loop)
        let listener = try listen(loop) { request, reply in
          switch request.path {
          case "/long": reply.send(Self.answer(String(repeating: "x", count: 100_000)))
          case "/late":
            _ = network.schedule(at: .now().advanced(by: .milliseconds(20))) {
              reply.send(Self.answer("late"))
            }
          default: reply.send(Self.answer("\(request.method) \(request.path)"))
          }
          if request.path != "/late" { reply.send(Self.answer("a second answer")) }
          reply.write([1, 2, 3])
        }
        defer { listener.close() }
        let text = try await Peer.run("http_client.py", "keep", "\(listener.port)")
        let answers = try #require(JSONValue.parse(text).arrayValue)
        let x = String(repeating: "x", count: 20)
        #expect(
          answers.map(\.serialized) == [
            #"[200,"GET /a","6",null,true]"#, #"[200,"","100000",null,true]"#,
            "[200,\"\(x)\",\"100000\",null,true]",
            #"[200,"POST /body","10","close",true]"#, #"[200,"late","4",null,false]"#,
          ])
      }
    }

    @Test("what is no request is answered with why, and requests sent at once get their answers in order")
    func raw() async throws {
      try await EventLoop.running { loop in
        let listener = try listen(loop) { request, reply in reply.send(Self.answer("[\(request.path)]")) }
        defer { listener.close() }
        func ask(_ text: String) async throws -> String {
          let hex = text.utf8.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
          return try await Peer.run("http_client.py", "raw", "\(listener.port)", hex)
        }
        let two = try await ask("GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n")
        let (one, other) = (two.firstRange(of: "[/1]"), two.firstRange(of: "[/2]"))
        #expect(try #require(one).lowerBound < #require(other).lowerBound)
        #expect(try await ask("GET / HTTP/2.0\r\n\r\n").hasPrefix("\"HTTP/1.1 400 "))
        #expect(try await ask("GET / HTTP/1.1\nHost: a\n\n").hasPrefix("\"HTTP/1.1 400 "))
        #expect(try await ask("GET /\(String(repeating: "a", count: 20_000))").hasPrefix("\"HTTP/1.1 431 "))
        // What looks like a second request is a body, which nobody reads.
        let body = "GET /evil HTTP/1.1\r\n\r\n"
        let smuggled = try await ask("POST /1 HTTP/1.1\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)")
        #expect(smuggled.contains("[/1]") && !smuggled.contains("evil"))
      }
    }

    @Test(
      "whoever asks is answered at once, beside hundreds who say nothing, speak slowly or read no answers")
    func crowd() async throws {
      try await EventLoop.running { loop in
        let listener = try listen(loop) { request, reply in
          reply.send(
            Self.answer(
              request.path == "/long"
                ? String(repeating: "x", count: 100_000) : "\(request.method) \(request.path)"))
        }
        defer { listener.close() }
        let text = try await Peer.run("http_client.py", "crowd", "\(listener.port)", "300")
        let times = try #require(JSONValue.parse(text).arrayValue).compactMap(\.doubleValue)
        // Clients that hold a place would do so for 30 s.
        #expect(times.count == 3 && times.allSatisfy { $0 < 20 }, "\(times)")
      }
    }

    @Test("no bytes, however spoilt, harm the server")
    func mutations() async throws {
      try await EventLoop.running { loop in
        let listener = try listen(loop) { request, reply in reply.send(Self.answer("ok")) }
        defer { listener.close() }
        let whole = Array("GET /a?b HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\nabc".utf8)
        let address = try #require(ServerAddress(host: "127.0.0.1", port: listener.port))
        for seed in 1...100 as ClosedRange<UInt64> {
          var state = seed &* 0x9E37_79B9_7F4A_7C15
          var bytes = whole
          for _ in 0..<4 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            let place = Int(state >> 33) % bytes.count
            if state & 1 == 0 {
              bytes[place] = UInt8(truncatingIfNeeded: state >> 20)
            } else {
              bytes.remove(at: place)
            }
          }
          let recorder = Recorder()
          loop.execute { [bytes] in
            let request = ConnectRequest(isSecure: false, host: address.host, port: address.port, proxy: "")
            loop.connect(request) { connection, event in
              if case .connected = event {
                connection.send(bytes)
                connection.closeWhenDrained()
              }
              recorder.record(event)
            }
          }
          await recorder.waitForEnd()
        }
        let after = try await loop.response(
          for: HTTPRequest(url: address.url(port: listener.port), proxy: ""))
        #expect(after.body == Array("ok".utf8))
      }
    }

    @Test("an answer of any length is told when it has room, and when it is over")
    func stream() async throws {
      try await EventLoop.running { loop in
        let told = Mutex<[HTTPReplyEvent]>([])
        let listener = try listen(loop) { _, reply in
          let written = Mutex(0)
          @Sendable func more() {
            while reply.bufferedBytes < 100_000 {
              if written.withLock({ $0 }) >= 5_000_000 { return reply.end() }
              reply.write([UInt8](repeating: 65, count: 10_000))
              written.withLock { $0 += 10_000 }
            }
          }
          reply.begin(status: 200, headers: []) { event in
            told.withLock { $0.append(event) }
            if event == .drained { more() }
          }
          more()
        }
        defer { listener.close() }
        let size = try #require(Int(try await Peer.run("http_client.py", "stream", "\(listener.port)")))
        #expect(size > 5_000_000 && size < 5_000_200)
        for _ in 0..<100 where told.withLock({ $0.last }) != .ended {
          try await Task.sleep(for: .milliseconds(20))
        }
        #expect(told.withLock { $0.last } == .ended)
        #expect(told.withLock { $0.count { $0 == .ended } } == 1)
      }
    }

    @Test("a listener that is closed lets idle clients go, and the port can be taken again")
    func close() async throws {
      try await EventLoop.running { loop in
        let network = GraphNetwork(loop)
        let listener = try listen(loop) { _, reply in reply.send(Self.answer("ok")) }
        let address = try #require(ServerAddress(host: "127.0.0.1", port: listener.port))
        #expect(throws: NetworkFailure.self) { try network.listen(on: address) { _, _ in } }
        let recorder = Recorder()
        loop.connect(ConnectRequest(isSecure: false, host: "127.0.0.1", port: listener.port, proxy: "")) {
          connection, event in
          if case .connected = event { connection.send(Array("GET / HTTP/1.1\r\nHost: a\r\n\r\n".utf8)) }
          if case .received = event { listener.close() }
          recorder.record(event)
        }
        await recorder.waitForEnd()
        #expect(recorder.text.hasPrefix("HTTP/1.1 200 OK\r\n") && recorder.error == nil)
        try network.listen(on: address) { _, _ in }.close()
      }
    }
  }
}
