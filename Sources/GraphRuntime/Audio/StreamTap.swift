package import FluxGraph
internal import Synchronization

/// What a tap hears.
package enum TapItem: Sendable {
  case event(Event)
  case level(AudioLevel)
  /// The stream has ended. The last one.
  case ended
}

/// How loud a second of audio was.
package struct AudioLevel: Sendable {
  package var format: AudioFormat
  /// Seconds of the stream up to the end of what was measured.
  package var position: Double
  /// The greatest sample, and the root of the mean square, of all channels; 1 is full scale.
  package var peak: Double
  package var rootMeanSquare: Double
}

/// A place in a running graph where others may listen. Costs one look at a flag while nobody does.
package final class StreamTap: Sendable {
  /// The stream as the user knows it.
  package let name: String
  private let isActive = Atomic<Bool>(false)
  private let state = Mutex<(listeners: [Int: @Sendable (TapItem) -> Void], next: Int, isOver: Bool)>(
    ([:], 0, false))

  init(_ name: String) {
    self.name = name
  }

  /// Whether somebody listens.
  var isHeard: Bool { isActive.load(ordering: .relaxed) }

  /// Begins to listen. `listener` is called on whatever thread the stream is on, and must not wait.
  /// - Returns: what to give to `remove`; nil when the stream has ended.
  package func listen(_ listener: @escaping @Sendable (TapItem) -> Void) -> Int? {
    state.withLock { state in
      guard !state.isOver else { return nil }
      state.next += 1
      state.listeners[state.next] = listener
      isActive.store(true, ordering: .relaxed)
      return state.next
    }
  }

  package func remove(_ number: Int) {
    state.withLock { state in
      state.listeners[number] = nil
      isActive.store(!state.listeners.isEmpty, ordering: .relaxed)
    }
  }

  func hear(_ item: TapItem) {
    for listener in state.withLock({ Array($0.listeners.values) }) { listener(item) }
  }

  func end() {
    let listeners = state.withLock { state in
      state.isOver = true
      defer { state.listeners = [:] }
      return Array(state.listeners.values)
    }
    isActive.store(false, ordering: .relaxed)
    for listener in listeners { listener(.ended) }
  }
}

/// The streams of a running graph that can be listened to, by the names users know them by.
package final class TapDirectory: Sendable {
  private let taps = Mutex<[StreamTap]>([])

  package init() {}

  func add(_ tap: StreamTap) { taps.withLock { $0.append(tap) } }

  /// The streams of that name: several stages may have one.
  package func taps(named name: String) -> [StreamTap] { taps.withLock { $0.filter { $0.name == name } } }

  /// All names, each once.
  package var names: [String] {
    var seen: Set<String> = []
    return taps.withLock { $0.map(\.name) }.filter { seen.insert($0).inserted }
  }
}
