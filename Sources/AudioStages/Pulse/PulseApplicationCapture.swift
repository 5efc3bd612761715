internal import FluxGraph
internal import Synchronization

/// Captures what one program plays: each of its streams into a ring of its own. Streams come and go as the program likes.
final class PulseApplicationCapture: PulseCapture, @unchecked Sendable {
  // Unchecked: what changes is touched by callbacks of PulseAudio's thread, or with the main loop's lock held; new rings go to the
  // audio thread behind a lock.

  /// More streams than any program plays at a time.
  private static let limit = 32

  let format: AudioFormat
  private let name: String
  private var streams: [UInt32: (stream: PulseRecordStream, ring: CaptureRing)] = [:]
  private var inventory = PulseInventory()
  private let newRings = Mutex<[CaptureRing]>([])
  private let hasNewRings = Atomic<Bool>(false)
  private var isConnected = true
  private var isPresent: Bool?

  init(_ settings: PulseSettings, name: String, format: AudioFormat, _ context: StageContext) {
    self.name = name
    self.format = format
    super.init(settings, context)
  }

  /// The rings of streams that have begun since the last call. The audio thread.
  func takeNewRings() -> [CaptureRing] {
    guard hasNewRings.exchange(false, ordering: .acquiring) else { return [] }
    return newRings.withLock { rings in
      defer { rings = [] }
      return rings
    }
  }

  override func inventoryChanged(_ inventory: PulseInventory, _ context: OpaquePointer) {
    self.inventory = inventory
    if !isConnected {
      isConnected = true
      notice("reconnected", "the sound server is back")
    }
    let playbacks = settings.target.playbacks(in: inventory).prefix(Self.limit)
    for index in streams.keys where !playbacks.contains(where: { $0.index == index }) { detach(index) }
    for playback in playbacks where streams[playback.index] == nil { attach(playback, context) }
    tellPresence()
  }

  private func attach(_ playback: PulseInventory.Playback, _ context: OpaquePointer) {
    guard let sink = inventory.sink(playback.sink), let source = inventory.source(named: sink.monitor) else {
      return
    }
    let ring = CaptureRing(format: format, duration: .seconds(2))
    let request = PulseRecordStream.Request(
      name: streamName, source: source, playback: playback.index, latency: settings.latency, mayMove: false)
    let index = playback.index
    let stream = PulseRecordStream(
      request, context, into: ring, wake: { [unowned self] in wake() },
      handle: { [unowned self] event in streamChanged(index, event) })
    guard let stream else { return }
    streams[index] = (stream, ring)
    newRings.withLock { $0.append(ring) }
    hasNewRings.store(true, ordering: .releasing)
  }

  private func detach(_ index: UInt32) {
    guard let entry = streams.removeValue(forKey: index) else { return }
    entry.stream.close()
    entry.ring.end()
  }

  private func streamChanged(_ index: UInt32, _ event: PulseRecordStream.Event) {
    switch event {
    case .ended: detach(index)
    case .started(let device, let fragment):
      let playback = inventory.playbacks.first { $0.index == index }
      let milliseconds = fragment.seconds * 1000
      notice(
        "capturing",
        "listening to \(playback?.application ?? name), \(quotedText(playback?.title ?? "")) "
          + "(\(device), \(fixedText(milliseconds, digits: 0)) ms fragments)",
        details: [("device", .string(device)), ("latency_ms", JSONValue(milliseconds, digits: 1))])
    default: tell(event, of: name, rate: format.rate)
    }
  }

  private func tellPresence() {
    let present = !streams.isEmpty
    guard present != isPresent else { return }
    let wasPresent = isPresent
    isPresent = present
    if present { return }
    if wasPresent == nil {
      let playing = Set(inventory.playbacks.map(\.application)).sorted().prefix(8)
      let others =
        playing.isEmpty ? "nothing else is either" : "what plays is \(playing.joined(separator: ", "))"
      notice("waiting", "\(name) is not playing; \(others). There is silence until it does")
    } else {
      notice("lost", "\(name) has stopped playing; there is silence until it is back")
    }
  }

  /// Why there may be nothing but zeros.
  func silenceCause() -> String {
    let playbacks = settings.target.playbacks(in: inventory)
    if playbacks.contains(where: \.isMuted) { return "\(name) is muted" }
    return playbacks.allSatisfy(\.isPaused) ? "\(name) is paused" : "\(name) plays silence"
  }

  /// A stream can end without the program's, as when the program's is moved to another output.
  override var wantsInventory: Bool {
    isConnected && settings.target.playbacks(in: inventory).contains { streams[$0.index] == nil }
  }

  override func connectionLost(_ reason: String) {
    close()
    guard isConnected else { return }
    isConnected = false
    notice(
      "disconnected", "the sound server has gone (\(reason)); until it is back there is silence",
      severity: .warning)
  }

  override func close() {
    for index in Array(streams.keys) { detach(index) }
  }
}
