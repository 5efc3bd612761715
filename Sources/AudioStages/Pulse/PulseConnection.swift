internal import CPulse
internal import FluxGraph
internal import Glibc
internal import Platform

/// Something that uses a connection. All calls come on the thread `pulse`.
protocol PulseClient: AnyObject {
  /// The server's devices and programs are known, for the first time or after a change.
  func inventoryChanged(_ inventory: PulseInventory, _ context: OpaquePointer)
  /// Whether it has lost what it listened to, and would look for it again.
  var wantsInventory: Bool { get }
  /// The server has gone. `inventoryChanged` follows when it is back.
  func connectionLost(_ reason: String)
  /// Some time has passed. Returns whether the next call should come soon.
  func tick() -> Bool
}

/// A connection to one sound server, with the thread `pulse` that serves it. It comes back by itself when the server does.
final class PulseConnection: @unchecked Sendable {
  // Unchecked: everything that changes is touched only with the main loop's lock held. Callbacks have it; everyone else
  // takes it with `locked`.

  /// How often clients are called while silence has to be filled in by the clock, and otherwise.
  private static let quickTick = Duration.milliseconds(10)
  private static let slowTick = Duration.milliseconds(100)

  /// The server's address; nil for the one the environment names.
  let server: String?
  private let loop: OpaquePointer
  private let api: UnsafeMutablePointer<pa_mainloop_api>
  /// Never connected: libpulse sets timers on the monotonic clock only by way of a context.
  private let timerContext: OpaquePointer
  private var timer: OpaquePointer?
  private var context: OpaquePointer?
  private var query: PulseInventoryQuery?
  private var clients: [any PulseClient] = []
  private var backOff = BackOff(.milliseconds(200), upTo: .seconds(5))
  private var reconnectAt: Instant?
  private var lookAgainAt = Instant.now()
  private var inventory: PulseInventory?
  private var failure: Int32?

  /// Starts the thread and begins to connect.
  /// - Throws: `StageError` when there is no memory or no thread.
  init(server: String?) throws(StageError) {
    guard let loop = pa_threaded_mainloop_new(), let api = pa_threaded_mainloop_get_api(loop),
      let timerContext = pa_context_new(api, "fluxgraph")
    else { throw StageError(.internal, "libpulse could not be started") }
    self.server = server
    self.loop = loop
    self.api = api
    self.timerContext = timerContext
    pa_threaded_mainloop_set_name(loop, "pulse")
    timer = pa_context_rttime_new(
      timerContext, Self.time(after: Self.slowTick),
      { _, _, _, connection in PulseConnection.from(connection).tick() }, reference)
    connect()
    // Started with all signals blocked: the program reads them in one place.
    var all = sigset_t()
    var before = sigset_t()
    sigfillset(&all)
    pthread_sigmask(SIG_SETMASK, &all, &before)
    let result = pa_threaded_mainloop_start(loop)
    pthread_sigmask(SIG_SETMASK, &before, nil)
    guard result >= 0 else { throw StageError(.internal, "the thread for libpulse could not be started") }
  }

  deinit {
    // The last reference may be one that a call on the loop's own thread held, and that thread cannot wait for itself.
    let isOnLoop = pa_threaded_mainloop_in_thread(loop) != 0
    if !isOnLoop { pa_threaded_mainloop_stop(loop) }
    // Nothing calls back from here on.
    dropContext()
    if let timer { api.pointee.time_free(timer) }
    nonisolated(unsafe) let (loop, timerContext) = (loop, timerContext)
    let free = { @Sendable in
      pa_context_unref(timerContext)
      pa_threaded_mainloop_free(loop)
    }
    guard isOnLoop else { return free() }
    NamedThread("pulse-end") {
      pa_threaded_mainloop_stop(loop)
      free()
    }.detach()
  }

  private var reference: UnsafeMutableRawPointer { Unmanaged.passUnretained(self).toOpaque() }

  private static func from(_ reference: UnsafeMutableRawPointer?) -> PulseConnection {
    Unmanaged<PulseConnection>.fromOpaque(reference!).takeUnretainedValue()
  }

  private static func time(after duration: Duration) -> pa_usec_t {
    pa_rtclock_now() + pa_usec_t(duration.nanoseconds / 1000)
  }

  // MARK: - Any thread but the loop's own

  /// Runs `body` while the loop stands still.
  func locked<Result, Failure: Error>(_ body: () throws(Failure) -> Result) throws(Failure) -> Result {
    pa_threaded_mainloop_lock(loop)
    defer { pa_threaded_mainloop_unlock(loop) }
    return try body()
  }

  /// Waits, with the lock held, until `condition` gives something; nil after `limit`.
  func wait<Value>(upTo limit: Duration, for condition: () -> Value?) -> Value? {
    let deadline = Instant.now().advanced(by: limit)
    while true {
      if let value = condition() { return value }
      if Instant.now() >= deadline { return nil }
      // Ends at the next tick at the latest.
      pa_threaded_mainloop_wait(loop)
    }
  }

  /// Waits, with the lock held, until the server's devices are known.
  /// - Throws: `StageError` when there is no server, or it does not answer.
  func waitForInventory() throws(StageError) -> (PulseInventory, OpaquePointer) {
    let done: Bool? = wait(upTo: .seconds(4)) { inventory != nil || failure != nil ? true : nil }
    if let inventory, let context { return (inventory, context) }
    let code = done == nil ? Int32(PA_ERR_TIMEOUT.rawValue) : failure ?? Int32(PA_ERR_TIMEOUT.rawValue)
    throw PulseProblem(code: code, server: server).error
  }

  /// Has `client` called from now on. With the lock held.
  func add(_ client: any PulseClient) {
    clients.append(client)
  }

  /// Ends calls to `client`. With the lock held.
  func remove(_ client: any PulseClient) {
    clients.removeAll { $0 === client }
  }

  /// Wakes whoever waits. With the lock held, or on the loop's thread.
  func signal() {
    pa_threaded_mainloop_signal(loop, 0)
  }

  // MARK: - The loop's thread

  private func connect() {
    reconnectAt = nil
    let properties = pa_proplist_new()
    defer { pa_proplist_free(properties) }
    pa_proplist_sets(properties, PA_PROP_APPLICATION_NAME, "fluxgraph")
    pa_proplist_sets(properties, PA_PROP_APPLICATION_ID, "fluxgraph")
    pa_proplist_sets(properties, PA_PROP_APPLICATION_ICON_NAME, "audio-input-microphone")
    guard let context = pa_context_new_with_proplist(api, "fluxgraph", properties) else { return }
    self.context = context
    pa_context_set_state_callback(
      context, { context, connection in PulseConnection.from(connection).stateChanged(context) }, reference)
    pa_context_set_subscribe_callback(
      context, { _, _, _, connection in PulseConnection.from(connection).refresh() }, reference)
    // Never starts a server: whoever has none running has a reason.
    if pa_context_connect(context, server, PA_CONTEXT_NOAUTOSPAWN, nil) < 0 { lost(context) }
  }

  private func stateChanged(_ changed: OpaquePointer?) {
    guard let changed, changed == context else { return }
    switch pa_context_get_state(changed) {
    case PA_CONTEXT_READY:
      let mask =
        PA_SUBSCRIPTION_MASK_SINK.rawValue | PA_SUBSCRIPTION_MASK_SOURCE.rawValue
        | PA_SUBSCRIPTION_MASK_SINK_INPUT.rawValue | PA_SUBSCRIPTION_MASK_SERVER.rawValue
      if let operation = pa_context_subscribe(changed, pa_subscription_mask_t(rawValue: mask), nil, nil) {
        pa_operation_unref(operation)
      }
      refresh()
    case PA_CONTEXT_FAILED, PA_CONTEXT_TERMINATED: lost(changed)
    default: break
    }
  }

  private func lost(_ changed: OpaquePointer) {
    guard changed == context else { return }
    let code = pa_context_errno(changed)
    failure = code
    inventory = nil
    for client in clients { client.connectionLost(PulseProblem.text(code)) }
    dropContext()
    reconnectAt = Instant.now().advanced(by: backOff.next())
    signal()
  }

  private func dropContext() {
    query = nil
    guard let context else { return }
    self.context = nil
    pa_context_set_state_callback(context, nil, nil)
    pa_context_set_subscribe_callback(context, nil, nil)
    pa_context_disconnect(context)
    pa_context_unref(context)
  }

  /// Reads the devices anew; once more when something changes meanwhile.
  private func refresh() {
    guard let context else { return }
    if let query {
      query.isOutdated = true
      return
    }
    // Unsafe because answers may still come while `deinit` waits for the thread; no memory goes before it has ended.
    let query = PulseInventoryQuery { [unowned(unsafe) self] inventory in
      let isOutdated = self.query?.isOutdated ?? false
      self.query = nil
      if isOutdated { refresh() }
      if let inventory { changed(inventory) }
    }
    self.query = query
    query.start(context)
  }

  private func changed(_ new: PulseInventory) {
    guard let context, new != inventory else { return }
    inventory = new
    failure = nil
    backOff.reset()
    for client in clients { client.inventoryChanged(new, context) }
    signal()
  }

  private func tick() {
    if let reconnectAt, reconnectAt <= Instant.now() { connect() }
    lookAgain()
    var isSoon = false
    for client in clients where client.tick() { isSoon = true }
    signal()
    guard let timer else { return }
    pa_context_rttime_restart(
      timerContext, timer, Self.time(after: isSoon ? Self.quickTick : Self.slowTick))
  }

  /// A stream can end without a change of any device.
  private func lookAgain() {
    let now = Instant.now()
    guard let inventory, let context, now >= lookAgainAt else { return }
    lookAgainAt = now.advanced(by: .seconds(1))
    for client in clients where client.wantsInventory { client.inventoryChanged(inventory, context) }
  }
}
