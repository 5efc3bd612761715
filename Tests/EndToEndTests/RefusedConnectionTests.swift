import Foundation
import Testing

/// Upgrades that a server of Python's `websockets` refuses in the ways Deepgram does.
@Suite(
  .timeLimit(.minutes(10)), .enabled(if: Peers.areThere, "needs Python's websockets, ffmpeg and openssl"))
struct RefusedConnectionTests {
  private let flux: FakeFlux
  private let sound: String

  init() async throws {
    flux = try await FakeFlux.shared.value
    sound = try await Recordings.shared.value.path("short.wav")
  }

  private func run(status: Int, body: String) async throws -> Program.Outcome {
    let call = flux.call("refuse", ["status": status, "body": body])
    return try await Fluxgraph.run(
      "file \(sound) | flux endpoint=\(call.url) max_attempts=1 key=env(SOME_KEY) | stdout",
      environment: ["SOME_KEY": "s3cr3t-k3y"])
  }

  @Test(
    "the status decides the exit code; the server's words and the request are shown, the key is not",
    arguments: [(400, 78), (401, 77), (402, 77), (403, 77), (404, 78), (429, 69), (500, 69), (503, 69)])
  func status(status: Int, code: Int32) async throws {
    let outcome = try await run(status: status, body: "err_code")
    outcome.expectFailure(
      code, saying: "127.0.0.1", "\(status)", "SOME_CODE", "The words of the server.",
      "019f4c80-a061-72f2-9780-89f9950b1adb")
    #expect(!outcome.errors.contains("s3cr3t-k3y") && !outcome.errors.contains("Token"), "\(outcome.errors)")
  }

  @Test(
    "every shape of body Deepgram is known to send is read",
    arguments: ["error_code", "code", "category", "html", "header"])
  func body(shape: String) async throws {
    let outcome = try await run(status: 400, body: shape)
    outcome.expectFailure(
      78, saying: "400", "The words of the server.", "019f4c80-a061-72f2-9780-89f9950b1adb")
    if !["html", "header"].contains(shape) { #expect(outcome.errors.contains("SOME_CODE")) }
    if shape == "category" { #expect(outcome.errors.contains("And details.")) }
  }
}
