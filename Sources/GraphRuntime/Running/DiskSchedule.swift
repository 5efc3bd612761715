internal import FluxGraph

/// Decides which of those that have something to do on a disk are at work. A value: time is an argument.
///
/// There is one at work for each file system, so that a slow one holds up only those that use it. One that has been at work for a
/// second is held up itself: another one may begin beside it, if only a few are. So neither a file system that does not answer nor a
/// mistake about which one it is keeps the others from theirs.
struct DiskSchedule<ID: Hashable & Sendable>: Sendable {
  /// After so long one that is at work holds up nobody any more.
  static var patience: Duration { .seconds(1) }
  /// The most at work at a time.
  static var limit: Int { 32 }
  /// The most for one file system, and of those that have not named theirs yet.
  static var limitEach: Int { 4 }
  static var limitUnnamed: Int { 8 }

  /// Those that use a file system.
  private struct Group: Sendable {
    /// In the order they came.
    var waiting: [ID] = []
    /// The first of `waiting` that still does.
    var head = 0
    /// Since when they are.
    var atWork: [ID: Instant] = [:]

    var hasWaiting: Bool { head < waiting.count }
    var isEmpty: Bool { !hasWaiting && atWork.isEmpty }

    mutating func takeFirst() -> ID {
      defer {
        head += 1
        if head >= 256 || head == waiting.count {
          waiting.removeFirst(head)
          head = 0
        }
      }
      return waiting[head]
    }
  }

  /// By file system; nil is none that is known.
  private var groups: [UInt?: Group] = [:]
  /// The file system of each that has named one, as long as it has something to do.
  private var places: [ID: UInt?] = [:]
  /// How many are at work.
  private(set) var count = 0

  /// Nobody has anything to do.
  var isIdle: Bool { groups.isEmpty }

  /// Somebody has something to do, on that file system as far as is known.
  mutating func add(_ id: ID, on fileSystem: UInt?) {
    places[id] = fileSystem
    groups[fileSystem, default: Group()].waiting.append(id)
  }

  /// The next one that begins; nil when there is none. Ask until then.
  mutating func next(now: Instant) -> ID? {
    guard count < Self.limit else { return nil }
    for (fileSystem, group) in groups where group.hasWaiting && mayBegin(fileSystem, group, now) {
      let id = groups[fileSystem]!.takeFirst()
      groups[fileSystem]!.atWork[id] = now
      count += 1
      return id
    }
    return nil
  }

  /// One that is at work is on another file system than was known.
  mutating func move(_ id: ID, to fileSystem: UInt?) {
    guard let old = places[id], old != fileSystem, let since = groups[old]?.atWork.removeValue(forKey: id)
    else { return }
    if groups[old]?.isEmpty ?? false { groups[old] = nil }
    places[id] = fileSystem
    groups[fileSystem, default: Group()].atWork[id] = since
  }

  /// One that was at work has come back.
  mutating func rest(_ id: ID) {
    guard let fileSystem = places.removeValue(forKey: id),
      groups[fileSystem]?.atWork.removeValue(forKey: id) != nil
    else { return }
    count -= 1
    if groups[fileSystem]?.isEmpty ?? false { groups[fileSystem] = nil }
  }

  private func mayBegin(_ fileSystem: UInt?, _ group: Group, _ now: Instant) -> Bool {
    // The first on a file system always finds room: what is more than that leaves some.
    guard fileSystem != nil else {
      return group.atWork.count < Self.limitUnnamed && count < Self.limit / 2
    }
    if group.atWork.isEmpty { return true }
    return group.atWork.count < Self.limitEach && count < Self.limit / 2
      && group.atWork.values.allSatisfy { now.duration(since: $0) >= Self.patience }
  }
}
