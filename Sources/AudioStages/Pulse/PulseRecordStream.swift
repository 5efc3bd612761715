internal import CPulse
internal import FluxGraph

/// One stream libpulse records, from a source or from one program, into a ring. On the thread `pulse` only.
final class PulseRecordStream {
  /// What happens to a stream.
  enum Event: Sendable, Hashable {
    /// It records. `fragment` is the length of its blocks, as the server grants it.
    case started(device: String, fragment: Duration)
    /// The server, or the user by way of it, has moved the stream to another source.
    case moved(device: String)
    case suspended, resumed
    /// The server had no room for what was recorded and has thrown some away.
    case overflowed
    /// The server says that frames are missing.
    case hole(frames: Int)
    /// It has ended: its source, or what it listened to, has gone.
    case ended(reason: String)
  }

  /// What is asked of the server.
  struct Request {
    var name: String
    var source: PulseInventory.Source
    /// Only this stream of what an output plays, by its index.
    var playback: UInt32?
    var latency: Duration
    var mayMove: Bool
  }

  let request: Request
  private let ring: CaptureRing
  private let wake: () -> Void
  private let handle: (Event) -> Void
  private var stream: OpaquePointer?
  /// The name of the source it records from, as the server says; nil until it does.
  private(set) var device: String?

  /// Begins to record.
  /// - Parameters:
  ///   - wake: called when something was written to `ring`.
  ///   - handle: called for everything else. Not from inside this initialiser.
  init?(
    _ request: Request, _ context: OpaquePointer, into ring: CaptureRing, wake: @escaping () -> Void,
    handle: @escaping (Event) -> Void
  ) {
    self.request = request
    self.ring = ring
    self.wake = wake
    self.handle = handle
    let format = ring.format
    var specification = pa_sample_spec(
      format: PA_SAMPLE_FLOAT32LE, rate: UInt32(format.rate), channels: UInt8(format.channels))
    let properties = pa_proplist_new()
    defer { pa_proplist_free(properties) }
    pa_proplist_sets(properties, PA_PROP_MEDIA_ROLE, "production")
    guard
      let stream = pa_stream_new_with_proplist(context, request.name, &specification, nil, properties)
    else { return nil }
    self.stream = stream
    setCallbacks(stream)
    let unspecified = UInt32.max
    var attributes = pa_buffer_attr(
      maxlength: unspecified, tlength: unspecified, prebuf: unspecified, minreq: unspecified,
      fragsize: UInt32(format.frames(in: request.latency) * format.bytesPerFrame))
    var flags = PA_STREAM_ADJUST_LATENCY.rawValue
    // Channels are taken as the device has them: what they are called is no reason to mix them.
    if format.channels == request.source.channels { flags |= PA_STREAM_NO_REMAP_CHANNELS.rawValue }
    if !request.mayMove { flags |= PA_STREAM_DONT_MOVE.rawValue }
    if let playback = request.playback { pa_stream_set_monitor_stream(stream, playback) }
    guard
      pa_stream_connect_record(stream, request.source.name, &attributes, pa_stream_flags_t(rawValue: flags))
        >= 0
    else {
      close()
      return nil
    }
  }

  /// Ends the recording; nothing is called any more.
  func close() {
    guard let stream else { return }
    self.stream = nil
    ring.isRunning = false
    pa_stream_set_state_callback(stream, nil, nil)
    pa_stream_set_read_callback(stream, nil, nil)
    pa_stream_set_moved_callback(stream, nil, nil)
    pa_stream_set_suspended_callback(stream, nil, nil)
    pa_stream_set_overflow_callback(stream, nil, nil)
    pa_stream_disconnect(stream)
    pa_stream_unref(stream)
  }

  private func setCallbacks(_ stream: OpaquePointer) {
    let reference = Unmanaged.passUnretained(self).toOpaque()
    pa_stream_set_state_callback(
      stream, { _, owner in PulseRecordStream.from(owner).stateChanged() }, reference)
    pa_stream_set_read_callback(stream, { _, _, owner in PulseRecordStream.from(owner).read() }, reference)
    pa_stream_set_moved_callback(stream, { _, owner in PulseRecordStream.from(owner).moved() }, reference)
    pa_stream_set_suspended_callback(
      stream, { _, owner in PulseRecordStream.from(owner).suspensionChanged() }, reference)
    pa_stream_set_overflow_callback(
      stream, { _, owner in PulseRecordStream.from(owner).handle(.overflowed) }, reference)
  }

  private static func from(_ reference: UnsafeMutableRawPointer?) -> PulseRecordStream {
    Unmanaged<PulseRecordStream>.fromOpaque(reference!).takeUnretainedValue()
  }

  private func stateChanged() {
    guard let stream else { return }
    switch pa_stream_get_state(stream) {
    case PA_STREAM_READY:
      device = name(of: stream)
      ring.isRunning = pa_stream_is_suspended(stream) <= 0
      let granted = pa_stream_get_buffer_attr(stream)?.pointee.fragsize ?? 0
      let fragment = ring.format.duration(ofFrames: Int(granted) / ring.format.bytesPerFrame)
      handle(.started(device: device ?? "", fragment: fragment))
    case PA_STREAM_FAILED, PA_STREAM_TERMINATED:
      let code = pa_stream_get_context(stream).map { pa_context_errno($0) } ?? 0
      close()
      wake()
      handle(.ended(reason: PulseProblem.text(code)))
    default: break
    }
  }

  private func moved() {
    guard let stream else { return }
    device = name(of: stream)
    ring.isRunning = pa_stream_is_suspended(stream) <= 0
    handle(.moved(device: device ?? ""))
  }

  private func suspensionChanged() {
    guard let stream else { return }
    let isSuspended = pa_stream_is_suspended(stream) > 0
    guard ring.isRunning == isSuspended else { return }
    ring.isRunning = !isSuspended
    wake()
    handle(isSuspended ? .suspended : .resumed)
  }

  private func name(of stream: OpaquePointer) -> String? {
    pa_stream_get_device_name(stream).map { String(cString: $0) }
  }

  private func read() {
    guard let stream else { return }
    let now = Instant.now()
    while pa_stream_readable_size(stream) > 0 {
      var data: UnsafeRawPointer?
      var count = 0
      guard pa_stream_peek(stream, &data, &count) >= 0, count > 0 else { break }
      if let data {
        ring.write(UnsafeRawBufferPointer(start: data, count: count), at: now)
      } else {
        let frames = count / ring.format.bytesPerFrame
        ring.writeHole(frames)
        handle(.hole(frames: frames))
      }
      pa_stream_drop(stream)
    }
    wake()
  }
}
