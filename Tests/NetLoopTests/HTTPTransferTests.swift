import Foundation
import HTTPCore
import NetLoop
import Synchronization
import Testing

extension PeerTests {
  @Suite struct HTTPTransferTests {
    private func request(
      _ peer: Peer, _ path: String, method: String = "GET", headers: HTTPHeaders = [], body: [UInt8] = []
    ) -> HTTPRequest {
      HTTPRequest(
        method: method, url: "http://127.0.0.1:\(peer.port)\(path)", headers: headers, body: body, proxy: "")
    }

    private func failure(_ loop: EventLoop, _ request: HTTPRequest) async -> NetworkFailure? {
      do throws(NetworkFailure) {
        _ = try await loop.response(for: request)
        return nil
      } catch {
        return error
      }
    }

    @Test("GET returns status, headers and body; another status is a response too, HEAD has no body")
    func get() async throws {
      let peer = try await Peer.start("http_server.py")
      try await EventLoop.running { loop in
        let response = try await loop.response(for: request(peer, "/hello"))
        #expect(response.status == 200)
        #expect(response.headers["x-peer"] == "http.server")
        #expect(String(decoding: response.body, as: UTF8.self) == "hello")
        let missing = try await loop.response(for: request(peer, "/missing"))
        #expect(missing.status == 404)
        #expect(String(decoding: missing.body, as: UTF8.self) == "no such page")
        let head = try await loop.response(for: request(peer, "/hello", method: "HEAD"))
        #expect(head.status == 200)
        #expect(head.body.isEmpty)
        #expect(head.headers["Content-Length"] == "5")
      }
    }

    @Test(
      "the body and its type arrive as given, whatever the method",
      arguments: ["POST", "PUT", "DELETE", "PATCH"])
    func post(method: String) async throws {
      let peer = try await Peer.start("http_server.py")
      try await EventLoop.running { loop in
        let json = HTTPHeader("Content-Type", "application/json")
        let full = try await loop.response(
          for: request(peer, "/", method: method, headers: [json], body: Array("{\"a\":1}".utf8)))
        #expect(String(decoding: full.body, as: UTF8.self) == "\(method) application/json {\"a\":1}")
        let empty = try await loop.response(for: request(peer, "/", method: method))
        #expect(String(decoding: empty.body, as: UTF8.self) == "\(method) none ")
        var large = request(peer, "/", method: method, body: pattern(3 << 20))
        large.maximumBodySize = 4 << 20
        #expect(try await loop.response(for: large).body.suffix(3 << 20) == pattern(3 << 20)[...])
      }
    }

    @Test("header lines are sent as given, none of libcurl's own but Host and Accept")
    func headers() async throws {
      let peer = try await Peer.start("http_server.py")
      try await EventLoop.running { loop in
        let response = try await loop.response(
          for: request(
            peer, "/headers", headers: [HTTPHeader("Authorization", "Token abc"), HTTPHeader("X-Empty", "")]))
        let lines = String(decoding: response.body, as: UTF8.self).split(separator: "\n").map(String.init)
        #expect(lines.contains("Authorization: Token abc"))
        #expect(lines.contains { $0.hasPrefix("X-Empty:") })
        let names = Set(lines.map { String($0.prefix { $0 != ":" }) })
        #expect(names == ["Host", "Accept", "Authorization", "X-Empty"])
      }
    }

    @Test("a redirect is the response, unless redirects are allowed; then it is followed so many times")
    func redirects() async throws {
      let peer = try await Peer.start("http_server.py")
      try await EventLoop.running { loop in
        let plain = try await loop.response(for: request(peer, "/redirect"))
        #expect(plain.status == 302)
        #expect(plain.headers["location"] == "/hello")
        #expect(String(decoding: plain.body, as: UTF8.self) == "elsewhere")
        var following = request(peer, "/redirect")
        following.maximumRedirects = 3
        let followed = try await loop.response(for: following)
        #expect(followed.status == 200)
        #expect(followed.headers["Location"] == nil)
        #expect(String(decoding: followed.body, as: UTF8.self) == "hello")
        var other = request(peer, "/see-other", method: "POST", body: [1])
        other.maximumRedirects = 1
        #expect(try await loop.response(for: other).body == Array("hello".utf8))
        following.url = "http://127.0.0.1:\(peer.port)/loop"
        #expect(await failure(loop, following)?.code == .tooManyRedirects)
      }
    }

    @Test("neither a URL nor a redirect leaves http and https")
    func protocols() async throws {
      let peer = try await Peer.start("http_server.py")
      try await EventLoop.running { loop in
        var following = request(peer, "/file")
        following.maximumRedirects = 3
        #expect(await failure(loop, following)?.code == .badRequest)
        for url in ["file:///etc/passwd", "ftp://127.0.0.1/", "localhost", "", "http://", "http://a b/"] {
          #expect(await failure(loop, HTTPRequest(url: url))?.code == .badRequest, "\(url)")
        }
      }
    }

    @Test("a header or method with a line break is refused before anything is sent")
    func injection() async throws {
      let peer = try await Peer.start("http_server.py")
      try await EventLoop.running { loop in
        for header in [
          HTTPHeader("X", "a\r\nY: b"), HTTPHeader("X\r\nY", "b"), HTTPHeader("", "b"), HTTPHeader("X:", "b"),
          HTTPHeader("X", "a\0b"),
        ] {
          let error = await failure(loop, request(peer, "/hello", headers: [header]))
          #expect(error?.code == .badRequest)
        }
        #expect(await failure(loop, request(peer, "/hello", method: "GE T"))?.code == .badRequest)
      }
    }

    @Test(
      "a body beyond the maximum ends the transfer, announced or not; one of exactly that size does not",
      arguments: ["/bytes/1048576", "/chunked/1048576"])
    func maximumBody(path: String) async throws {
      let peer = try await Peer.start("http_server.py")
      try await EventLoop.running { loop in
        var exact = request(peer, path)
        exact.maximumBodySize = 1_048_576
        let response = try await loop.response(for: exact)
        #expect(response.body == pattern(1_048_576))
        exact.maximumBodySize -= 1
        #expect(await failure(loop, exact)?.code == .bodyTooLarge)
      }
    }

    @Test("a response that stops in the middle is a lost connection")
    func cut() async throws {
      let peer = try await Peer.start("http_server.py")
      try await EventLoop.running { loop in
        #expect(await failure(loop, request(peer, "/cut"))?.code == .connectionLost)
      }
    }

    @Test(
      "where the head is the answer, a body that is long, stalls, breaks off or never ends does not change it",
      arguments: ["/bytes/8388608", "/chunked/8388608", "/cut", "/stall", "/endless", "/hello"])
    func headIsEnough(path: String) async throws {
      let peer = try await Peer.start("http_server.py")
      try await EventLoop.running { loop in
        var post = request(peer, path)
        post.isHeadEnough = true
        post.maximumBodySize = 1 << 16
        let begun = ContinuousClock.now
        let response = try await loop.response(for: post)
        #expect(response.status == 200 && response.body.count <= 1 << 16)
        #expect(ContinuousClock.now - begun < .seconds(5))
      }
    }

    @Test("a connection that is closed inside the head is lost, whatever the status said")
    func headless() async throws {
      let peer = try await Peer.start("http_server.py")
      try await EventLoop.running { loop in
        for isHeadEnough in [false, true] {
          var get = request(peer, "/headless")
          get.isHeadEnough = isHeadEnough
          #expect(await failure(loop, get)?.code == .connectionLost)
        }
      }
    }

    @Test("time-outs of the whole and of the connect, and a refused connection")
    func timeouts() async throws {
      let peer = try await Peer.start("http_server.py")
      let full = try FullListener()
      let closed = try unusedPort()
      try await EventLoop.running { loop in
        var slow = request(peer, "/slow")
        slow.timeout = .milliseconds(100)
        #expect(await failure(loop, slow)?.code == .timedOut)
        let stuck = HTTPRequest(
          url: "http://127.0.0.1:\(full.port)/", connectTimeout: .milliseconds(100), proxy: "")
        #expect(await failure(loop, stuck)?.code == .timedOut)
        let refused = await failure(
          loop, HTTPRequest(url: "http://user:secret@127.0.0.1:\(closed)/key?token=secret", proxy: ""))
        #expect(refused?.code == .connectionRefused)
        #expect(refused?.description.contains("127.0.0.1:\(closed)") == true)
        #expect(refused?.description.contains("secret") == false)
      }
    }

    @Test("a cancelled task ends its request at once, also before it has begun")
    func cancel() async throws {
      let peer = try await Peer.start("http_server.py")
      try await EventLoop.running { loop in
        let begun = ContinuousClock.now
        let slow = request(peer, "/slow")
        let task = Task { await failure(loop, slow) }
        for _ in 0..<20 { await loop.call {} }
        task.cancel()
        #expect(await task.value == .cancelled)
        for _ in 0..<200 {
          let early = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            return await failure(loop, slow)
          }
          #expect(await early.value == .cancelled)
        }
        #expect(ContinuousClock.now - begun < .seconds(4))
      }
    }

    @Test("a paused stream delivers nothing, a resumed one everything, and its end comes last")
    func backPressure() async throws {
      let peer = try await Peer.start("http_server.py")
      let size = 8 << 20
      try await EventLoop.running { loop in
        let log = Mutex<(body: [UInt8], events: [String], whilePaused: Int)>(([], [], 0))
        let isPaused = Mutex(false)
        var streamed = request(peer, "/chunked/\(size)")
        streamed.maximumBodySize = .max
        await withCheckedContinuation { continuation in
          loop.transfer(streamed) { transfer, event in
            if isPaused.withLock({ $0 }) { log.withLock { $0.whilePaused += 1 } }
            switch event {
            case .response(let head): log.withLock { $0.events.append("\(head.status)") }
            case .body(let bytes):
              let pieces = log.withLock { log in
                if log.body.isEmpty { log.events.append("body") }
                log.body.append(contentsOf: bytes)
                return bytes.count
              }
              #expect(pieces <= 131_072 + 16_384)
              isPaused.withLock { $0 = true }
              transfer.pause()
              loop.schedule(after: .milliseconds(1)) {
                isPaused.withLock { $0 = false }
                transfer.resume()
              }
            case .finished(let error):
              log.withLock { $0.events.append(error?.description ?? "end") }
              continuation.resume()
            }
          }
        }
        let result = log.withLock { $0 }
        #expect(result.events == ["200", "body", "end"])
        #expect(result.body == pattern(size))
        #expect(result.whilePaused == 0)
      }
    }

    @Test("a transfer can be cancelled from within each of its events", arguments: ["response", "body"])
    func cancelWithin(moment: String) async throws {
      let peer = try await Peer.start("http_server.py")
      try await EventLoop.running { loop in
        let events = Mutex<[String]>([])
        var streamed = request(peer, "/chunked/1048576")
        streamed.maximumBodySize = .max
        await withCheckedContinuation { continuation in
          loop.transfer(streamed) { transfer, event in
            let name =
              switch event {
              case .response: "response"
              case .body: "body"
              case .finished(let error): error == .cancelled ? "cancelled" : "finished"
              }
            events.withLock { $0.append(name) }
            if name == moment { transfer.cancel() }
            if case .finished = event { continuation.resume() }
          }
        }
        let expected = moment == "response" ? ["response", "cancelled"] : ["response", "body", "cancelled"]
        #expect(events.withLock { $0 } == expected)
      }
    }

    @Test("HTTPS verifies the server and works with a named authority, also through a proxy's tunnel")
    func https() async throws {
      let certificates = try await Certificates()
      let peer = try await Peer.start(
        "http_server.py", certificates.path("good"), certificates.path("good-key"))
      let proxy = try await Peer.start("proxy.py")
      try await EventLoop.running { loop in
        var secure = HTTPRequest(url: "https://localhost:\(peer.port)/hello", proxy: "")
        #expect(await failure(loop, secure)?.code == .certificate(.unknownAuthority))
        secure.certificateAuthorities = certificates.path("ca")
        #expect(try await loop.response(for: secure).body == Array("hello".utf8))
        secure.proxy = "http://127.0.0.1:\(proxy.port)"
        let response = try await loop.response(for: secure)
        #expect(response.body == Array("hello".utf8))
        #expect(response.headers["X-Target"] == nil)
      }
    }

    @Test("a hundred requests at once are answered each with its own")
    func concurrent() async throws {
      let peer = try await Peer.start("http_server.py")
      try await EventLoop.running { loop in
        let bodies = try await withThrowingTaskGroup(of: Bool.self) { group in
          for index in 0..<100 {
            let body = Array("\(index)".utf8)
            let one = request(peer, "/", method: "POST", body: body)
            group.addTask { try await loop.response(for: one).body == Array("POST none ".utf8) + body }
          }
          return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(bodies.count == 100 && bodies.allSatisfy { $0 })
      }
    }
  }
}
