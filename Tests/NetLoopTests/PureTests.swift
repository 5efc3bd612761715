import HTTPCore
import Platform
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
    #expect(head.headers["c"] == "d e")
    #expect(head.headers["x"] == nil)
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
  private func place(_ path: String, _ name: String) -> CertificateAuthorities.Place {
    CertificateAuthorities.Place(path: path, namedBy: name)
  }

  @Test("a file named with the request is the only source")
  func overridden() {
    let environment = CertificateAuthorities(
      file: place("/a.pem", "SSL_CERT_FILE"), directory: place("/certs", "SSL_CERT_DIR"))
    #expect(environment.overridden(by: nil) == environment)
    #expect(environment.overridden(by: "/b.pem") == CertificateAuthorities(file: place("/b.pem", "ca=")))
  }

  @Test(
    "SSL_CERT_FILE comes before CURL_CA_BUNDLE, SSL_CERT_DIR stands beside either, empty ones do not count")
  func environment() {
    func read(_ variables: [String: String]) -> CertificateAuthorities {
      CertificateAuthorities { variables[$0] }
    }
    let directory = place("/c", "SSL_CERT_DIR")
    #expect(read([:]) == CertificateAuthorities())
    #expect(
      read(["CURL_CA_BUNDLE": "/a", "SSL_CERT_FILE": "/b", "SSL_CERT_DIR": "/c"])
        == CertificateAuthorities(file: place("/b", "SSL_CERT_FILE"), directory: directory))
    #expect(
      read(["CURL_CA_BUNDLE": "/a", "SSL_CERT_FILE": "", "SSL_CERT_DIR": "/c"])
        == CertificateAuthorities(file: place("/a", "CURL_CA_BUNDLE"), directory: directory))
  }

  @Test("paths that cannot be read are told with who names them; one good directory of a list is enough")
  func flaws() {
    func flaw(_ variables: [String: String]) -> String? {
      CertificateAuthorities { variables[$0] }.flaw?.description
    }
    #expect(flaw([:]) == nil)
    #expect(
      flaw(["SSL_CERT_FILE": "/nonexistent/ca.pem"])
        == "The certificate authorities that SSL_CERT_FILE names, /nonexistent/ca.pem, cannot be used: No such file or directory"
    )
    #expect(flaw(["SSL_CERT_FILE": "/etc"])?.contains("it is a directory") == true)
    #expect(flaw(["SSL_CERT_DIR": "/etc/passwd"])?.contains("SSL_CERT_DIR names, /etc/passwd") == true)
    #expect(flaw(["SSL_CERT_DIR": "/nonexistent:/also-not"])?.contains("No such file") == true)
    #expect(flaw(["SSL_CERT_DIR": "/nonexistent:/etc"]) == nil)
    #expect(
      flaw(["SSL_CERT_FILE": "/nonexistent", "CURL_CA_BUNDLE": "/etc/passwd"])?.contains("nonexistent")
        == true)
  }
}

@Suite struct ProxyTests {
  private func place(_ variables: [String: String], _ target: String, isSecure: Bool = false)
    throws(NetworkFailure)
    -> String?
  {
    let target = HostAndPort(target)!
    let full = HostAndPort(host: target.host, port: target.port ?? (isSecure ? 443 : 80))
    return try ProxyEnvironment { variables[$0] }.proxy(isSecure: isSecure, target: full)?.title
  }

  @Test("each kind of connection has its variable, lower case first; all_proxy is for what has none")
  func variables() throws {
    let all = ["http_proxy": "http://a:1", "https_proxy": "http://b:2", "all_proxy": "socks5h://c:3"]
    #expect(try place(all, "example.com") == "proxy a:1 (from http_proxy)")
    #expect(try place(all, "example.com", isSecure: true) == "proxy b:2 (from https_proxy)")
    #expect(try place(["ALL_PROXY": "socks5h://c"], "example.com") == "proxy c:1080 (from ALL_PROXY)")
    #expect(
      try place(["HTTPS_PROXY": "d:4", "https_proxy": ""], "x", isSecure: true)
        == "proxy d:4 (from HTTPS_PROXY)")
    // A header of a CGI program's client.
    #expect(try place(["HTTP_PROXY": "http://a:1"], "example.com") == nil)
    #expect(
      try place(["http_proxy": "http://user:pass@[::1]:8080/"], "x") == "proxy [::1]:8080 (from http_proxy)")
  }

  @Test(
    "this machine never has a proxy, however it is named",
    arguments: [
      "localhost", "LOCALHOST.", "flux.localhost", "127.0.0.1:8119", "127.9.8.7", "[::1]:1",
      "[::ffff:127.0.0.1]",
      "0.0.0.0:1", "[::]:1",
    ])
  func loopback(host: String) throws {
    let all = [
      "http_proxy": "http://a:1", "https_proxy": "http://a:1", "ALL_PROXY": "http://a:1", "no_proxy": "x",
    ]
    #expect(try place(all, host) == nil)
    #expect(try place(all, host, isSecure: true) == nil)
    // What cannot be understood is of no concern then either.
    #expect(try place(["all_proxy": "::::"], host) == nil)
  }

  @Test("a name that only looks like this machine has one")
  func others() throws {
    for host in ["localhost.example.com", "notlocalhost", "128.0.0.1", "[::2]", "127.0.0.1.example.com"] {
      #expect(try place(["http_proxy": "a:1"], host) != nil, "\(host)")
    }
  }

  @Test(
    "no_proxy exempts domains, addresses and blocks of them, with a port or without",
    arguments: [
      (
        "example.com", ["example.com", "a.b.example.com:8", "EXAMPLE.com."],
        ["badexample.com", "example.org"]
      ),
      (".example.com, *.test", ["example.com", "a.example.com", "a.test", "test"], ["ample.com"]),
      ("*", ["example.com", "10.0.0.1", "[fd00::1]:3"], []),
      ("a,* b", ["example.com"], []),
      ("example.com:8443", ["example.com:8443", "a.example.com:8443"], ["example.com", "example.com:80"]),
      (
        "10.0.0.0/8 192.168.1.7", ["10.255.1.2:99", "192.168.1.7"],
        ["11.0.0.1", "192.168.1.70", "10.example.com"]
      ),
      ("0.0.0.1", [], ["10.0.0.1"]),
      (
        "fd00::/8,[fe80::1]:80,2001:db8::1", ["[fdab::1]", "[fe80::1]", "[2001:db8::1]:3"],
        ["[fe80::1]:81", "[fc00::1]"]
      ),
      (",, ,/ 10.0.0.0/99 :80 [", [], ["example.com", "10.0.0.1"]),
    ] as [(String, [String], [String])])
  func exemptions(list: String, past: [String], through: [String]) throws {
    let variables = ["http_proxy": "a:1", "no_proxy": list]
    for host in past { #expect(try place(variables, host) == nil, "\(list): \(host)") }
    for host in through { #expect(try place(variables, host) != nil, "\(list): \(host)") }
  }

  @Test(
    "what is no proxy is told by its variable, and never repeated: it may hold a password",
    arguments: [
      "http://us er:secret@a:1", "ftp://user:secret@a:1", "http://:secret@", "://", "http://secret:99999",
      "secret://", "http:// secret",
    ])
  func nonsense(url: String) {
    let error = #expect(throws: NetworkFailure.self) { try place(["http_proxy": url], "example.com") }
    #expect(error?.code == .proxySetting)
    #expect(error?.description.hasPrefix("http_proxy ") == true)
    #expect(error?.description.contains("secret") == false)
  }
}

@Suite struct RedirectTests {
  private func follow(
    _ url: String, _ status: Int, _ location: String, method: String = "GET", headers: HTTPHeaders = []
  ) throws(NetworkFailure) -> HTTPRequest? {
    let request = HTTPRequest(
      method: method, url: url, headers: headers, body: method == "POST" ? [1] : [], maximumRedirects: 2)
    return try request.redirected(
      by: HTTPResponseHead(status: status, headers: [HTTPHeader("location", location)]))
  }

  @Test("a redirect may name the whole address, or a part of it")
  func targets() throws {
    #expect(try follow("http://a/b/c?d", 302, "/e?f")?.url == "http://a/e?f")
    #expect(try follow("http://a/b/c?d", 302, "e")?.url == "http://a/b/e")
    #expect(try follow("http://a/b", 302, "//c/d")?.url == "http://c/d")
    #expect(try follow("http://a/b", 302, "https://c:8/d")?.url == "https://c:8/d")
    #expect(try follow("http://a/b", 200, "/e") == nil)
    #expect(try follow("http://a/b", 307, "/e")?.maximumRedirects == 1)
  }

  @Test("credentials stay with their host, and only a method that asks stays what it is")
  func rewriting() throws {
    let headers: HTTPHeaders = [
      HTTPHeader("Authorization", "x"), HTTPHeader("cookie", "y"), HTTPHeader("X-Api-Key", "z"),
      HTTPHeader("User-Agent", "u"),
    ]
    #expect(try follow("http://a/b", 307, "/c", headers: headers)?.headers.count == 4)
    #expect(
      try follow("http://a/b", 307, "http://a:81/c", headers: headers)?.headers
        == [HTTPHeader("User-Agent", "u")])
    #expect(try follow("http://a/b", 303, "/c", method: "POST")?.method == "GET")
    #expect(try follow("http://a/b", 302, "/c", method: "POST")?.body == [])
    #expect(try follow("http://a/b", 308, "/c", method: "POST")?.body == [1])
    #expect(try follow("http://a/b", 302, "/c", method: "HEAD")?.method == "HEAD")
  }

  @Test("none leads out of http and https, nor from a protected connection to an open one; where to is told")
  func refused() {
    for (location, word) in [
      ("http://user:secret@b/c?secret#secret", "http://b/c"), ("ftp://b/secret?secret", "ftp://b/"),
      ("http://[", "no address"), ("http://b/a\u{1B}[2J", "no address"),
    ] {
      let error = #expect(throws: NetworkFailure.self) {
        try follow("https://a/b?token=secret", 302, location)
      }
      #expect(error?.description.contains(word) == true, "\(String(describing: error))")
      #expect(
        error?.description.contains("?secret") == false && error?.description.contains(":secret") == false)
    }
  }
}

@Suite struct IdleConnectionsTests {
  private final class Client {}

  @Test("the oldest makes room; one that has been of use is young again, one at work is left alone")
  func order() {
    let clients = (0..<5).map { _ in Client() }
    let ids = clients.map { ObjectIdentifier($0) }
    var idle = IdleConnections(limit: 2)
    #expect(idle.add(ids[0]) == nil)
    #expect(idle.add(ids[1]) == nil)
    #expect(idle.add(ids[0]) == nil)
    #expect(idle.add(ids[2]) == ids[1])
    idle.remove(ids[0])
    #expect(idle.add(ids[3]) == nil)
    #expect(idle.add(ids[4]) == ids[2])
    // Gone is gone, also twice.
    idle.remove(ids[2])
    idle.remove(ids[3])
    #expect(idle.add(ids[0]) == nil)
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
