internal import CPulse

/// Asks a server for all it has, and puts the answers together. On the thread `pulse` only.
///
/// The server answers in the order it is asked in, so that the end of the last list is the end of all.
final class PulseInventoryQuery {
  /// More than any machine has of devices and programs together.
  private static let limit = 4096

  /// Whether something has changed since the questions were asked.
  var isOutdated = false
  private var inventory = PulseInventory()
  private let done: (PulseInventory?) -> Void

  /// - Parameter done: called once with what the server has; nil when it did not answer.
  init(_ done: @escaping (PulseInventory?) -> Void) {
    self.done = done
  }

  func start(_ context: OpaquePointer) {
    let reference = Unmanaged.passUnretained(self).toOpaque()
    forget(
      pa_context_get_server_info(
        context, { _, info, query in PulseInventoryQuery.from(query).add(info?.pointee) }, reference))
    forget(
      pa_context_get_sink_info_list(
        context, { _, info, _, query in PulseInventoryQuery.from(query).add(info?.pointee) }, reference))
    forget(
      pa_context_get_source_info_list(
        context, { _, info, _, query in PulseInventoryQuery.from(query).add(info?.pointee) }, reference))
    let last = pa_context_get_sink_input_info_list(
      context,
      { _, info, end, query in
        let query = PulseInventoryQuery.from(query)
        if end == 0 { query.add(info?.pointee) } else { query.finish(isComplete: end > 0) }
      }, reference)
    if last == nil { finish(isComplete: false) }
    forget(last)
  }

  private static func from(_ reference: UnsafeMutableRawPointer?) -> PulseInventoryQuery {
    Unmanaged<PulseInventoryQuery>.fromOpaque(reference!).takeUnretainedValue()
  }

  private func forget(_ operation: OpaquePointer?) {
    if let operation { pa_operation_unref(operation) }
  }

  private func finish(isComplete: Bool) {
    inventory.sinks.sort { $0.index < $1.index }
    inventory.sources.sort { $0.index < $1.index }
    inventory.playbacks.sort { $0.index < $1.index }
    done(isComplete ? inventory : nil)
  }

  private func add(_ info: pa_server_info?) {
    guard let info else { return }
    inventory.server = text(info.server_name) + " " + text(info.server_version)
    inventory.defaultSink = info.default_sink_name.map { String(cString: $0) }
    inventory.defaultSource = info.default_source_name.map { String(cString: $0) }
  }

  private func add(_ info: pa_sink_info?) {
    guard let info, inventory.sinks.count < Self.limit else { return }
    inventory.sinks.append(
      .init(
        index: info.index, name: text(info.name), description: text(info.description),
        rate: Int(info.sample_spec.rate), channels: Int(info.sample_spec.channels),
        state: state(info.state.rawValue), isMuted: info.mute != 0, monitor: text(info.monitor_source_name)))
  }

  private func add(_ info: pa_source_info?) {
    guard let info, inventory.sources.count < Self.limit else { return }
    inventory.sources.append(
      .init(
        index: info.index, name: text(info.name), description: text(info.description),
        rate: Int(info.sample_spec.rate), channels: Int(info.sample_spec.channels),
        state: state(info.state.rawValue), isMuted: info.mute != 0,
        monitorOf: info.monitor_of_sink_name.map { String(cString: $0) }))
  }

  private func add(_ info: pa_sink_input_info?) {
    guard let info, inventory.playbacks.count < Self.limit else { return }
    inventory.playbacks.append(
      .init(
        index: info.index, application: property(info.proplist, PA_PROP_APPLICATION_NAME) ?? text(info.name),
        binary: property(info.proplist, PA_PROP_APPLICATION_PROCESS_BINARY), title: text(info.name),
        sink: info.sink, rate: Int(info.sample_spec.rate), channels: Int(info.sample_spec.channels),
        isPaused: info.corked != 0, isMuted: info.mute != 0))
  }

  /// Sinks and sources number their states alike.
  private func state(_ value: Int32) -> PulseInventory.State {
    switch value {
    case PA_SINK_RUNNING.rawValue: .running
    case PA_SINK_SUSPENDED.rawValue: .suspended
    default: .idle
    }
  }

  private func property(_ list: OpaquePointer?, _ name: String) -> String? {
    guard let list, let value = pa_proplist_gets(list, name) else { return nil }
    return String(cString: value)
  }

  private func text(_ pointer: UnsafePointer<CChar>?) -> String {
    pointer.map { String(cString: $0) } ?? ""
  }
}
