import CCurl
import FluxGraph
import Glibc

/// What a descriptor is ready for, or which readiness somebody wants to hear about.
package struct Readiness: OptionSet, Hashable, Sendable {
  package let rawValue: UInt32

  package init(rawValue: UInt32) {
    self.rawValue = rawValue
  }

  package static let readable = Readiness(rawValue: EPOLLIN.rawValue)
  package static let writable = Readiness(rawValue: EPOLLOUT.rawValue)
  /// An error or a hang-up; reported whether it was asked for or not.
  package static let failed = Readiness(rawValue: EPOLLERR.rawValue | EPOLLHUP.rawValue)

  var isFailed: Bool { !isDisjoint(with: .failed) }
}

/// Somebody who is told when a descriptor becomes ready.
protocol DescriptorHandler: AnyObject {
  func descriptorReady(_ descriptor: Int32, _ readiness: Readiness)
}

/// The epoll set of the loop, and who is told about each descriptor. Level-triggered; loop thread only.
final class Poller {
  /// Few, so that timers and sends which are due do not wait for the rest of a long list.
  static let eventsPerTurn = 64

  private struct Entry {
    var handler: (any DescriptorHandler)?
    /// Tells an event of this registration from one of an earlier registration of the same number.
    var generation: UInt32 = 0
    var interest: Readiness = []
  }

  private let epoll: Int32
  private var entries: [Entry] = []
  private let events: UnsafeMutablePointer<epoll_event>

  /// - Throws: ``NetworkFailure`` with ``NetworkFailure/Code/system`` when the kernel gives no epoll descriptor.
  init() throws(NetworkFailure) {
    epoll = epoll_create1(Int32(EPOLL_CLOEXEC))
    if epoll < 0 { throw .system(errno, while: "creating the event loop") }
    events = .allocate(capacity: Self.eventsPerTurn)
  }

  deinit {
    close(epoll)
    events.deallocate()
  }

  /// Watches a descriptor, or changes what it is watched for.
  ///
  /// - Returns: 0, or the error number of `epoll_ctl` (EPERM for a regular file).
  func watch(_ descriptor: Int32, for interest: Readiness, handler: any DescriptorHandler) -> Int32 {
    let index = Int(descriptor)
    while entries.count <= index { entries.append(Entry()) }
    let isNew = entries[index].handler == nil
    if !isNew && entries[index].interest == interest && entries[index].handler === handler { return 0 }
    if isNew { entries[index].generation &+= 1 }
    var event = epoll_event()
    event.events = interest.rawValue
    event.data.u64 = UInt64(UInt32(bitPattern: descriptor)) | UInt64(entries[index].generation) << 32
    var status = epoll_ctl(epoll, isNew ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, descriptor, &event)
    // libcurl may close and reopen a number between two calls; the kernel's view decides.
    if status < 0 && errno == EEXIST { status = epoll_ctl(epoll, EPOLL_CTL_MOD, descriptor, &event) }
    if status < 0 && errno == ENOENT { status = epoll_ctl(epoll, EPOLL_CTL_ADD, descriptor, &event) }
    guard status == 0 else { return errno }
    entries[index].handler = handler
    entries[index].interest = interest
    return 0
  }

  /// Forgets a descriptor if it is `handler`'s; events already fetched for it are not delivered any more.
  func forget(_ descriptor: Int32, handler: any DescriptorHandler) {
    let index = Int(descriptor)
    guard index >= 0, index < entries.count, entries[index].handler === handler else { return }
    entries[index].handler = nil
    // Fails when the descriptor is already closed, which has removed it.
    _ = epoll_ctl(epoll, EPOLL_CTL_DEL, descriptor, nil)
  }

  /// Waits for events; returns how many arrived. -1 milliseconds waits without limit.
  func wait(milliseconds: Int32) -> Int {
    Int(max(0, epoll_wait(epoll, events, Int32(Self.eventsPerTurn), milliseconds)))
  }

  /// Tells the handlers about the events of the last ``wait(milliseconds:)``.
  func dispatch(count: Int) {
    for position in 0..<count {
      let event = events[position]
      let descriptor = Int32(truncatingIfNeeded: event.data.u64)
      let entry = entries[Int(descriptor)]
      guard let handler = entry.handler, UInt64(entry.generation) == event.data.u64 >> 32 else { continue }
      handler.descriptorReady(descriptor, Readiness(rawValue: event.events))
    }
  }
}
