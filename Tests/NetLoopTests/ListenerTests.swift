import Foundation
import Glibc
import HTTPCore
import NetLoop
import Synchronization
import TestSupport
import Testing

extension PeerTests {
  @Suite struct ListenerTests {
    private func echo(_ loop: EventLoop) throws -> Listener {
      try loop.listen(on: .tcp(port: 0)) { _ in
        { connection, event in
          if case .received(let bytes) = event { connection.send(bytes) }
        }
      }
    }

    @Test("fifty clients at once get their own bytes back")
    func echoes() async throws {
      try await EventLoop.running { loop in
        let listener = try echo(loop)
        #expect(listener.address == "127.0.0.1:\(try #require(listener.port))")
        #expect(try await Peer.run("client.py", "echo", listener.address, "50", "100000") == "ok 50")
      }
    }

    @Test("closing when drained delivers everything to a slow reader, then ends in order")
    func closeWhenDrained() async throws {
      try await EventLoop.running { loop in
        let size = 6 << 20
        let recorder = Recorder()
        let listener = try loop.listen(on: .tcp(port: 0)) { _ in
          { connection, event in
            if case .received = event {
              connection.send(pattern(size))
              connection.closeWhenDrained()
              connection.send([1])
            }
            recorder.record(event)
          }
        }
        let answer = try await Peer.run("client.py", "read", listener.address)
        await recorder.waitForEnd()
        let expected = try await Peer.run(
          Peers.python, "-c",
          "import hashlib; print(hashlib.sha256(bytes(range(256)) * \(size / 256)).hexdigest())")
        #expect(answer == "\(size) \(expected)")
        #expect(recorder.entries == [.connected, .closed(nil)])
      }
    }

    @Test("an aborted connection is a reset to the peer, a closed one an end", arguments: [true, false])
    func abort(isAborted: Bool) async throws {
      try await EventLoop.running { loop in
        let recorder = Recorder()
        let listener = try loop.listen(on: .tcp(port: 0)) { _ in
          { connection, event in
            if case .received = event { isAborted ? connection.abort() : connection.close() }
            recorder.record(event)
          }
        }
        let answer = try await Peer.run("client.py", "probe", listener.address)
        #expect(answer == (isAborted ? "reset" : "eof"))
        await recorder.waitForEnd()
        #expect(recorder.error == nil)
      }
    }

    @Test("a connection can be refused in the accept call, and its handler still hears of the end once")
    func refuse() async throws {
      try await EventLoop.running { loop in
        let recorder = Recorder()
        let listener = try loop.listen(on: .tcp(port: 0)) { connection in
          connection.abort()
          return { _, event in recorder.record(event) }
        }
        _ = try await Peer.run("client.py", "probe", listener.address)
        await recorder.waitForEnd()
        await loop.call {}
        #expect(recorder.entries == [.closed(nil)])
      }
    }

    @Test("several sends of a turn arrive in their order as one piece")
    func coalescedSends() async throws {
      try await EventLoop.running { loop in
        let listener = try loop.listen(on: .tcp(port: 0)) { connection in
          { connection, event in
            if case .connected = event {
              for word in ["one ", "two ", "three"] { connection.send(Array(word.utf8)) }
            }
          }
        }
        let pieces = Mutex<[String]>([])
        await withCheckedContinuation { continuation in
          loop.connect(.local(listener.port ?? 0)) { connection, event in
            if case .received(let bytes) = event {
              pieces.withLock { $0.append(String(decoding: bytes, as: UTF8.self)) }
              connection.close()
            }
            if case .closed = event { continuation.resume() }
          }
        }
        #expect(pieces.withLock { $0 } == ["one two three"])
      }
    }

    @Test("an IPv6 address is listened on and connected to, and both ends know the other's address")
    func version6() async throws {
      try await EventLoop.running { loop in
        let addresses = Mutex<[String?]>([])
        let listener = try loop.listen(on: .tcp(host: "::1", port: 0)) { connection in
          addresses.withLock { $0.append(connection.remoteAddress) }
          return { connection, event in
            if case .connected = event { connection.close() }
          }
        }
        let recorder = Recorder()
        loop.connect(.local(try #require(listener.port), host: "::1")) { connection, event in
          if case .connected = event { addresses.withLock { $0.append(connection.remoteAddress) } }
          recorder.record(event)
        }
        await recorder.waitForEnd()
        #expect(recorder.entries == [.connected, .closed(nil)])
        let known = addresses.withLock { $0 }
        #expect(known.count == 2 && known.contains(listener.address))
        #expect(known.allSatisfy { $0?.hasPrefix("[::1]:") == true })
      }
    }

    @Test("an address in use, one that is none, and a port after the listener closed")
    func addresses() async throws {
      try await EventLoop.running { loop in
        let first = try echo(loop)
        let port = try #require(first.port)
        func failure(_ address: ListenAddress) -> NetworkFailure.Code? {
          do throws(NetworkFailure) {
            try loop.listen(on: address) { _ in { _, _ in } }.close()
            return nil
          } catch {
            return error.code
          }
        }
        #expect(failure(.tcp(port: port)) == .addressInUse)
        #expect(failure(.tcp(host: "localhost", port: 0)) == .badRequest)
        #expect(failure(.tcp(host: "::1", port: 0)) == nil)
        #expect(failure(.unix(path: String(repeating: "x", count: 200))) == .badRequest)
        first.close()
        await loop.call {}
        #expect(failure(.tcp(port: port)) == nil)
      }
    }

    @Test(
      "a Unix socket is the user's alone, replaces a stale file, not a live one, and goes with the listener")
    func unix() async throws {
      let path = FileManager.default.temporaryDirectory.appendingPathComponent("netloop-\(getpid()).sock")
        .path
      // A file left by a program that ended.
      _ = try await Peer.run(
        Peers.python, "-c", "import socket; s = socket.socket(socket.AF_UNIX); s.bind('\(path)'); s.listen()")
      #expect(FileManager.default.fileExists(atPath: path))
      try await EventLoop.running { loop in
        let listener = try loop.listen(on: .unix(path: path)) { _ in
          { connection, event in
            if case .received = event { connection.send(Array("pong".utf8)) }
          }
        }
        var status = stat()
        #expect(stat(path, &status) == 0 && status.st_mode & 0o777 == 0o600)
        #expect(try await Peer.run("client.py", "unix", path) == "pong")
        #expect(throws: NetworkFailure.self) {
          _ = try loop.listen(on: .unix(path: path)) { _ in { _, _ in } }
        }
        #expect(try await Peer.run("client.py", "unix", path) == "pong")
        listener.close()
        await loop.call {}
        #expect(!FileManager.default.fileExists(atPath: path))
      }
    }
  }
}
