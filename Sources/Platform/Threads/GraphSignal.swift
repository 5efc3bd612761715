/// Has a thread do something again and again.
public protocol GraphSignal: Sendable {
  /// Asks for it. Any thread may, also an audio thread: with the program's own loop and threads it neither waits nor allocates.
  func raise()
}
