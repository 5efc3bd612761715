public import FluxGraph
internal import Synchronization

/// The way for a program's own audio into a graph's `feed` stage. One task at a time sends.
public final class AudioFeed: Sendable {
  /// What the samples are.
  public let format: AudioFormat
  let queue: AudioQueue
  private let isLive: Bool
  private let position = Atomic<Int64>(0)
  private let waiter = Mutex<(continuation: CheckedContinuation<Void, Never>?, hasRoom: Bool)>((nil, false))

  init(_ format: AudioFormat, isLive: Bool) {
    self.format = format
    self.isLive = isLive
    // Two seconds in blocks of 40 ms, as sources give them.
    queue = AudioQueue(format: format, slotFrames: max(1, format.rate / 25), capacity: 50)
    queue.onRoom { [weak self] in self?.roomMade() }
  }

  /// Sends samples. A `feed` that is not live keeps two seconds, and has the sender wait while these are full; a live one drops
  /// its oldest audio then.
  /// - Parameter samples: interleaved, between -1 and 1, in whole frames at the format's rate.
  /// - Throws: `CancellationError` when the task is cancelled while it waits.
  public func send(_ samples: [Float]) async throws {
    precondition(samples.count % format.channels == 0, "\(samples.count) samples are no whole frames")
    let size = queue.slotFrames * format.channels
    var buffer = AudioBuffer(format: format, capacity: queue.slotFrames)
    for start in stride(from: 0, to: samples.count, by: size) {
      while !isLive && !queue.hasRoom {
        await room()
        try Task.checkCancellation()
      }
      buffer.reset(format: format, capacity: queue.slotFrames)
      buffer.append(Array(samples[start..<min(samples.count, start + size)]))
      buffer.position = position.add(Int64(buffer.frameCount), ordering: .relaxed).oldValue
      if isLive { buffer.captureTime = .now() }
      queue.push(buffer)
    }
  }

  /// Says that no more audio follows: the stage ends.
  public func finish() { queue.end() }

  private func room() async {
    await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        let isThere = waiter.withLock { waiter in
          if waiter.hasRoom || Task.isCancelled {
            waiter.hasRoom = false
            return true
          }
          waiter.continuation = continuation
          return false
        }
        if isThere { continuation.resume() }
      }
    } onCancel: {
      roomMade()
    }
  }

  private func roomMade() {
    waiter.withLock { waiter in
      defer { waiter.continuation = nil }
      waiter.hasRoom = waiter.continuation == nil
      return waiter.continuation
    }?.resume()
  }
}

/// The stage `feed`, which only programs have: audio from Swift.
struct FeedStage: AudioSource {
  static let description = StageDescription<FeedStage>(
    "feed", "Takes audio from the program the graph runs in.",
    examples: ["voice = feed; voice | flux | stdout", "voice = feed rate=48k live; voice | flux | stdout"]
  ) {
    Option("rate", \FeedStage.rate, "The sample rate.", in: .hertz(1_000)...(.hertz(768_000)))
    Option("channels", \FeedStage.channels, "The number of channels.", in: 1...AudioFormat.maximumChannels)
    Option("live", \FeedStage.live, "The audio comes in real time, and is lost when nobody takes it.")
  }

  /// All ways in, by the names of their stages.
  struct Feeds: Sendable {
    let byName: [String: AudioFeed]

    init(_ byName: [String: AudioFeed]) {
      self.byName = byName
    }
  }

  var rate = SampleRate(16_000)
  var channels = 1
  var live = false
  private var feed: AudioFeed?
  /// What of a block found no room.
  private var rest = RestOfBlock()

  var format: AudioFormat { AudioFormat(.f32le, rate: rate.hertz, channels: channels) }
  var output: AudioStreamType { AudioStreamType(format, liveness: live ? .live : .finite) }

  mutating func open(_ context: StageContext) throws -> AudioFormat {
    guard let feed = context.resource(Feeds.self)?.byName[context.name] else {
      throw StageError(
        .badGraph, "nobody feeds `\(context.name)`", help: "Call `graph.feed(\"\(context.name)\")`.")
    }
    self.feed = feed
    feed.queue.onChange { context.wake() }
    return format
  }

  mutating func read(into audio: inout AudioBuffer) throws -> SourceProgress {
    guard let feed else { return .finished }
    if rest.take(into: &audio) { return .produced }
    var captured: Instant?
    var place: Int64 = 0
    let result = feed.queue.pop { [rest] bytes, frames, position, captureTime in
      rest.keep(bytes, frames, self.format)
      place = position
      captured = captureTime
    }
    switch result {
    case .block:
      audio.position = place
      audio.captureTime = captured
      _ = rest.take(into: &audio)
      return .produced
    case .empty: return .waiting
    case .ended: return .finished
    }
  }
}

/// A block of audio on its way from the queue into buffers that may be smaller. Used on one audio thread.
private final class RestOfBlock: @unchecked Sendable {
  // Unchecked: only the audio thread of its stage uses it.
  private var buffer = AudioBuffer(format: AudioFormat(.f32le, rate: 1, channels: 1), capacity: 0)

  func keep(_ bytes: UnsafeRawBufferPointer, _ frames: Int, _ format: AudioFormat) {
    buffer.reset(format: format, capacity: frames)
    buffer.append { room in
      room.copyMemory(from: bytes)
      return frames
    }
  }

  /// Whether there was something to take.
  func take(into audio: inout AudioBuffer) -> Bool {
    if buffer.isEmpty { return false }
    buffer.removeFirst(audio.append(buffer))
    return true
  }
}
