internal import FluxGraph
internal import Glibc
internal import Synchronization

/// A thread `audio-n`: steps the chains it was given, and sleeps when none has anything to do.
///
/// Chains that wait for a time are due on one tick of 4 ms for all, so that a thousand paced chains wake the thread 250
/// times a second and not twelve thousand times: a twentieth of a chunk later at most.
final class AudioWorker: @unchecked Sendable {
  // Unchecked: the chains, their times, `watched`, `polled` and the memory are touched on the thread alone, `thread` by its owner; the rest is atomic,
  // behind a lock or constant.
  private static let tick: Int64 = 4_000_000
  private static let usualDescriptors = 32

  private let name: String
  /// Memory for what is under way through a chain.
  private let memory = AudioMemory()
  /// Ends the sleep.
  private let wakeUp: WakeUp
  private var chains: [AudioChain] = []
  /// The same chains, to be looked at without counting references.
  private var scanned: [Unmanaged<AudioChain>] = []
  /// When each of them is to be stepped, in nanoseconds: side by side, because all are looked at in every tick.
  private var dues: [Int64] = []
  /// What chains wait for, by descriptor: a pipe's end is read or written, not both.
  private var watched: [Int32: (chain: AudioChain, events: Int32)] = [:]
  private var polled: [pollfd] = []
  private var thread: NamedThread?
  private let wakePending = Atomic<Bool>(false)
  private let isStopping = Atomic<Bool>(false)
  /// Chains the thread has not taken over yet.
  private let added = Mutex<[AudioChain]>([])
  /// Whether there are any, so that the thread need not look behind the lock.
  private let hasAdded = Atomic<Bool>(false)

  init(number: Int) throws(StageError) {
    name = "audio-\(number)"
    do { wakeUp = try WakeUp() } catch { throw StageError(outOf: "files can be opened", error) }
    // Some descriptors are waited for the first time long after the start.
    watched.reserveCapacity(Self.usualDescriptors)
    polled.reserveCapacity(Self.usualDescriptors)
  }

  /// Hands a chain over. Any thread may do so, also while the worker runs.
  func add(_ chain: AudioChain) {
    added.withLock { $0.append(chain) }
    hasAdded.store(true, ordering: .releasing)
    wake()
  }

  func start() {
    thread = NamedThread(name) { [unowned self] in run() }
  }

  /// Ends the thread after the step it is in, and waits for it.
  func stop() {
    isStopping.store(true, ordering: .releasing)
    wake()
    thread?.join()
    thread = nil
  }

  /// Wakes the thread. Any thread may call it.
  func wake() {
    guard !wakePending.exchange(true, ordering: .acquiringAndReleasing) else { return }
    wakeUp.signal()
  }

  /// Wakes a chain once a descriptor can be read (`POLLIN`) or written (`POLLOUT`). The worker's own thread only: stages ask
  /// from inside a step.
  func watch(_ descriptor: Int32, events: Int32, for chain: AudioChain) {
    watched[descriptor] = (chain, events)
  }

  private func run() {
    while !isStopping.load(ordering: .acquiring) {
      let isWoken = wakePending.exchange(false, ordering: .sequentiallyConsistent)
      if hasAdded.load(ordering: .acquiring) { takeAdded() }
      let now = Instant.now()
      var isBusy = false
      var hasEnded = false
      for index in dues.indices where dues[index] <= now.nanoseconds || isWoken && isDirty(index) {
        switch chains[index].step(now, memory) {
        case .again:
          isBusy = true
          dues[index] = 0
        case .waiting(let time): dues[index] = time?.nanoseconds ?? .max
        case .ended:
          hasEnded = true
          dues[index] = .max
        }
      }
      if hasEnded { dropEnded() }
      if !isBusy { sleep() }
    }
  }

  private func isDirty(_ index: Int) -> Bool { scanned[index]._withUnsafeGuaranteedRef { $0.isDirtied } }

  private func takeAdded() {
    hasAdded.store(false, ordering: .releasing)
    added.withLock { added in
      chains += added
      added = []
    }
    scanned = chains.map { .passUnretained($0) }
    dues += [Int64](repeating: 0, count: chains.count - dues.count)
  }

  /// Lets go of chains that are over, so that a worker many graphs use does not keep what they held.
  private func dropEnded() {
    let running = chains.indices.filter { !chains[$0].isEnded }
    dues = running.map { dues[$0] }
    chains = running.map { chains[$0] }
    scanned = chains.map { .passUnretained($0) }
    watched = watched.filter { !$0.value.chain.isEnded }
  }

  private func sleep() {
    var earliest: Int64 = .max
    for due in dues { earliest = min(earliest, due) }
    var timeout: Int32 = -1
    if earliest != .max {
      let due = (earliest + Self.tick - 1) / Self.tick * Self.tick
      let wait = max(0, due - Instant.now().nanoseconds)
      timeout = Int32(min(Int64(Int32.max), (wait + 999_999) / 1_000_000))
    }
    polled.removeAll(keepingCapacity: true)
    polled.append(pollfd(fd: wakeUp.descriptor, events: Int16(POLLIN), revents: 0))
    for (descriptor, watch) in watched {
      polled.append(pollfd(fd: descriptor, events: Int16(watch.events), revents: 0))
    }
    guard poll(&polled, nfds_t(polled.count), timeout) > 0 else { return }
    if polled[0].revents != 0 { wakeUp.clear() }
    for entry in polled.dropFirst() where entry.revents != 0 {
      // Once asked for, once told: the source asks again when it finds nothing again.
      watched.removeValue(forKey: entry.fd)?.chain.wake()
    }
  }
}
