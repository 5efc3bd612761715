internal import FluxGraph

/// Captures one source: a microphone, or the monitor of an output. Stays with what the user means when devices come and go.
final class PulseDeviceCapture: PulseCapture, @unchecked Sendable {
  // Unchecked: what changes is touched by callbacks of PulseAudio's thread, or with the main loop's lock held; the ring is its own.

  /// How the first stream has ended up: what `open` waits for.
  private(set) var outcome: Result<Duration, StageError>?
  let ring: CaptureRing
  private var stream: PulseRecordStream?
  private var inventory = PulseInventory()
  /// What was last listened to, as people call it.
  private var title: String
  /// The source last meant: a new one means that the default has changed, or that a device has come.
  private var wanted: String?
  /// The name of the source a pinned capture stays with.
  private var pinned: String?
  private var isConnected = true

  /// - Parameter source: the source to begin with; its rate and channels are the stream's for good.
  init(
    _ settings: PulseSettings, _ source: PulseInventory.Source, title: String, _ context: StageContext
  ) {
    let format = AudioFormat(.f32le, rate: source.rate, channels: source.channels)
    ring = CaptureRing(format: format, duration: .seconds(2))
    self.title = title
    super.init(settings, context)
  }

  override func inventoryChanged(_ inventory: PulseInventory, _ context: OpaquePointer) {
    self.inventory = inventory
    if !isConnected {
      isConnected = true
      notice("reconnected", "the sound server is back")
    }
    let target = pinned.map(PulseTarget.source) ?? settings.target
    guard let source = try? target.source(in: inventory), pinned == nil || pinned == source.name else {
      wanted = nil
      return
    }
    guard wanted != source.name else { return }
    wanted = source.name
    if let stream {
      // What was moved by hand stays where it is, until the default changes.
      if settings.isPinned || stream.device == source.name { return }
      stream.close()
    }
    start(source, context)
  }

  private func start(_ source: PulseInventory.Source, _ context: OpaquePointer) {
    let request = PulseRecordStream.Request(
      name: streamName, source: source, playback: nil, latency: settings.latency,
      mayMove: !settings.isPinned)
    stream = PulseRecordStream(
      request, context, into: ring, wake: { [unowned self] in wake() },
      handle: { [unowned self] event in streamChanged(event) })
    if settings.isPinned { pinned = source.name }
    if stream == nil {
      fail("\(inventory.title(of: source)) cannot be recorded")
    }
  }

  private func streamChanged(_ event: PulseRecordStream.Event) {
    switch event {
    case .started(let device, let fragment): started(device, fragment)
    case .moved(let device): moved(to: device)
    case .ended(let reason):
      stream = nil
      fail("\(title) cannot be recorded: \(reason)")
      if case .success = outcome {
        notice(
          "lost", "\(title) has gone; until it is back there is silence in its place", severity: .warning)
      }
      // What comes next is decided with the devices as they are then.
      wanted = nil
    default: tell(event, of: title, rate: ring.format.rate)
    }
  }

  private func started(_ device: String, _ fragment: Duration) {
    guard let stream else { return }
    // A server may have its own idea of where a stream belongs; what it gave is what counts.
    guard device == stream.request.source.name else {
      let wanted = inventory.title(of: stream.request.source)
      let given = inventory.source(named: device).map { inventory.title(of: $0) } ?? device
      stream.close()
      self.stream = nil
      fail("the sound server gives \(given) instead of \(wanted)")
      notice("wrong-device", "the sound server gives \(given) instead of \(wanted)", severity: .error)
      return
    }
    title = inventory.title(of: stream.request.source)
    outcome = .success(fragment)
    let milliseconds = fragment.seconds * 1000
    notice(
      "capturing",
      "listening to \(title) (\(device), \(SampleRate(ring.format.rate)) \(channelText(ring.format.channels)), "
        + "\(fixedText(milliseconds, digits: 0)) ms fragments)",
      details: [
        ("device", .string(device)), ("rate", JSONValue(ring.format.rate)),
        ("channels", JSONValue(ring.format.channels)), ("latency_ms", JSONValue(milliseconds, digits: 1)),
      ])
  }

  private func moved(to device: String) {
    title = inventory.source(named: device).map { inventory.title(of: $0) } ?? device
    notice(
      "moved", "listening to \(title) (\(device)) now", severity: .warning,
      details: [("device", .string(device))])
  }

  private func fail(_ message: String) {
    if outcome == nil { outcome = .failure(StageError(.unavailable, message)) }
  }

  override var wantsInventory: Bool { isConnected && stream == nil && wanted == nil }

  override func connectionLost(_ reason: String) {
    stream?.close()
    stream = nil
    wanted = nil
    guard isConnected else { return }
    isConnected = false
    notice(
      "disconnected", "the sound server has gone (\(reason)); until it is back there is silence",
      severity: .warning)
  }

  override func close() {
    stream?.close()
    stream = nil
  }

  /// Why there may be nothing but zeros.
  func silenceCause() -> String {
    PulseSilence.cause(device: stream?.device, in: inventory)
  }
}
