import Foundation
import Glibc
import HTTPCore
import Synchronization
import Testing

@testable import NetLoop

extension PeerTests {
  /// In processes of their own, where nobody else opens descriptors.
  @Suite struct ResourceTests {
    private static func descriptors() -> Int {
      (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count) ?? -1
    }

    @Test(
      "stopping with live connections, connects, transfers and listeners ends them all and leaks no descriptor"
    )
    func stop() async {
      await #expect(processExitsWith: .success) {
        let certificates = try await Certificates()
        let echo = try await Peer.start("tcp.py", "echo")
        let secureEcho = try await Peer.start(
          "tcp.py", "echo", certificates.path("good"), certificates.path("good-key"))
        let web = try await Peer.start("http_server.py")
        let full = try FullListener()
        func round() async throws {
          let loop = try EventLoop()
          loop.start()
          let plain = (0..<20).map { _ in Recorder() }
          for recorder in plain { loop.connect(.local(echo.port), sending: [1], recorder) }
          let secure = (0..<5).map { _ in Recorder() }
          for recorder in secure {
            loop.connect(
              .secure(secureEcho.port, authorities: certificates.path("ca")), sending: [1], recorder)
          }
          for recorder in plain + secure { await recorder.wait { $0.receivedCount == 1 } }
          let stuck = (0..<20).map { _ in Recorder() }
          for recorder in stuck { loop.connect(.local(full.port), recorder) }
          // Leaves an idle connection with libcurl.
          let url = "http://127.0.0.1:\(web.port)"
          guard try await loop.response(for: HTTPRequest(url: url + "/hello", proxy: "")).status == 200 else {
            exit(2)
          }
          let ends = Mutex<[NetworkFailure?]>([])
          loop.transfer(HTTPRequest(url: url + "/slow", proxy: "")) { _, event in
            if case .finished(let error) = event { ends.withLock { $0.append(error) } }
          }
          let listener = try loop.listen(on: .tcp(port: 0)) { _ in { _, _ in } }
          let own = Recorder()
          loop.connect(.local(listener.port ?? 0), own)
          await own.wait { $0.entries == [.connected] }
          loop.schedule(after: .seconds(60)) { exit(3) }
          loop.stop()
          let all = plain + secure + stuck + [own]
          guard all.allSatisfy({ $0.error == .stopped }), ends.withLock({ $0 }) == [.stopped] else {
            exit(4)
          }
        }
        try await round()
        let before = Self.descriptors()
        for _ in 0..<3 { try await round() }
        let after = Self.descriptors()
        guard before > 0 && after <= before else {
          print("descriptors before \(before), after \(after)")
          exit(5)
        }
      }
    }

    @Test("an open connection has one descriptor, and none once it is closed")
    func each() async {
      await #expect(processExitsWith: .success) {
        let echo = try await Peer.start("tcp.py", "echo")
        let loop = try EventLoop()
        loop.start()
        func open(_ count: Int) async -> [(Recorder, ByteConnection)] {
          let recorders = (0..<count).map { _ in Recorder() }
          let connections = recorders.map { loop.connect(.local(echo.port), sending: [1], $0) }
          for recorder in recorders { await recorder.wait { $0.receivedCount == 1 } }
          return Array(zip(recorders, connections))
        }
        // With what the first connection makes for all.
        let first = await open(1)
        let before = Self.descriptors()
        let more = await open(20)
        guard Self.descriptors() == before + 20 else { exit(2) }
        loop.execute { for (_, connection) in more { connection.close() } }
        for (recorder, _) in more { await recorder.waitForEnd() }
        guard Self.descriptors() == before, first[0].0.error == nil else { exit(3) }
        loop.stop()
      }
    }

    @Test("a listener without descriptors waits instead of spinning and goes on when there are some again")
    func exhaustion() async {
      await #expect(processExitsWith: .success) {
        let loop = try EventLoop()
        loop.start()
        let accepted = Atomic(0)
        let listener = try loop.listen(on: .tcp(port: 0)) { _ in
          accepted.add(1, ordering: .relaxed)
          return { connection, event in
            if case .received(let bytes) = event { connection.send(bytes) }
          }
        }
        // The client's socket exists before there are none left for the listener's side.
        let client = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var held: [Int32] = []
        // Above what was inherited from the tests that run beside it.
        let open = try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").compactMap {
          UInt($0)
        }
        let most = (open.max() ?? 0) + 64
        var limit = rlimit(rlim_cur: most, rlim_max: most)
        setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        while true {
          let descriptor = Glibc.open("/dev/null", O_RDONLY)
          if descriptor < 0 { break }
          held.append(descriptor)
        }
        guard held.count > 10 else { exit(2) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = (listener.port ?? 0).bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let status = withUnsafePointer(to: &address) { pointer in
          pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            connect(client, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
          }
        }
        guard status == 0 else { exit(3) }
        let turns = loop.statistics.turns
        await withCheckedContinuation { continuation in
          loop.schedule(after: .milliseconds(250)) { continuation.resume() }
        }
        guard accepted.load(ordering: .relaxed) == 0, loop.statistics.turns - turns < 20 else { exit(4) }
        for descriptor in held { close(descriptor) }
        write(client, "x", 1)
        var byte: UInt8 = 0
        guard read(client, &byte, 1) == 1, byte == UInt8(ascii: "x") else { exit(5) }
        loop.stop()
      }
    }

    @Test("proxies and certificate authorities of the environment are used as curl uses them")
    func environment() async {
      await #expect(processExitsWith: .success) {
        let certificates = try await Certificates()
        let peer = try await Peer.start(
          "tcp.py", "close", certificates.path("good"), certificates.path("good-key"))
        let plain = try await Peer.start("tcp.py", "close")
        let proxy = try await Peer.start("proxy.py")
        func attempt(_ request: ConnectRequest) async throws -> Recorder {
          try await EventLoop.running { loop in
            let recorder = Recorder()
            loop.connect(request, sending: [1], recorder)
            await recorder.waitForEnd()
            return recorder
          }
        }
        func text(_ request: ConnectRequest) async throws -> String { try await attempt(request).text }
        func error(_ request: ConnectRequest) async throws -> NetworkFailure? {
          try await attempt(request).error
        }
        let secure = ConnectRequest(isSecure: true, host: "localhost", port: peer.port)
        guard try await text(secure) == "" else { exit(2) }
        for variable in ["CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR"] { unsetenv(variable) }
        for variable in ["CURL_CA_BUNDLE", "SSL_CERT_FILE"] {
          setenv(variable, certificates.path("ca"), 1)
          guard try await text(secure) == "bye" else { exit(3) }
          unsetenv(variable)
        }
        // A directory counts beside the file a system names, and a file the user adds before it.
        setenv("CURL_CA_BUNDLE", "/etc/ssl/certs/ca-certificates.crt", 1)
        let directory = FileManager.default.temporaryDirectory.appending(path: "authorities-\(getpid())").path
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        try FileManager.default.copyItem(atPath: certificates.path("ca"), toPath: "\(directory)/ca.pem")
        _ = try await Peer.run("openssl", "rehash", directory)
        setenv("SSL_CERT_DIR", "/nonexistent:\(directory)", 1)
        guard try await text(secure) == "bye" else { exit(7) }
        setenv("SSL_CERT_DIR", "/nonexistent", 1)
        guard try await error(secure)?.description.contains("SSL_CERT_DIR names, /nonexistent,") == true
        else { exit(8) }
        unsetenv("SSL_CERT_DIR")
        setenv("SSL_CERT_FILE", certificates.path("ca"), 1)
        guard try await text(secure) == "bye" else { exit(9) }
        var named = secure
        named.authorityFile = "/etc/ssl/certs/ca-certificates.crt"
        guard try await error(named)?.code == .certificate(.unknownAuthority) else { exit(10) }
        setenv("SSL_CERT_FILE", "/etc/passwd", 1)
        guard try await error(secure)?.description.contains("SSL_CERT_FILE names, /etc/passwd,") == true
        else { exit(11) }
        setenv("SSL_CERT_FILE", certificates.path("ca"), 1)
        let hidden = ConnectRequest(isSecure: false, host: "behind-the-proxy.invalid", port: plain.port)
        guard try await text(hidden) == "" else { exit(4) }
        setenv("http_proxy", "http://127.0.0.1:\(proxy.port)", 1)
        guard try await text(hidden) == "bye" else { exit(5) }
        setenv("no_proxy", "behind-the-proxy.invalid", 1)
        guard try await text(hidden) == "" else { exit(6) }
        // Nobody listens at that port: what is meant for this machine does not go there.
        for variable in ["http_proxy", "https_proxy", "all_proxy", "HTTPS_PROXY", "ALL_PROXY"] {
          setenv(variable, "http://127.0.0.1:9", 1)
        }
        for host in ["localhost", "127.0.0.1", "127.1", "0.0.0.0", "a.localhost"] {
          guard try await text(.init(isSecure: false, host: host, port: plain.port)) == "bye" else {
            exit(12)
          }
        }
        guard try await text(secure) == "bye" else { exit(13) }
      }
    }

    @Test("no connection or listener is inherited by a child process")
    func inheritance() async {
      await #expect(processExitsWith: .success) {
        // libcurl's own wake-up pair is, which it opens before we have a say; it is not a connection.
        func inherited() -> Set<String> {
          let all = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")) ?? []
          return Set(
            all.filter { name in
              let descriptor = Int32(name) ?? -1
              var domain: Int32 = 0
              var length = socklen_t(MemoryLayout<Int32>.size)
              getsockopt(descriptor, SOL_SOCKET, SO_DOMAIN, &domain, &length)
              let flags = fcntl(descriptor, F_GETFD)
              return flags >= 0 && flags & FD_CLOEXEC == 0 && (domain == AF_INET || domain == AF_INET6)
            })
        }
        let echo = try await Peer.start("tcp.py", "echo")
        let before = inherited()
        let loop = try EventLoop()
        loop.start()
        let listener = try loop.listen(on: .tcp(port: 0)) { _ in
          { connection, event in
            if case .connected = event { connection.send([1]) }
          }
        }
        let recorders = [Recorder(), Recorder()]
        loop.connect(.local(echo.port, host: "localhost"), sending: [1], recorders[0])
        loop.connect(.local(listener.port ?? 0), recorders[1])
        for recorder in recorders { await recorder.wait { $0.receivedCount == 1 } }
        guard inherited() == before else {
          print("inherited \(inherited().subtracting(before))")
          exit(2)
        }
        loop.stop()
      }
    }
  }
}
