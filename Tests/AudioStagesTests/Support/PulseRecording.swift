import Foundation
import StageTesting
import Synchronization

@testable import AudioStages
@testable import FluxGraph

/// What a capture gives while a test goes on: read on a thread of its own, as an audio thread would.
final class PulseRecording: @unchecked Sendable {
  // Unchecked: the reader is made and used on the one thread; the rest is behind the lock.

  private struct State {
    var samples: [Float] = []
    var format: AudioFormat?
    var notices: [Notice] = []
    var failure: (any Error)?
    var isStopping = false
    var isOver = false
    var epoch = Instant.now()
    /// How far the frames given out were from the clock when reading ended, in seconds.
    var deviation = 0.0
    /// The furthest they were ever ahead of the clock.
    var farthestAhead = -1.0
    var wrongCaptureTimes = 0
  }

  private let state = Mutex(State())
  private let news = DispatchSemaphore(value: 0)
  private let connections: PulseConnections

  /// Begins to record.
  init(_ settings: PulseSettings, connections: PulseConnections = PulseConnections()) {
    self.connections = connections
    let thread = Thread { [self] in run(settings) }
    thread.name = "audio"
    thread.start()
  }

  private func run(_ settings: PulseSettings) {
    let loop = ManualLoop()
    let context = StageContext(
      name: "test", directory: ".",
      world: World(
        loop: loop, webSockets: FakeWebSockets(), http: NoNetwork(), httpServer: FakeHTTPServer(),
        disk: Inline(), terminal: Inline()),
      waker: .init(wake: { [news] in news.signal() }, wakeWhenReadable: { _ in }),
      noticeHandler: { [self] notice in state.withLock { $0.notices.append(notice) } })
    do {
      let reader: PulseReader
      if case .application(let name) = settings.target {
        reader = try PulseApplicationReader(application: name, settings, connections, context)
      } else {
        reader = try PulseDeviceReader(settings, connections, context)
      }
      state.withLock {
        $0.format = reader.format
        $0.epoch = connections.epoch
      }
      var audio = AudioBuffer(format: reader.format, capacity: reader.format.rate / 25)
      while !state.withLock({ $0.isStopping }) {
        if reader.read(into: &audio) == .waiting {
          keepTime(reader.format)
          news.wait()
          continue
        }
        append(audio)
        audio.removeAll()
      }
      reader.close()
    } catch {
      state.withLock { $0.failure = error }
    }
    state.withLock { $0.isOver = true }
  }

  private func append(_ audio: borrowing AudioBuffer) {
    let block = audio.withBytes { Array($0.bindMemory(to: Float.self)) }
    let (position, time, rate) = (audio.position, audio.captureTime, audio.format.rate)
    state.withLock { state in
      state.samples += block
      let expected = state.epoch.advanced(by: .seconds(Double(position) / Double(rate)))
      if abs((time ?? Instant(nanoseconds: 0)).duration(since: expected).seconds) > 1e-6 {
        state.wrongCaptureTimes += 1
      }
    }
  }

  private func keepTime(_ format: AudioFormat) {
    let now = Instant.now()
    state.withLock { state in
      let seconds = Double(state.samples.count / format.channels) / Double(format.rate)
      state.deviation = seconds - now.duration(since: state.epoch).seconds
      state.farthestAhead = max(state.farthestAhead, state.deviation)
    }
  }

  /// Ends the recording, and waits for that.
  func stop() async throws {
    state.withLock { $0.isStopping = true }
    news.signal()
    while !state.withLock({ $0.isOver }) { try await Task.sleep(for: .milliseconds(5)) }
    if let failure = state.withLock({ $0.failure }) { throw failure }
  }

  var samples: [Float] { state.withLock { $0.samples } }
  var format: AudioFormat? { state.withLock { $0.format } }
  var notices: [Notice] { state.withLock { $0.notices } }
  /// The stable words of the notices so far, in their order.
  var words: [String] { notices.map(\.notice) }
  var deviation: Double { state.withLock { $0.deviation } }
  var farthestAhead: Double { state.withLock { $0.farthestAhead } }
  var wrongCaptureTimes: Int { state.withLock { $0.wrongCaptureTimes } }

  /// Seconds of audio so far.
  var seconds: Double {
    state.withLock { state in
      guard let format = state.format else { return 0 }
      return Double(state.samples.count / format.channels) / Double(format.rate)
    }
  }

  /// Begins a new list of notices.
  func forgetNotices() { state.withLock { $0.notices = [] } }

  /// Waits until `condition` holds; false when it has not after some seconds.
  func wait(upTo limit: Double = 10, until condition: (PulseRecording) -> Bool) async throws -> Bool {
    let deadline = Instant.now().advanced(by: .seconds(limit))
    while !condition(self) {
      if Instant.now() > deadline || state.withLock({ $0.failure != nil }) { return false }
      try await Task.sleep(for: .milliseconds(10))
    }
    return true
  }

  /// Waits until this notice has been given `count` times.
  func wait(for word: String, count: Int = 1, upTo limit: Double = 10) async throws -> Bool {
    try await wait(upTo: limit) { $0.words.filter { $0 == word }.count >= count }
  }

  private struct NoNetwork: HTTPClient {
    func response(to request: HTTPRequest) async throws(NetworkFailure) -> HTTPResponse {
      throw NetworkFailure(.connectionRefused, "there is no network here")
    }

    func download(
      _ url: String, headers: HTTPHeaders, certificateAuthorities: String?,
      handler: @escaping @Sendable (HTTPStreamEvent) -> Void
    ) -> any HTTPStream {
      preconditionFailure("no stage of these tests downloads anything")
    }
  }

  private struct Inline: BlockingThread {
    func run<Result: Sendable>(_ body: @escaping @Sendable () throws -> Result) async throws -> Result {
      try body()
    }

    func submit(_ body: @escaping @Sendable () -> Void) { body() }
  }
}

extension PulseSettings {
  /// Settings with 20 ms of latency.
  init(_ target: PulseTarget, _ daemon: PulseDaemon, isPinned: Bool = false) {
    self.init(target: target, server: daemon.address, latency: .milliseconds(20), isPinned: isPinned)
  }
}
