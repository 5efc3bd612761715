import Foundation
import Glibc
import HTTPCore
import NetLoop
import Testing

extension PeerTests {
  @Suite struct ConnectionTests {
    @Test("a plain connection carries bytes both ways and ends in order when the peer closes")
    func plain() async throws {
      let peer = try await Peer.start("tcp.py", "close")
      try await EventLoop.running { loop in
        let recorder = Recorder()
        loop.connect(.local(peer.port), sending: [1], recorder)
        await recorder.waitForEnd()
        #expect(recorder.text == "bye")
        #expect(recorder.entries == [.connected, .drained, .closed(nil)])
      }
    }

    @Test("our own close is told once, also when repeated")
    func ownClose() async throws {
      let peer = try await Peer.start("tcp.py", "echo")
      try await EventLoop.running { loop in
        let recorder = Recorder()
        let connection = loop.connect(.local(peer.port), sending: Array("abc".utf8), recorder)
        await recorder.wait { $0.receivedCount == 3 }
        await loop.call {
          connection.close()
          connection.close()
          connection.send([1])
        }
        await recorder.waitForEnd()
        await loop.call {}
        #expect(recorder.entries == [.connected, .drained, .closed(nil)])
      }
    }

    @Test("a reset by the peer is a lost connection")
    func reset() async throws {
      let peer = try await Peer.start("tcp.py", "reset")
      try await EventLoop.running { loop in
        let recorder = Recorder()
        loop.connect(.local(peer.port), sending: [1], recorder)
        await recorder.waitForEnd()
        #expect(recorder.error?.code == .connectionLost)
      }
    }

    @Test("a closed port refuses the connection, and the sentence names it")
    func refused() async throws {
      let port = try unusedPort()
      try await EventLoop.running { loop in
        let recorder = Recorder()
        loop.connect(.local(port), recorder)
        await recorder.waitForEnd()
        #expect(recorder.error?.code == .connectionRefused)
        #expect(recorder.error?.description.contains("127.0.0.1:\(port) refused the connection") == true)
        #expect(recorder.entries.count == 1)
      }
    }

    @Test("a name without an address is not found")
    func nameNotFound() async throws {
      try await EventLoop.running { loop in
        let recorder = Recorder()
        loop.connect(.local(80, host: "nobody.invalid"), recorder)
        await recorder.waitForEnd()
        #expect(recorder.error?.code == .nameNotFound)
        #expect(recorder.error?.description.contains("nobody.invalid") == true)
      }
    }

    @Test(
      "a host with characters that would change the URL is refused",
      arguments: ["", "a/b", "user@host", "host?x", "a b", "a\r\nb", "[::1]", "h#f"])
    func badHost(host: String) async throws {
      try await EventLoop.running { loop in
        let recorder = Recorder()
        loop.connect(.local(80, host: host), recorder)
        await recorder.waitForEnd()
        #expect(recorder.error?.code == .badRequest)
      }
    }

    @Test("a server that does not answer in time is given up, also when others to it wait for their turn")
    func timeout() async throws {
      let full = try FullListener()
      try await EventLoop.running { loop in
        let recorders = (0..<40).map { _ in Recorder() }
        let begun = ContinuousClock.now
        for recorder in recorders { loop.connect(.local(full.port, timeout: .milliseconds(300)), recorder) }
        for recorder in recorders {
          await recorder.waitForEnd()
          #expect(recorder.error?.code == .timedOut)
        }
        let elapsed = ContinuousClock.now - begun
        #expect(elapsed >= .milliseconds(300))
        #expect(elapsed < .seconds(3))
      }
    }

    @Test("a host that does not answer does not hold up another")
    func deadHost() async throws {
      let full = try FullListener()
      let peer = try await Peer.start("tcp.py", "close")
      try await EventLoop.running { loop in
        let dead = (0..<40).map { _ in Recorder() }
        for recorder in dead { loop.connect(.local(full.port, timeout: .seconds(30)), recorder) }
        let recorder = Recorder()
        loop.connect(.local(peer.port), sending: [1], recorder)
        await recorder.waitForEnd()
        #expect(recorder.text == "bye")
        #expect(dead.allSatisfy { $0.entries.isEmpty })
      }
    }

    @Test("a connect can be given up while it waits and while it is under way")
    func giveUp() async throws {
      let full = try FullListener()
      try await EventLoop.running { loop in
        let recorders = (0..<40).map { _ in Recorder() }
        let connections = recorders.map { loop.connect(.local(full.port), $0) }
        for _ in 0..<50 { await loop.call {} }
        await loop.call { for connection in connections { connection.close() } }
        for recorder in recorders {
          await recorder.waitForEnd()
          #expect(recorder.entries == [.closed(nil)])
        }
      }
    }

    @Test(
      "a peer that reads nothing blocks the send, and everything arrives once it reads",
      arguments: [false, true])
    func backPressure(isSecure: Bool) async throws {
      let size = 16 << 20
      let certificates = try await Certificates()
      let peer =
        isSecure
        ? try await Peer.start(
          "tcp.py", "silent", "\(size)", certificates.path("good"), certificates.path("good-key"))
        : try await Peer.start("tcp.py", "silent", "\(size)")
      try await EventLoop.running { loop in
        let data = pattern(size)
        let recorder = Recorder()
        let request =
          isSecure
          ? ConnectRequest.secure(peer.port, authorities: certificates.path("ca")) : .local(peer.port)
        let connection = loop.connect(request, sending: data, recorder)
        await recorder.wait { $0.entries.contains(.connected) }
        let (buffered, blockedSince, now) = await loop.call {
          (connection.bufferedBytes, connection.blockedSince, loop.now)
        }
        #expect(buffered > size / 4)
        let since = try #require(blockedSince)
        #expect(since <= now)
        await recorder.waitForEnd()
        let words = recorder.text.split(separator: " ").map(String.init)
        let file = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
        try Data(data).write(to: file)
        defer { try? FileManager.default.removeItem(at: file) }
        let digest = try await Peer.run("/usr/bin/sha256sum", file.path).prefix(64)
        #expect(words == ["\(size)", String(digest)])
        #expect(recorder.entries == [.connected, .drained, .closed(nil)])
      }
    }

    @Test(
      "a paused connection receives nothing more, and everything after it goes on", arguments: [false, true])
    func pause(isSecure: Bool) async throws {
      let size = 8 << 20
      let certificates = try await Certificates()
      let peer =
        isSecure
        ? try await Peer.start(
          "tcp.py", "source", "\(size)", certificates.path("good"), certificates.path("good-key"))
        : try await Peer.start("tcp.py", "source", "\(size)")
      try await EventLoop.running { loop in
        let recorder = Recorder()
        let request =
          isSecure
          ? ConnectRequest.secure(peer.port, authorities: certificates.path("ca")) : .local(peer.port)
        let connection = loop.connect(request) { connection, event in
          if case .connected = event { connection.send([1]) }
          if case .received = event, recorder.receivedCount == 0 { connection.pauseReading() }
          recorder.record(event)
        }
        await recorder.wait { $0.receivedCount > 0 }
        let before = recorder.receivedCount
        await withCheckedContinuation { continuation in
          loop.schedule(after: .milliseconds(100)) { continuation.resume() }
        }
        #expect(recorder.receivedCount == before)
        #expect(before <= 65_536)
        await loop.call { connection.resumeReading() }
        await recorder.waitForEnd()
        #expect(recorder.receivedCount == size)
        #expect(recorder.received == pattern(size))
        #expect(recorder.error == nil)
      }
    }

    @Test("a paused connection whose peer went away does not keep the loop busy and ends once resumed")
    func pausedAndClosed() async throws {
      let peer = try await Peer.start("tcp.py", "close")
      try await EventLoop.running { loop in
        let recorder = Recorder()
        let connection = loop.connect(.local(peer.port)) { connection, event in
          if case .connected = event { connection.send([1]) }
          if case .received = event { connection.pauseReading() }
          recorder.record(event)
        }
        await recorder.wait { $0.receivedCount == 3 }
        let turns = loop.statistics.turns
        await withCheckedContinuation { continuation in
          loop.schedule(after: .milliseconds(50)) { continuation.resume() }
        }
        #expect(loop.statistics.turns - turns < 10)
        #expect(recorder.entries == [.connected, .drained])
        await loop.call { connection.resumeReading() }
        await recorder.waitForEnd()
        #expect(recorder.error == nil)
      }
    }

    @Test("two hundred connections at once get their own bytes back", arguments: [false, true])
    func concurrent(isSecure: Bool) async throws {
      let certificates = try await Certificates()
      let peer =
        isSecure
        ? try await Peer.start("tcp.py", "echo", certificates.path("good"), certificates.path("good-key"))
        : try await Peer.start("tcp.py", "echo")
      try await EventLoop.running { loop in
        let request =
          isSecure
          ? ConnectRequest.secure(peer.port, authorities: certificates.path("ca")) : .local(peer.port)
        let messages = (0..<200).map { index in (0..<3000).map { UInt8(truncatingIfNeeded: $0 &* index) } }
        let recorders = messages.map { _ in Recorder() }
        let connections = zip(messages, recorders).map { loop.connect(request, sending: $0, $1) }
        for recorder in recorders {
          await recorder.wait { $0.receivedCount >= 3000 || $0.isClosed }
        }
        for (message, recorder) in zip(messages, recorders) { #expect(recorder.received == message) }
        await loop.call { for connection in connections { connection.close() } }
        for recorder in recorders { await recorder.waitForEnd() }
      }
    }

    @Test("an HTTP proxy is asked for a tunnel, also for a plain connection")
    func proxy() async throws {
      let proxy = try await Peer.start("proxy.py")
      let peer = try await Peer.start("tcp.py", "close")
      try await EventLoop.running { loop in
        let recorder = Recorder()
        // Only the proxy can lead this name anywhere.
        var request = ConnectRequest.local(peer.port, host: "behind-the-proxy.invalid")
        request.proxy = "http://127.0.0.1:\(proxy.port)"
        loop.connect(request, sending: [1], recorder)
        await recorder.waitForEnd()
        #expect(recorder.text == "bye")
        #expect(recorder.error == nil)
      }
    }

    @Test("a proxy's refusal is told with its status", arguments: [403, 407])
    func proxyRefuses(status: Int) async throws {
      let proxy = try await Peer.start("proxy.py", "\(status)")
      try await EventLoop.running { loop in
        let recorder = Recorder()
        var request = ConnectRequest.local(80, host: "behind-the-proxy.invalid")
        request.proxy = "http://user:secret@127.0.0.1:\(proxy.port)"
        loop.connect(request, recorder)
        await recorder.waitForEnd()
        #expect(recorder.error?.code == .proxyRefused(status: status))
        #expect(recorder.error?.description.contains("secret") == false)
      }
    }
  }
}

/// The bytes 0 to 255 over and over, as the peers make them.
func pattern(_ size: Int) -> [UInt8] {
  let block = Array(UInt8.min...UInt8.max)
  return [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
    while count < size {
      let length = min(256, size - count)
      memcpy(buffer.baseAddress! + count, block, length)
      count += length
    }
  }
}

/// A port nobody listens on.
func unusedPort() throws -> UInt16 {
  let full = try FullListener()
  return full.port
}

/// Listens and accepts nobody, its queue full: a connect to it stays without an answer.
final class FullListener: Sendable {
  let port: UInt16
  private let descriptors: [Int32]

  init() throws {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let type = Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
    var descriptors = [socket(AF_INET, type, 0)]
    let listener = descriptors[0]
    withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
        _ = bind(listener, pointer, length)
        _ = listen(listener, 0)
        _ = getsockname(listener, pointer, &length)
        for _ in 0..<3 {
          let client = socket(AF_INET, type, 0)
          _ = connect(client, pointer, length)
          descriptors.append(client)
        }
      }
    }
    port = UInt16(bigEndian: address.sin_port)
    self.descriptors = descriptors
    try #require(descriptors.allSatisfy { $0 >= 0 } && port != 0)
  }

  deinit {
    for descriptor in descriptors { close(descriptor) }
  }
}
