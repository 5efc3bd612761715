import Foundation
import HTTPCore
import NetLoop
import Testing

extension PeerTests {
  @Suite struct CertificateTests {
    private func failure(
      _ certificates: Certificates, server: String, authorities: String?, host: String = "localhost"
    ) async throws -> (error: NetworkFailure?, text: String) {
      let peer = try await Peer.start(
        "tcp.py", "close", certificates.path(server), certificates.path("\(server)-key"))
      return try await EventLoop.running { loop in
        let recorder = Recorder()
        loop.connect(.secure(peer.port, host: host, authorities: authorities), sending: [1], recorder)
        await recorder.waitForEnd()
        return (recorder.error, recorder.text)
      }
    }

    @Test("a certificate of the named authority is accepted", arguments: ["localhost", "127.0.0.1"])
    func accepted(host: String) async throws {
      let certificates = try await Certificates()
      let (error, text) = try await failure(
        certificates, server: "good", authorities: certificates.path("ca"), host: host)
      #expect(error == nil)
      #expect(text == "bye")
    }

    @Test("a certificate of an unknown authority is refused, with advice to name its file")
    func unknownAuthority() async throws {
      let certificates = try await Certificates()
      let (error, text) = try await failure(certificates, server: "good", authorities: nil)
      #expect(error?.code == .certificate(.unknownAuthority))
      #expect(error?.description.contains("`ca=FILE` or SSL_CERT_FILE") == true)
      #expect(error?.description.contains("localhost") == true)
      #expect(text.isEmpty)
    }

    @Test("an authority other than the named one is not trusted")
    func otherAuthority() async throws {
      let certificates = try await Certificates()
      let others = try await Certificates()
      let (error, _) = try await failure(certificates, server: "good", authorities: others.path("ca"))
      #expect(error?.code == .certificate(.unknownAuthority) || error?.code == .certificate(.other))
    }

    @Test("an expired certificate is refused")
    func expired() async throws {
      let certificates = try await Certificates()
      let (error, _) = try await failure(
        certificates, server: "expired", authorities: certificates.path("ca"))
      #expect(error?.code == .certificate(.expired))
    }

    @Test("a certificate for another host is refused")
    func wrongHost() async throws {
      let certificates = try await Certificates()
      let (error, _) = try await failure(certificates, server: "other", authorities: certificates.path("ca"))
      #expect(error?.code == .certificate(.wrongHost))
      #expect(error?.description.contains("another host") == true, "\(String(describing: error))")
    }

    @Test("a missing file of authorities is told as such")
    func missingFile() async throws {
      let certificates = try await Certificates()
      let (error, _) = try await failure(certificates, server: "good", authorities: "/nonexistent/ca.pem")
      #expect(error?.code == .authorityFile)
      #expect(error?.description.contains("/nonexistent/ca.pem") == true)
    }

    @Test("a server that does not speak TLS fails the handshake")
    func noTLS() async throws {
      let peer = try await Peer.start("tcp.py", "echo")
      try await EventLoop.running { loop in
        let recorder = Recorder()
        loop.connect(.secure(peer.port, authorities: nil), recorder)
        await recorder.waitForEnd()
        #expect(recorder.error?.code == .handshake)
      }
    }
  }
}
