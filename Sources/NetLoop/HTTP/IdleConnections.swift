/// The connections of a server that it does nothing for just now: they wait for a request, or for their client to read an answer.
/// A value; it closes nothing.
///
/// Each takes a descriptor of the process. There are at most so many, and a new one gets the place of the oldest: whoever asks at
/// once is answered, however many say nothing or speak slowly.
package struct IdleConnections: Sendable {
  /// Far more than honest clients leave idle, and a small part of what the process may have, which may have several servers.
  private static let usualLimit = max(8, min(256, ProcessSetup.descriptorLimit / 8))

  private var order: UInt64 = 0
  private var places: [ObjectIdentifier: UInt64] = [:]
  private let limit: Int

  /// - Parameter limit: how many there may be; 256 unless given, or fewer where the process may have few descriptors.
  package init(limit: Int? = nil) {
    self.limit = limit ?? Self.usualLimit
  }

  /// Notes that a connection has become idle, or has just been of use and is idle again.
  /// - Returns: the connection that has to go for it.
  package mutating func add(_ connection: ObjectIdentifier) -> ObjectIdentifier? {
    order += 1
    places[connection] = order
    guard places.count > limit, let oldest = places.min(by: { $0.value < $1.value })?.key else { return nil }
    places[oldest] = nil
    return oldest
  }

  /// Notes that a connection is at work, or gone.
  package mutating func remove(_ connection: ObjectIdentifier) { places[connection] = nil }
}
