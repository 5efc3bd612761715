/// How long the sinks of a graph go on delivering once there is nothing left to come, unless somebody asks for the end. The host
/// program provides it to those that ask for it; without one they do not wait for another try.
package struct DeliveryDrain: Sendable {
  /// How long they try for.
  let time: Duration
  /// Whether the time begins anew with each event that is delivered.
  let followsProgress: Bool

  /// - Parameter followsProgress: whether the time begins anew with each event that is delivered.
  package init(_ time: Duration, followsProgress: Bool = false) {
    self.time = time
    self.followsProgress = followsProgress
  }
}
