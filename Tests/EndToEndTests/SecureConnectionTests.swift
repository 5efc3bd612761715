import Foundation
import Testing

/// TLS and proxies, against OpenSSL as Python has it.
@Suite(
  .timeLimit(.minutes(10)), .enabled(if: Peers.areThere, "needs Python's websockets, ffmpeg and openssl"))
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

  /// Starts a web server with a certificate of the authority, and returns its port.
  private func web(_ certificate: String) async throws -> (Program, String) {
    let paths = ["\(certificate).pem", "\(certificate)-key.pem"].map(flux.certificates.path)
    let web = try Peers.start("web.py", [URL(filePath: sound).deletingLastPathComponent().path] + paths)
    return (web, String(try await web.line(containing: "port").dropFirst(5)))
  }

  /// A graph whose three clients speak TLS.
  private func graph(_ port: String, ca: String = "") -> String {
    let call = flux.call("normal", certificate: "good", host: "localhost")
    return "http https://localhost:\(port)/short.wav\(ca) | flux endpoint=\(call.url) max_attempts=1\(ca) "
      + "| webhook https://localhost:\(port)/hook retry=none\(ca)"
  }

  @Test(
    "every client trusts the authority of `ca=`, of SSL_CERT_FILE and of SSL_CERT_DIR, whatever else the system sets",
    arguments: ["ca=", "SSL_CERT_FILE", "SSL_CERT_DIR"])
  func everyClient(way: String) async throws {
    let (web, port) = try await web("good")
    let folder = try Folder()
    let authority = flux.certificates.authority
    try await Peers.shell("mkdir certs && cp '\(authority)' certs/ && openssl rehash certs", in: folder.path)
    var environment = ["CURL_CA_BUNDLE": "/etc/ssl/certs/ca-certificates.crt"]
    switch way {
    case "SSL_CERT_FILE": environment[way] = authority
    case "SSL_CERT_DIR": environment[way] = "/nonexistent:\(folder.path("certs"))"
    // What the option names counts alone.
    default: environment["SSL_CERT_FILE"] = "/nonexistent"
    }
    let outcome = try await Fluxgraph.run(
      graph(port, ca: way == "ca=" ? " ca=\(authority)" : ""), environment: environment)
    #expect(outcome.status == 0, "\(outcome.errors)")
    _ = try await web.line(containing: "POST /hook")
  }

  @Test("an authority nobody knows is told by every client, with both remedies")
  func unknownEverywhere() async throws {
    let (web, port) = try await web("good")
    defer { withExtendedLifetime(web) {} }
    let plain = flux.call("normal")
    let secure = flux.call("normal", certificate: "good", host: "localhost")
    for client in [
      "http https://localhost:\(port)/short.wav | flux endpoint=local words=none | stdout",
      "file \(sound) | flux endpoint=\(secure.url) | stdout",
      "file \(sound) | flux endpoint=\(plain.url) | webhook https://localhost:\(port)/hook retry=none",
    ] {
      let outcome = try await Fluxgraph.run(client)
      #expect(outcome.status == 69)
      for word in ["localhost", "not trusted", "`ca=FILE`", "SSL_CERT_FILE"] {
        #expect(outcome.errors.contains(word), "\(client): \(outcome.errors)")
      }
    }
  }

  @Test(
    "a bad path in the environment is told with the variable's name, by every client",
    arguments: [
      (["SSL_CERT_FILE": "/nonexistent.pem"], "/nonexistent.pem, cannot be used: No such file"),
      (["SSL_CERT_FILE": "/etc"], "it is a directory"),
      (["SSL_CERT_FILE": "/etc/passwd"], "no certificates in PEM form"),
      (["SSL_CERT_DIR": "/nonexistent"], "/nonexistent, cannot be used: No such file"),
      (["SSL_CERT_DIR": "/etc/passwd"], "it is no directory"),
    ])
  func badEnvironment(environment: [String: String], words: String) async throws {
    let (web, port) = try await web("good")
    defer { withExtendedLifetime(web) {} }
    let plain = flux.call("normal")
    let secure = flux.call("normal", certificate: "good", host: "localhost")
    for client in [
      "http https://localhost:\(port)/short.wav | flux endpoint=local words=none | stdout",
      "file \(sound) | flux endpoint=\(secure.url) | stdout",
      "file \(sound) | flux endpoint=\(plain.url) | webhook https://localhost:\(port)/hook retry=none",
    ] {
      let outcome = try await Fluxgraph.run(client, environment: environment)
      #expect(outcome.status == 69)
      let variable = environment.keys.first ?? ""
      #expect(
        outcome.errors.contains("that \(variable) names") && outcome.errors.contains(words),
        "\(client): \(outcome.errors)")
    }
    // Who needs no authority is not bothered.
    let unbothered = try await Fluxgraph.run(
      "file \(sound) | flux endpoint=\(plain.url) | stdout", environment: environment)
    #expect(unbothered.status == 0, "\(unbothered.errors)")
  }
}
