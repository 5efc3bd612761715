import CCurl
import FluxGraph

/// Somebody who owns an easy handle and is told how it ended.
protocol CurlOwner: AnyObject {
  /// Called outside libcurl's callbacks; the handle is still in the multi handle.
  func transferFinished(_ code: CURLcode)
}

/// libcurl's multi handle, driven by the loop's epoll set and clock. Loop thread only.
///
/// One handle for everything: libcurl keeps the parsed certificate authorities in it, so that each TLS connection
/// costs neither 15 ms nor 0.8 MiB for its own copy.
final class CurlMulti: DescriptorHandler {
  private var multi: UnsafeMutableRawPointer?
  private let poller: Poller
  private var owners: [UnsafeMutableRawPointer: any CurlOwner] = [:]

  /// When libcurl wants to be called without an event, by its own clock, which goes on while the process does not run.
  private(set) var deadline: SuspendingClock.Instant?

  init(poller: Poller) throws(NetworkFailure) {
    guard let multi = curl_multi_init() else { throw .system(12, while: "initialising libcurl") }
    self.multi = multi
    self.poller = poller
    let me = Unmanaged.passUnretained(self).toOpaque()
    _ = CCurl_multi_setopt_pointer(multi, CURLMOPT_SOCKETDATA, me)
    _ = CCurl_multi_setopt_socket_callback(multi) { _, descriptor, what, context, _ in
      guard let context else { return 0 }
      Unmanaged<CurlMulti>.fromOpaque(context).takeUnretainedValue().follow(descriptor, what)
      return 0
    }
    _ = CCurl_multi_setopt_pointer(multi, CURLMOPT_TIMERDATA, me)
    _ = CCurl_multi_setopt_timer_callback(multi) { _, milliseconds, context in
      guard let context else { return 0 }
      let me = Unmanaged<CurlMulti>.fromOpaque(context).takeUnretainedValue()
      // Calling back from here would enter libcurl twice; the turn looks at the deadline.
      me.deadline = milliseconds < 0 ? nil : SuspendingClock.now.advanced(by: .milliseconds(milliseconds))
      return 0
    }
    // A full cache closes the oldest connection, in some versions also one that is in use as a byte pipe.
    _ = CCurl_multi_setopt_long(multi, CURLMOPT_MAXCONNECTS, 1_000_000)
  }

  deinit {
    shutDown()
  }

  /// Starts a transfer; libcurl does nothing before the turn's end.
  func add(_ easy: CurlEasy, owner: any CurlOwner) -> Bool {
    guard let multi, curl_multi_add_handle(multi, easy.handle) == CURLM_OK else { return false }
    owners[easy.handle] = owner
    return true
  }

  /// Takes a handle out, which closes a byte pipe at once. Never from within a libcurl callback.
  func remove(_ easy: CurlEasy) {
    owners[easy.handle] = nil
    if let multi { curl_multi_remove_handle(multi, easy.handle) }
  }

  /// Closes idle connections. After the last handle was removed: in the other order descriptors stay open for good.
  func shutDown() {
    guard let multi else { return }
    self.multi = nil
    // The callbacks hold a pointer to this object, which may be in its `deinit`.
    _ = CCurl_multi_setopt_socket_callback(multi, nil)
    _ = CCurl_multi_setopt_timer_callback(multi, nil)
    curl_multi_cleanup(multi)
    deadline = nil
  }

  func descriptorReady(_ descriptor: Int32, _ readiness: Readiness) {
    guard let multi else { return }
    var mask: Int32 = 0
    if readiness.contains(.readable) { mask |= CURL_CSELECT_IN }
    if readiness.contains(.writable) { mask |= CURL_CSELECT_OUT }
    if readiness.isFailed { mask |= CURL_CSELECT_ERR }
    var running: Int32 = 0
    curl_multi_socket_action(multi, descriptor, mask, &running)
  }

  func runTimeout(now: SuspendingClock.Instant) {
    guard let multi, let deadline, deadline <= now else { return }
    self.deadline = nil
    var running: Int32 = 0
    CCurl_multi_socket_timeout(multi, &running)
  }

  /// Tells the owners of finished transfers.
  func collectFinished() {
    guard let multi else { return }
    var left: Int32 = 0
    while let message = curl_multi_info_read(multi, &left) {
      guard message.pointee.msg == CURLMSG_DONE, let handle = message.pointee.easy_handle else { continue }
      owners[handle]?.transferFinished(CCurl_message_result(message))
    }
  }

  private func follow(_ descriptor: Int32, _ what: Int32) {
    switch what {
    case CURL_POLL_IN: _ = poller.watch(descriptor, for: .readable, handler: self)
    case CURL_POLL_OUT: _ = poller.watch(descriptor, for: .writable, handler: self)
    case CURL_POLL_INOUT: _ = poller.watch(descriptor, for: [.readable, .writable], handler: self)
    default: poller.forget(descriptor, handler: self)
    }
  }
}
