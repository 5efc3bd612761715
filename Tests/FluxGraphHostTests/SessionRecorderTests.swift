import AudioCodecs
import FluxGraph
import Synchronization
import Testing

@testable import FluxGraphHost

/// What is put down of a session.
@Suite struct SessionRecorderTests {
  @Test("a recording knows how much audio was sent, to the sample at its end")
  func recording() throws {
    let lines = Mutex<[String]>([])
    let recorder = SessionRecorder(holdsAudio: false) { line in lines.withLock { $0.append(line) } }
    let request = WebSocketRequest(url: "ws://flux.test/v2/listen?model=flux-general-en")
    let watcher = try #require(recorder.watcher(of: request))
    var encoder = try OggOpusEncoder(rate: 16_000)
    encoder.begin(serial: 1)
    var pages: [UInt8] = []
    for _ in 0..<10 {
      encoder.encodeSilence(frames: 1280, into: &pages)
      pages.withUnsafeBytes { watcher.sent(binary: $0) }
      pages = []
    }
    encoder.encodeSilence(frames: 77, into: &pages)
    encoder.finish(into: &pages)
    pages.withUnsafeBytes { watcher.sent(binary: $0) }
    let times = try lines.withLock { $0 }.dropFirst().map {
      try #require(try JSONValue.parse($0)["audio"]?.doubleValue)
    }
    #expect(times.count == 11)
    // The encoder is 6.5 ms behind until it ends.
    #expect(abs(times[9] - 0.7935) < 1e-6)
    #expect(abs(times[10] - (0.8 + 77.0 / 16_000)) < 1e-4)
  }
}
