internal import FluxGraph
internal import Synchronization

/// The audio thread's end of a capture. Ends it when it goes.
class PulseReader {
  let connection: PulseConnection
  let context: StageContext
  private let capture: PulseCapture
  private var isClosed = false

  /// Has the connection call the capture, and waits until it has begun to listen.
  init(_ connection: PulseConnection, _ capture: PulseCapture, _ context: StageContext) {
    self.connection = connection
    self.capture = capture
    self.context = context
  }

  deinit { detach() }

  /// What comes out.
  var format: AudioFormat { preconditionFailure("overridden") }
  /// Appends what there is.
  func append(to audio: inout AudioBuffer, _ now: Instant) { preconditionFailure("overridden") }
  /// Whether `append` has to be called often.
  var needsTicks: Bool { preconditionFailure("overridden") }
  /// When a frame belongs.
  func time(of position: Int64) -> Instant { preconditionFailure("overridden") }
  /// What is to be told at the end.
  func summary() -> [Notice] { [] }

  final func read(into audio: inout AudioBuffer) -> SourceProgress {
    append(to: &audio, .now())
    capture.report.deliver(to: context)
    capture.needsTicks.store(needsTicks, ordering: .relaxed)
    guard !audio.isEmpty else { return .waiting }
    audio.captureTime = time(of: audio.position)
    return .produced
  }

  /// Tells of a stream that has stopped, and of what it has lost.
  final func tellTroubles(of stream: LiveStream, _ now: Instant) {
    if stream.takeStall() {
      context.notice(
        Notice(
          "stalled", "no audio has come for a while; until it does there is silence in its place",
          severity: .warning))
    }
    for notice in losses(of: stream, now) { context.notice(notice) }
  }

  /// What is to be told of losses now, or at the end.
  final func losses(of stream: LiveStream, _ now: Instant? = nil) -> [Notice] {
    let (gap, late) = stream.takeLosses(now)
    return [
      loss(gap, "gap", "were lost; there is silence in their place"),
      loss(late, "late", "came too late and were dropped; there is silence in their place"),
    ].compactMap(\.self)
  }

  private func loss(_ frames: Int64, _ word: String, _ fate: String) -> Notice? {
    guard frames > 0 else { return nil }
    let seconds = Double(frames) / Double(format.rate)
    return Notice(
      word, "\(fixedText(seconds, digits: 2)) s of audio \(fate)", severity: .warning,
      details: [("seconds", JSONValue(seconds, digits: 3))], loss: .init(audio: seconds))
  }

  /// Tells that there is nothing but zeros, and why that may be.
  final func tellSilence(_ cause: String) {
    context.notice(
      Notice(
        "silence", "nothing but digital silence for \(DigitalSilence.limit) s: \(cause)", severity: .warning,
        details: [("cause", .string(cause))]))
  }

  final func close() {
    guard !isClosed else { return }
    detach()
    capture.report.deliver(to: context)
    for notice in summary() { context.notice(notice) }
  }

  private func detach() {
    guard !isClosed else { return }
    isClosed = true
    connection.locked {
      connection.remove(capture)
      capture.close()
    }
  }
}

/// Reads one device.
final class PulseDeviceReader: PulseReader {
  private let capture: PulseDeviceCapture
  private let stream: LiveStream

  /// Opens the device.
  /// - Throws: `StageError` when there is no server or no such device, or it cannot be recorded.
  convenience init(_ settings: PulseSettings, _ connections: PulseConnections, _ context: StageContext) throws
  {
    let epoch = connections.epoch
    let connection = try connections.connection(to: settings.server)
    let capture = try connection.locked {
      let (inventory, server) = try connection.waitForInventory()
      let source = try settings.target.source(in: inventory)
      let capture = PulseDeviceCapture(settings, source, title: inventory.title(of: source), context)
      if settings.target == .defaultSource && source.monitorOf != nil {
        capture.notice(
          "no-microphone",
          "the default source is no microphone but \(inventory.title(of: source)); `fluxgraph devices` lists the others",
          severity: .warning)
      }
      connection.add(capture)
      capture.inventoryChanged(inventory, server)
      return capture
    }
    self.init(connection, capture, epoch, context)
    // From here on `deinit` undoes what was done, whatever fails.
    let fragment = connection.locked {
      connection.wait(upTo: .seconds(4)) { capture.outcome }
    }
    guard let fragment else {
      throw StageError(.unavailable, "the sound server does not begin to record")
    }
    _ = try fragment.get()
  }

  private init(
    _ connection: PulseConnection, _ capture: PulseDeviceCapture, _ epoch: Instant, _ context: StageContext
  ) {
    self.capture = capture
    stream = LiveStream(capture.ring, epoch: epoch, fragment: capture.settings.latency)
    super.init(connection, capture, context)
  }

  override var format: AudioFormat { capture.ring.format }
  override var needsTicks: Bool { stream.needsTicks }
  override func time(of position: Int64) -> Instant { stream.timeline.time(of: position) }

  override func append(to audio: inout AudioBuffer, _ now: Instant) {
    stream.read(into: &audio, now)
    tellTroubles(of: stream, now)
    if stream.takeSilenceReport() { tellSilence(connection.locked { capture.silenceCause() }) }
  }

  override func summary() -> [Notice] {
    let losses = losses(of: stream)
    guard let drift = stream.timeline.drift.estimate else { return losses }
    let parts = fixedText(abs(drift.partsPerMillion), digits: 1)
    let direction = drift.partsPerMillion < 0 ? "slow" : "fast"
    return losses + [
      Notice(
        "drift",
        "the source's clock runs \(parts) ± \(fixedText(drift.error, digits: 1)) ppm \(direction) "
          + "(measured over \(fixedText(drift.seconds, digits: 0)) s)"
          + (stream.wasResampled ? "; it was followed by resampling" : ""),
        details: [
          ("ppm", JSONValue(drift.partsPerMillion, digits: 2)),
          ("error_ppm", JSONValue(drift.error, digits: 2)),
          ("seconds", JSONValue(drift.seconds, digits: 1)),
          ("silence", JSONValue(Double(stream.silentFrames) / Double(format.rate), digits: 3)),
          ("dropped", JSONValue(Double(stream.droppedFrames) / Double(format.rate), digits: 3)),
          ("followed", .bool(stream.wasResampled)),
        ])
    ]
  }
}

/// Reads and mixes what one program plays.
final class PulseApplicationReader: PulseReader {
  /// One of the program's streams: how far it has been read, and what has been read ahead of the others.
  private final class Voice {
    let stream: LiveStream
    var ahead: AudioBuffer

    init(_ ring: CaptureRing, _ epoch: Instant, _ latency: Duration, position: Int64) {
      stream = LiveStream(ring, epoch: epoch, fragment: latency, position: position)
      ahead = AudioBuffer(format: ring.format, capacity: ring.format.rate / 5)
    }
  }

  private let capture: PulseApplicationCapture
  private let epoch: Instant
  private var voices: [Voice] = []
  /// The timeline while nothing plays.
  private var idle: LiveTimeline

  /// Begins to listen for the program.
  /// - Throws: `StageError` when there is no server, or it has no output.
  convenience init(
    application name: String, _ settings: PulseSettings, _ connections: PulseConnections,
    _ context: StageContext
  ) throws {
    let epoch = connections.epoch
    let connection = try connections.connection(to: settings.server)
    let capture = try connection.locked {
      let (inventory, server) = try connection.waitForInventory()
      let source = try settings.target.source(in: inventory)
      let format = AudioFormat(.f32le, rate: source.rate, channels: min(source.channels, 2))
      let capture = PulseApplicationCapture(settings, name: name, format: format, context)
      connection.add(capture)
      capture.inventoryChanged(inventory, server)
      return capture
    }
    self.init(connection, capture, epoch, context)
  }

  private init(
    _ connection: PulseConnection, _ capture: PulseApplicationCapture, _ epoch: Instant,
    _ context: StageContext
  ) {
    self.capture = capture
    self.epoch = epoch
    idle = LiveTimeline(rate: capture.format.rate, epoch: epoch, fragment: capture.settings.latency)
    super.init(connection, capture, context)
  }

  override var format: AudioFormat { capture.format }
  override var needsTicks: Bool { voices.allSatisfy { $0.stream.needsTicks } }
  override func time(of position: Int64) -> Instant { idle.time(of: position) }
  override func summary() -> [Notice] { voices.flatMap { losses(of: $0.stream) } }

  override func append(to audio: inout AudioBuffer, _ now: Instant) {
    for ring in capture.takeNewRings() {
      voices.append(Voice(ring, epoch, capture.settings.latency, position: idle.position))
    }
    if voices.isEmpty {
      let silence = idle.elapse(to: now)
      let given = audio.appendSilence(Int(min(silence, Int64(audio.freeFrames))))
      // What does not fit now is due again at the next call.
      idle.adjust(by: Int64(given) - silence)
      return
    }
    for voice in voices { voice.stream.read(into: &voice.ahead, now) }
    mix(into: &audio)
    for voice in voices {
      tellTroubles(of: voice.stream, now)
      if voice.stream.takeSilenceReport() { tellSilence(connection.locked { capture.silenceCause() }) }
    }
    for voice in voices where voice.stream.isDrained {
      for notice in losses(of: voice.stream) { context.notice(notice) }
    }
    voices.removeAll { $0.stream.isDrained && $0.ahead.isEmpty }
  }

  /// Appends the sum of all voices, as far as all of them have come.
  private func mix(into audio: inout AudioBuffer) {
    let frames = min(audio.freeFrames, voices.map { $0.ahead.frameCount }.min() ?? 0)
    guard frames > 0 else { return }
    let samples = frames * format.channels
    audio.append { room in
      let sum = room.bindMemory(to: Float.self)
      for (number, voice) in voices.enumerated() {
        voice.ahead.withBytes { bytes in
          let source = bytes.bindMemory(to: Float.self)
          if number == 0 {
            for index in 0..<samples { sum[index] = source[index] }
          } else {
            for index in 0..<samples { sum[index] += source[index] }
          }
        }
      }
      return frames
    }
    for voice in voices { voice.ahead.removeFirst(frames) }
    idle.adjust(by: Int64(frames))
  }
}
