import FluxGraph
import Foundation
import Testing

@testable import FluxGraphCLI

/// A program with a stage of its own: the README's, word for word.
@Suite(.timeLimit(.minutes(10)), .enabled(if: Peers.areThere, "needs Python's websockets and ffmpeg"))
struct CustomStageTests {
  @Test("a stage added to the standard ones is heard by the service")
  func gain() async throws {
    let flux = try await FakeFlux.shared.value
    let sound = try await Recordings.shared.value.path("short.wav")
    var peaks: [Int] = []
    for stages in ["", "gain 6.0206dB |"] {
      let call = flux.call("normal")
      let graph = "file \(sound) | \(stages) flux endpoint=\(call.url) | null"
      let code = await FluxGraphCLI.run(
        ["run", "--quiet", "-e", graph], catalogue: .standard.adding(Gain.self), signals: SignalReader())
      #expect(code == .success)
      _ = try await flux.record(of: call)
      peaks.append(try Self.peak(of: flux.audio(of: call)))
    }
    // ffmpeg's sine has an eighth of the full amplitude.
    #expect((4000...4200).contains(peaks[0]))
    #expect(abs(peaks[1] - 2 * peaks[0]) <= 2, "\(peaks)")
  }

  @Test("the stage is the one the README shows")
  func readme() throws {
    let here = URL(filePath: #filePath).deletingLastPathComponent()
    let source = try String(contentsOf: here.appending(path: "Gain.swift"), encoding: .utf8)
    #expect(try Readme().blocks("swift").contains(source))
  }

  private static func peak(of bytes: Data) -> Int {
    stride(from: 0, to: bytes.count - 1, by: 2).map { index in
      abs(Int(Int16(bitPattern: UInt16(bytes[index]) | UInt16(bytes[index + 1]) << 8)))
    }.max() ?? 0
  }
}
