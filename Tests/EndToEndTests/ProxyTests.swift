import Foundation
import Testing

/// Proxies of the environment, as company machines have them, for every client of ours: `flux`, `http` and `webhook`.
@Suite(
  .timeLimit(.minutes(10)), .enabled(if: Peers.areThere, "needs Python's websockets, ffmpeg and openssl"))
struct ProxyTests {
  private let flux: FakeFlux
  private let sound: String

  init() async throws {
    flux = try await FakeFlux.shared.value
    sound = try await Recordings.shared.value.path("short.wav")
  }

  private var folder: String { URL(filePath: sound).deletingLastPathComponent().path }

  private func port(of peer: Program) async throws -> String {
    String(try await peer.line(containing: "port").dropFirst(5))
  }

  private func proxy(_ arguments: String...) async throws -> (Program, String) {
    let proxy = try Peers.start("proxy.py", arguments)
    return (proxy, "127.0.0.1:\(try await port(of: proxy))")
  }

  /// A name only a proxy leads anywhere.
  private func hidden(_ scheme: String = "wss", _ options: String = "") -> String {
    let call = flux.call("normal", certificate: scheme == "wss" ? "other" : "plain", host: "elsewhere.test")
    return
      "file \(sound) | flux endpoint=\(call.url) ca=\(flux.certificates.authority) max_attempts=1\(options) | stdout"
  }

  @Test(
    "what runs on this machine is never looked for behind a proxy, whatever it is called",
    arguments: ["127.0.0.1", "localhost", "flux.localhost", "127.0.0.2"])
  func loopback(host: String) async throws {
    let web = try Peers.start("web.py", [folder])
    let port = try await port(of: web)
    var environment: [String: String] = [:]
    // Nothing listens there.
    for name in ["http_proxy", "https_proxy", "all_proxy"] {
      environment[name] = "http://127.0.0.1:9"
      environment[name.uppercased()] = "http://127.0.0.1:9"
    }
    if host == "127.0.0.1" {
      let local = try await Fluxgraph.run(
        "file \(sound) | flux endpoint=local words=none | stdout", environment: environment)
      #expect(local.status == 0, "\(local.errors)")
    }
    let call = flux.call("normal", host: host == "127.0.0.2" ? "127.0.0.1" : host)
    let outcome = try await Fluxgraph.run(
      "http http://\(host == "127.0.0.2" ? "localhost" : host):\(port)/short.wav | flux endpoint=\(call.url) "
        + "| webhook http://127.0.0.1:\(port)/hook retry=none",
      environment: environment)
    #expect(outcome.status == 0, "\(outcome.errors)")
    _ = try await web.line(containing: "POST /hook")
  }

  @Test("TLS and plain WebSockets go through the tunnel of the proxy the environment names, in either case")
  func tunnel() async throws {
    let (proxy, address) = try await proxy()
    for (scheme, variable) in [
      ("wss", "https_proxy"), ("wss", "HTTPS_PROXY"), ("ws", "http_proxy"), ("ws", "ALL_PROXY"),
    ] {
      let outcome = try await Fluxgraph.run(hidden(scheme), environment: [variable: "http://\(address)"])
      #expect(outcome.status == 0, "\(variable): \(outcome.errors)")
      _ = try await proxy.line(containing: "target CONNECT elsewhere.test:")
    }
  }

  @Test("no_proxy goes past it, by name, domain or port")
  func exempt() async throws {
    let (proxy, address) = try await proxy()
    defer { withExtendedLifetime(proxy) {} }
    for list in ["elsewhere.test", ".test", "x,*"] {
      let outcome = try await Fluxgraph.run(
        hidden(), environment: ["https_proxy": address, "no_proxy": list])
      // The name leads nowhere without the proxy.
      outcome.expectFailure(69, saying: "elsewhere.test", "was not found")
      #expect(!outcome.errors.contains("proxy"), "\(outcome.errors)")
    }
  }

  @Test("http and webhook give plain requests to the proxy")
  func requests() async throws {
    let (proxy, address) = try await proxy()
    let web = try Peers.start("web.py", [folder])
    let port = try await port(of: web)
    let outcome = try await Fluxgraph.run(
      "http http://web.test:\(port)/short.wav | flux endpoint=\(flux.call("normal").url) "
        + "| webhook http://hook.test:\(port)/hook retry=none",
      environment: ["http_proxy": "http://\(address)"])
    #expect(outcome.status == 0, "\(outcome.errors)")
    // It hears of the first request only: the second one goes by the same connection.
    _ = try await proxy.line(containing: "target GET http://web.test:")
    _ = try await web.line(containing: "POST http://hook.test:")
  }

  @Test("SOCKS is spoken where all_proxy says so, and the proxy looks the name up")
  func socks() async throws {
    let (proxy, address) = try await proxy("socks", "0")
    let outcome = try await Fluxgraph.run(hidden(), environment: ["all_proxy": "socks5h://\(address)"])
    #expect(outcome.status == 0, "\(outcome.errors)")
    _ = try await proxy.line(containing: "target SOCKS elsewhere.test")
  }

  @Test(
    "a proxy that does not connect is told as the proxy, with its address, its variable and the way past it",
    arguments: [
      ("407", "user and password"), ("403", "status 403"), ("500", "status 500"), ("502", "status 502"),
      ("close", "ended the connection"), ("hang", "in time"), ("socks 255", "user and a password"),
      ("socks 1", "could not connect"), ("socks 2", "refused to connect"), ("socks 5", "could not connect"),
    ])
  func refusing(kind: String, word: String) async throws {
    let peer = try Peers.start("proxy.py", kind.split(separator: " ").map(String.init))
    let address = "127.0.0.1:\(try await port(of: peer))"
    let credentials = kind.hasPrefix("socks") ? "" : "bob:s3cr3t@"
    let scheme = kind.hasPrefix("socks") ? "socks5h" : "http"
    let outcome = try await Fluxgraph.run(
      hidden("wss", " connect_timeout=2s"), environment: ["all_proxy": "\(scheme)://\(credentials)\(address)"]
    )
    outcome.expectFailure(
      69, saying: "proxy \(address) (from all_proxy)", "elsewhere.test", word, "no_proxy=elsewhere.test")
    #expect(!outcome.errors.contains("s3cr3t") && !outcome.errors.contains("bob"), "\(outcome.errors)")
  }

  @Test("a proxy that is not there, cannot be found, or is none, is told by all clients")
  func absent() async throws {
    let web = "http://web.test/talk.wav"
    let clients = [
      hidden(), "http \(web) | flux endpoint=local words=none | stdout",
      "file \(sound) | flux endpoint=\(flux.call("normal").url) | webhook \(web) retry=none",
    ]
    for (url, words) in [
      (
        "http://bob:s3cr3t@127.0.0.1:9",
        ["proxy 127.0.0.1:9 (from all_proxy)", "refused the connection", "no_proxy="]
      ),
      (
        "http://bob:s3cr3t@proxy.invalid:3128",
        ["proxy proxy.invalid:3128 (from all_proxy)", "not found", "no_proxy="]
      ),
      ("ftp://bob:s3cr3t@127.0.0.1:9", ["all_proxy", "unknown kind", "http://HOST:PORT"]),
      ("http://bob:s3 cr3t@127.0.0.1:9", ["all_proxy", "not the address of a proxy"]),
    ] {
      for client in clients {
        let outcome = try await Fluxgraph.run(client, environment: ["all_proxy": url])
        #expect(outcome.status == 69, "\(client): \(outcome.errors)")
        for word in words {
          #expect(outcome.errors.contains(word), "\(client): no “\(word)” in \(outcome.errors)")
        }
        #expect(!outcome.errors.contains("cr3t") && !outcome.errors.contains("bob"), "\(outcome.errors)")
      }
    }
  }

  @Test("what a proxy answers in a server's place is told as the proxy's", arguments: ["407", "503"])
  func answering(status: String) async throws {
    let (proxy, address) = try await proxy(status)
    defer { withExtendedLifetime(proxy) {} }
    let web = "http://web.test/talk.wav"
    for client in [
      "http \(web) | flux endpoint=local words=none | stdout",
      "file \(sound) | flux endpoint=\(flux.call("normal").url) | webhook \(web) retry=none",
    ] {
      let outcome = try await Fluxgraph.run(client, environment: ["http_proxy": "http://\(address)"])
      #expect(outcome.status == 69)
      #expect(
        outcome.errors.contains("proxy \(address) (from http_proxy)") && outcome.errors.contains(status),
        "\(outcome.errors)")
    }
  }
}
