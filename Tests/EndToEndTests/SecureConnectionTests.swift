import Foundation
import Testing

/// TLS and proxies, against OpenSSL as Python has it.
@Suite(.timeLimit(.minutes(4)), .enabled(if: Peers.areThere, "needs Python's websockets, ffmpeg and openssl"))
struct SecureConnectionTests {
  private let flux: FakeFlux
  private let sound: String

  init() async throws {
    flux = try await FakeFlux.shared.value
    sound = try await Recordings.shared.value.path("short.wav")
  }

  private func run(
    _ certificate: String, host: String = "localhost", authority: String?, environment: [String: String] = [:]
  ) async throws -> (outcome: Program.Outcome, call: FakeFlux.Call) {
    let call = flux.call("normal", certificate: certificate, host: host)
    let ca = authority.map { " ca=\($0)" } ?? ""
    let outcome = try await Fluxgraph.run(
      "file \(sound) | flux endpoint=\(call.url) max_attempts=1\(ca) | stdout json", environment: environment)
    return (outcome, call)
  }

  @Test(
    "a server with a certificate of the authority in `ca=` is trusted, by name and by address",
    arguments: ["localhost", "127.0.0.1"])
  func trusted(host: String) async throws {
    let (outcome, call) = try await run("good", host: host, authority: flux.certificates.authority)
    #expect(outcome.status == 0, "\(outcome.errors)")
    #expect(try outcome.events().last?.final == true)
    #expect(try await flux.record(of: call).audio.reduce(0, +) == 19_200)
  }

  @Test(
    "a certificate that cannot be trusted is refused with its cause and the remedy",
    arguments: [
      ("good", false, ["authority", "`ca=FILE`"]), ("alone", false, ["authority", "`ca=FILE`"]),
      ("alone", true, ["authority", "`ca=FILE`"]), ("other", true, ["another host", "check the name"]),
      ("expired", true, ["expired", "renew"]),
    ])
  func untrusted(certificate: String, isAuthorityNamed: Bool, words: [String]) async throws {
    let (outcome, _) = try await run(
      certificate, authority: isAuthorityNamed ? flux.certificates.authority : nil)
    outcome.expectFailure(69, saying: "localhost")
    for word in words {
      #expect(outcome.errors.contains(word), "no “\(word)” in \(outcome.errors)")
    }
    #expect(outcome.output.isEmpty)
  }

  @Test("a file of authorities that is missing, or is none, is told by its name")
  func badAuthorityFile() async throws {
    for path in ["/nonexistent/ca.pem", sound] {
      let (outcome, _) = try await run("good", authority: path)
      #expect(outcome.status != 0)
      #expect(outcome.errorLines.count == 1, "\(outcome.errors)")
      #expect(outcome.errors.contains(path), "\(outcome.errors)")
    }
  }

  @Test("a plain server is not taken for a secure one, nor the reverse")
  func wrongScheme() async throws {
    let plain = flux.call("normal", host: "localhost")
    let secure = flux.call("normal", certificate: "good", host: "localhost")
    for url in [
      plain.url.replacing("ws://", with: "wss://"), secure.url.replacing("wss://", with: "ws://"),
    ] {
      let outcome = try await Fluxgraph.run("file \(sound) | flux endpoint=\(url) max_attempts=1 | stdout")
      outcome.expectFailure(69, saying: "localhost")
    }
  }

  @Test("a proxy named in the environment is asked to connect, and TLS goes through it")
  func proxy() async throws {
    let proxy = try Peers.start("proxy.py")
    let port = try await proxy.line(containing: "port").dropFirst(5)
    let (outcome, call) = try await run(
      "good", authority: flux.certificates.authority, environment: ["https_proxy": "http://127.0.0.1:\(port)"]
    )
    #expect(outcome.status == 0, "\(outcome.errors)")
    let host = try #require(URL(string: call.url).map { "localhost:\($0.port ?? 0)" })
    _ = try await proxy.line(containing: "target CONNECT \(host)")
    #expect(try await flux.record(of: call).audio.reduce(0, +) == 19_200)
  }

  @Test(
    "a plain connection goes through http_proxy, and past it to hosts in no_proxy",
    arguments: ["", "127.0.0.1"])
  func plainProxy(exempt: String) async throws {
    let proxy = try Peers.start("proxy.py", exempt.isEmpty ? [] : ["403"])
    let port = try await proxy.line(containing: "port").dropFirst(5)
    let call = flux.call("normal")
    let outcome = try await Fluxgraph.run(
      "file \(sound) | flux endpoint=\(call.url) | stdout",
      environment: ["http_proxy": "http://127.0.0.1:\(port)", "no_proxy": exempt])
    #expect(outcome.status == 0, "\(outcome.errors)")
    if exempt.isEmpty { _ = try await proxy.line(containing: "target CONNECT 127.0.0.1:") }
  }

  @Test("a proxy that refuses is told with its status", arguments: [403, 407])
  func refusingProxy(status: Int) async throws {
    let proxy = try Peers.start("proxy.py", ["\(status)"])
    let port = try await proxy.line(containing: "port").dropFirst(5)
    let (outcome, _) = try await run(
      "good", authority: flux.certificates.authority, environment: ["https_proxy": "http://127.0.0.1:\(port)"]
    )
    outcome.expectFailure(69, saying: "proxy", "\(status)", "localhost")
  }
}
