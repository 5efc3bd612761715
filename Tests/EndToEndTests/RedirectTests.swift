import Foundation
import Testing

/// Servers that send a request elsewhere, and networks that answer in a server's place.
@Suite(
  .timeLimit(.minutes(10)), .enabled(if: Peers.areThere, "needs Python's websockets, ffmpeg and openssl"))
struct RedirectTests {
  private let sound: String
  private let web: Program
  private let port: String

  init() async throws {
    sound = try await Recordings.shared.value.path("short.wav")
    web = try Peers.start("web.py", [URL(filePath: sound).deletingLastPathComponent().path])
    port = String(try await web.line(containing: "port").dropFirst(5))
  }

  private func path(_ status: Int, _ location: String) -> String {
    "to/\(status)/" + (location.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? "")
  }

  @Test(
    "an upgrade that is redirected says where to, what to write, and no secret",
    arguments: [
      (301, "wss://new.example/v2/listen?token=s3cr3t", "wss://new.example/v2/listen"),
      (302, "https://bob:s3cr3t@new.example/flux#s3cr3t", "wss://new.example/flux"),
      (303, "//new.example/v2/listen", "ws://new.example/v2/listen"),
      (307, "https://new.example/v2/listen", "wss://new.example/v2/listen"),
      (308, "/v3/listen?key=s3cr3t", "ws://127.0.0.1:PORT/v3/listen"),
    ])
  func upgrade(status: Int, location: String, address: String) async throws {
    let outcome = try await Fluxgraph.run(
      "file \(sound) | flux endpoint=ws://127.0.0.1:\(port)/\(path(status, location)) key=env(K) | stdout",
      environment: ["K": "th3-k3y"])
    outcome.expectFailure(
      78, saying: "redirects to", "(status \(status))", "`endpoint=\(address.replacing("PORT", with: port))`")
    #expect(!outcome.errors.contains("s3cr3t") && !outcome.errors.contains("th3-k3y"), "\(outcome.errors)")
  }

  @Test(
    "a redirect without a place, or to none, is told as that",
    arguments: ["", "/javascript%3Aalert(1)", "/https%3A%2F%2Fcaf%C3%A9.example%2F"])
  func nowhere(place: String) async throws {
    let outcome = try await Fluxgraph.run(
      "file \(sound) | flux endpoint=ws://127.0.0.1:\(port)/to/307\(place) | stdout")
    outcome.expectFailure(78, saying: "redirects", "(status 307)", "correct the address")
  }

  @Test("a page in a service's place is told as that, with its title, and not as a fault of the graph")
  func portal() async throws {
    let outcome = try await Fluxgraph.run(
      "file \(sound) | flux endpoint=ws://127.0.0.1:\(port)/portal | stdout")
    outcome.expectFailure(69, saying: "status 200", "Welcome to Hotel Wi-Fi", "sign-in page")
    #expect(!outcome.errors.contains("<"), "\(outcome.errors)")
  }

  @Test("a webhook that is redirected says where to", arguments: [301, 302, 303, 307, 308])
  func webhook(status: Int) async throws {
    let flux = try await FakeFlux.shared.value
    let outcome = try await Fluxgraph.run(
      "file \(sound) | flux endpoint=\(flux.call("normal").url) "
        + "| webhook http://127.0.0.1:\(port)/\(path(status, "https://new.example/hook?key=s3cr3t")) retry=none"
    )
    #expect(outcome.status == 69)
    #expect(
      outcome.errors.contains(
        "status \(status): it redirects to https://new.example/hook, which is not followed"),
      "\(outcome.errors)")
    #expect(!outcome.errors.contains("key=s3cr3t"), "\(outcome.errors)")
  }

  @Test("http follows redirects, each to its own proxy or none, and says where those it does not follow lead")
  func http() async throws {
    let proxy = try Peers.start("proxy.py")
    let address = "127.0.0.1:\(try await proxy.line(containing: "port").dropFirst(5))"
    let folder = try Folder()
    // From this machine, without a proxy, to another, with one, and back.
    let back = "http://127.0.0.1:\(port)/short.wav"
    let there = "http://web.test:\(port)/\(path(302, back))"
    let outcome = try await Fluxgraph.run(
      "http http://127.0.0.1:\(port)/\(path(307, there)) | wav out.wav",
      environment: ["http_proxy": "http://\(address)"],
      directory: folder.path)
    #expect(outcome.status == 0, "\(outcome.errors)")
    #expect(try folder.bytes(of: "out.wav").count > 10_000)
    _ = try await proxy.line(containing: "target GET http://web.test:")
    let elsewhere = try await Fluxgraph.run(
      "http http://127.0.0.1:\(port)/\(path(302, "http://gone.invalid/x?key=s3cr3t")) | wav gone.wav",
      directory: folder.path)
    elsewhere.expectFailure(69, saying: "gone.invalid:80 was not found")
    let file = try await Fluxgraph.run(
      "http http://127.0.0.1:\(port)/\(path(302, "ftp://a/b?key=s3cr3t")) | wav gone.wav",
      directory: folder.path)
    file.expectFailure(69, saying: "redirects to ftp://a/b, which is not followed")
    #expect(!(elsewhere.errors + file.errors).contains("key=s3cr3t"))
    let nowhere = try await Fluxgraph.run(
      "http http://127.0.0.1:\(port)/to/302 | wav gone.wav", directory: folder.path)
    nowhere.expectFailure(69, saying: "302", "without saying where to")
  }
}
