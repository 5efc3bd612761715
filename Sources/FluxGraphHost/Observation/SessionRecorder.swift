internal import AudioCodecs
package import FluxGraph
internal import FluxProtocol
internal import FoundationEssentials
internal import Synchronization

/// Puts down what passes over the first WebSocket as the lines of a ``FluxRecording``. Headers are not put down: they hold the key.
package final class SessionRecorder: Sendable {
  private let clock: any GraphClock
  private let holdsAudio: Bool
  private let write: @Sendable (String) -> Void
  private let isTaken = Atomic<Bool>(false)

  /// - Parameters:
  ///   - holdsAudio: whether the audio itself is put down, or only its hash.
  ///   - write: takes a line without its end; called on the loop.
  package init(
    clock: any GraphClock = SystemClock(), holdsAudio: Bool, write: @escaping @Sendable (String) -> Void
  ) {
    self.clock = clock
    self.holdsAudio = holdsAudio
    self.write = write
  }

  /// Who watches the connection a request makes; nil for all but the first.
  func watcher(of request: WebSocketRequest) -> (any WebSocketWatcher)? {
    guard !isTaken.exchange(true, ordering: .relaxed) else { return nil }
    let recording = FluxRecording(url: request.url)
    write(recording.header)
    return RecordedSession(recording, clock: clock, holdsAudio: holdsAudio, write: write)
  }
}

/// What has passed so far.
///
/// Unchecked: touched on the loop only.
private final class RecordedSession: WebSocketWatcher, @unchecked Sendable {
  private let clock: any GraphClock
  private let holdsAudio: Bool
  private let write: @Sendable (String) -> Void
  private let opened: Instant
  /// 0 where the audio's length cannot be told from the number of its bytes.
  private let bytesPerSecond: Double
  /// Tells it where the audio is Ogg Opus.
  private var oggClock: OggOpusClock?
  private var bytes = 0
  private var hash = SHA256()

  init(
    _ recording: FluxRecording, clock: any GraphClock, holdsAudio: Bool,
    write: @escaping @Sendable (String) -> Void
  ) {
    self.clock = clock
    self.holdsAudio = holdsAudio
    self.write = write
    opened = clock.now()
    let query = recording.url.firstIndex(of: "?").map { String(recording.url[$0...].dropFirst()) }
    let parameters = try? ListenParameters(query: query ?? "")
    let sizes = ["linear16": 2, "mulaw": 1, "alaw": 1]
    bytesPerSecond = Double(sizes[parameters?.encoding ?? ""] ?? 0) * Double(parameters?.sampleRate ?? 0)
    // Without an encoding it is a container, and others than Ogg have no pages.
    oggClock = [nil, "ogg-opus"].contains(parameters?.encoding) ? OggOpusClock() : nil
  }

  func received(_ event: WebSocketEvent) {
    switch event {
    case .opened, .drained, .binary: break
    case .text(let text): add(.server, .text(String(decoding: text, as: UTF8.self)))
    case .closed(let code, let reason): add(.server, .close(code: code.map { Int($0) }, reason: reason))
    case .refused(let status, _, _): add(.server, .lost(reason: "refused with \(status)"))
    case .failed(let failure): add(.server, .lost(reason: failure.message))
    }
  }

  func sent(binary: UnsafeRawBufferPointer) {
    bytes += binary.count
    oggClock?.push(binary)
    guard !holdsAudio else {
      return add(.client, .binary(count: binary.count, .base64(Data(binary).base64EncodedString())))
    }
    hash.update(binary)
    add(.client, .binary(count: binary.count, .sha256(hash.digest.hexadecimal)))
  }

  func sent(text: String) { add(.client, .text(text)) }

  func closes(code: UInt16?, reason: String) {
    add(.client, .close(code: code.map { Int($0) }, reason: reason))
  }

  func aborts() { add(.client, .lost(reason: "dropped by the client")) }

  private func add(_ sender: FluxRecording.Sender, _ content: FluxRecording.Content) {
    let audio = bytesPerSecond > 0 ? Double(bytes) / bytesPerSecond : oggClock?.seconds ?? 0
    let wall = clock.now().duration(since: opened).seconds
    write(FluxRecording.Frame(sender, audio: audio, wall: wall, content).line)
  }
}
