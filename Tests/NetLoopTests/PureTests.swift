import TestSupport
import Testing

@testable import NetLoop

@Suite struct ConnectThrottleTests {
  @Test("a host begins so many at once, in the order of asking, and one more for each that finishes")
  func limit() {
    var throttle = ConnectThrottle<Int>(limitPerHost: 2)
    for id in 0..<5 { throttle.enqueue(id, host: "a") }
    #expect([throttle.next(), throttle.next(), throttle.next()] == [0, 1, nil])
    #expect(!throttle.canBegin)
    throttle.finish(host: "a")
    #expect(throttle.canBegin)
    #expect([throttle.next(), throttle.next()] == [2, nil])
    throttle.finish(host: "a")
    throttle.finish(host: "a")
    #expect([throttle.next(), throttle.next(), throttle.next()] == [3, 4, nil])
  }

  @Test("hosts take turns, and a host at its limit holds up no other")
  func turns() {
    var throttle = ConnectThrottle<String>(limitPerHost: 2)
    for id in ["a1", "a2", "a3"] { throttle.enqueue(id, host: "a") }
    for id in ["b1", "b2"] { throttle.enqueue(id, host: "b") }
    #expect((0..<5).map { _ in throttle.next() } == ["a1", "b1", "a2", "b2", nil])
    throttle.finish(host: "b")
    #expect(throttle.next() == nil)
    throttle.finish(host: "a")
    #expect(throttle.next() == "a3")
  }

  @Test("a withdrawn connect does not begin, and its host's turn passes")
  func withdraw() {
    var throttle = ConnectThrottle<Int>(limitPerHost: 1)
    throttle.enqueue(1, host: "a")
    throttle.withdraw(1, host: "a")
    throttle.withdraw(1, host: "a")
    #expect(!throttle.canBegin)
    throttle.enqueue(2, host: "a")
    #expect(throttle.next() == 2)
  }

  @Test("whatever comes in whatever order, limits hold and everybody not withdrawn begins once")
  func random() {
    var random = SeededGenerator(seed: 11)
    for _ in 0..<200 {
      var throttle = ConnectThrottle<Int>(limitPerHost: 3)
      var waiting: [Int: String] = [:]
      var inFlight: [String: Int] = [:]
      var nextID = 0
      func host() -> String { ["a", "b", "c", "d"][Int(random.next() % 4)] }
      for _ in 0..<300 {
        switch random.next() % 4 {
        case 0:
          waiting[nextID] = host()
          throttle.enqueue(nextID, host: waiting[nextID]!)
          nextID += 1
        case 1:
          if let (id, host) = waiting.randomElement(using: &random) {
            throttle.withdraw(id, host: host)
            waiting[id] = nil
          }
        case 2:
          let host = ["a", "b", "c", "d"][Int(random.next() % 4)]
          if inFlight[host, default: 0] > 0 {
            inFlight[host]! -= 1
            throttle.finish(host: host)
          }
        default:
          let mayBegin = waiting.values.contains { inFlight[$0, default: 0] < 3 }
          #expect(throttle.canBegin == mayBegin)
          let id = throttle.next()
          #expect((id != nil) == mayBegin)
          if let id {
            inFlight[waiting.removeValue(forKey: id)!, default: 0] += 1
          }
        }
        #expect(inFlight.values.allSatisfy { $0 <= 3 })
      }
    }
  }
}

@Suite struct OutgoingBufferTests {
  @Test(
    "bytes come out as they went in, and an offer that was refused is repeated at the same place unchanged")
  func random() {
    var random = SeededGenerator(seed: 5)
    for _ in 0..<12 {
      let pool = ChunkPool()
      var buffer = OutgoingBuffer()
      var expected: [UInt8] = []
      var taken: [UInt8] = []
      var refused: UnsafeRawBufferPointer?
      for _ in 0..<100 {
        if random.next() % 2 == 0 {
          let bytes = (0..<Int(random.next() % 9000)).map { _ in UInt8(truncatingIfNeeded: random.next()) }
          bytes.withUnsafeBytes { buffer.append($0, from: pool) }
          expected += bytes
        } else if let front = buffer.front {
          #expect(!front.isEmpty && front.count <= OutgoingBuffer.chunkCapacity)
          if let refused {
            #expect(front.baseAddress == refused.baseAddress && front.count == refused.count)
          }
          if random.next() % 2 == 0 {
            buffer.freezeFront()
            refused = front
          } else {
            let count = 1 + Int(random.next() % UInt64(front.count))
            taken += front.prefix(count)
            buffer.consume(count, pool: pool)
            refused = nil
          }
        }
        #expect(buffer.count == expected.count - taken.count)
      }
      while let front = buffer.front {
        taken += front
        buffer.consume(front.count, pool: pool)
      }
      #expect(taken == expected)
    }
  }
}

@Suite struct HTTPResponseHeadParserTests {
  private func parse(_ lines: [String]) -> (HTTPResponseHead, [HTTPResponseHeadParser.Outcome]) {
    var parser = HTTPResponseHeadParser()
    let outcomes = lines.map { line in Array(line.utf8).withUnsafeBytes { parser.add($0) } }
    return (parser.head, outcomes)
  }

  @Test("the head is that of the last response; trailers and lines without a colon are left out")
  func last() {
    let (head, outcomes) = parse([
      "HTTP/1.1 100 Continue\r\n", "\r\n", "HTTP/1.1 302 Found\r\n", "Location: /x\r\n", "\r\n",
      "HTTP/1.0 200 OK\n", "A:b\n", "C:\t d e \r\n", "no colon\r\n", "E:\r\n", "\r\n", "Trailer: x\r\n",
    ])
    #expect(head.status == 200)
    #expect(head.headers == [HTTPHeader("A", "b"), HTTPHeader("C", "d e"), HTTPHeader("E", "")])
    #expect(outcomes.filter { $0 == .complete }.count == 3)
    #expect(head.value(of: "c") == "d e")
    #expect(head.value(of: "x") == nil)
  }

  @Test("a status line without a number has status 0, one with a long number traps nobody")
  func status() {
    #expect(parse(["HTTP/1.1\r\n"]).0.status == 0)
    #expect(parse(["HTTP/1.1 \r\n"]).0.status == 0)
    #expect(parse(["HTTP/1.1 99999999999999999999999\r\n"]).0.status == 999)
    #expect(parse(["HTTP/2 204\r\n"]).0.status == 204)
  }

  @Test("headers without end are too large")
  func large() {
    let (_, outcomes) = parse(
      ["HTTP/1.1 200 OK\r\n"] + Array(repeating: "X: 0123456789012345\r\n", count: 7000))
    #expect(outcomes.last == .tooLarge)
    #expect(outcomes[5000] == .more)
  }

  @Test("any change of any byte is read without a trap")
  func mutations() {
    var random = SeededGenerator(seed: 3)
    let lines = ["HTTP/1.1 200 OK\r\n", "Content-Type: text/plain; q=\"a\"\r\n", "X:\r\n", "\r\n"].map {
      Array($0.utf8)
    }
    for _ in 0..<5000 {
      var parser = HTTPResponseHeadParser()
      for line in lines {
        var bytes = line
        for _ in 0..<(random.next() % 4) {
          let index = Int(random.next() % UInt64(bytes.count))
          if random.next() % 3 == 0, bytes.count > 1 {
            bytes.remove(at: index)
          } else {
            bytes[index] = UInt8(truncatingIfNeeded: random.next())
          }
        }
        _ = bytes.withUnsafeBytes { parser.add($0) }
      }
      #expect((0...999).contains(parser.head.status))
    }
  }
}

@Suite struct CertificateAuthoritiesTests {
  @Test("a file named with the request is the only source")
  func overridden() {
    let environment = CertificateAuthorities(file: "/a.pem", directory: "/certs")
    #expect(environment.overridden(by: nil) == environment)
    #expect(environment.overridden(by: "/b.pem") == CertificateAuthorities(file: "/b.pem", directory: nil))
  }

  @Test("CURL_CA_BUNDLE comes first, SSL_CERT_FILE and SSL_CERT_DIR stand together, empty ones do not count")
  func environment() {
    func read(_ variables: [String: String]) -> CertificateAuthorities {
      CertificateAuthorities { variables[$0] }
    }
    #expect(read([:]) == CertificateAuthorities())
    #expect(
      read(["CURL_CA_BUNDLE": "/a", "SSL_CERT_FILE": "/b", "SSL_CERT_DIR": "/c"])
        == CertificateAuthorities(file: "/a"))
    #expect(
      read(["CURL_CA_BUNDLE": "", "SSL_CERT_FILE": "/b", "SSL_CERT_DIR": "/c"])
        == CertificateAuthorities(file: "/b", directory: "/c"))
  }
}

@Suite struct DurationTests {
  @Test("milliseconds are rounded up, never below zero, never overflowing")
  func milliseconds() {
    #expect(Duration.zero.millisecondsRoundedUp == 0)
    #expect(Duration.nanoseconds(1).millisecondsRoundedUp == 1)
    #expect(Duration.milliseconds(5).millisecondsRoundedUp == 5)
    #expect(Duration.microseconds(5001).millisecondsRoundedUp == 6)
    #expect(Duration.seconds(-3).millisecondsRoundedUp == 0)
    #expect(Duration.milliseconds(-3).millisecondsRoundedUp == 0)
    #expect(Duration.seconds(Int64.max).millisecondsRoundedUp == .max)
  }
}

@Suite struct MaskKeysTests {
  @Test("no key of many is given twice, however often new ones are fetched, and every bit changes")
  func keys() {
    let keys = MaskKeys()
    let given = (0..<1000).map { _ in keys.next() }
    // Two of a thousand are equal by chance once in ten thousand times, three never.
    #expect(Set(given).count >= 999)
    for bit in 0..<32 { #expect((300...700).contains(given.count { $0 >> bit & 1 == 1 }), "bit \(bit)") }
  }
}
