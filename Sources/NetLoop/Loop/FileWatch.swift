package import FluxGraph
import Glibc

/// A descriptor of the caller's that the loop watches.
///
/// The caller keeps owning the descriptor and cancels the watch before closing it. Loop thread only; the proof of
/// `Sendable` is that every member checks the thread.
package final class FileWatch: DescriptorHandler, @unchecked Sendable {
  private let loop: EventLoop
  private let descriptor: Int32
  private var handler: (@Sendable (Readiness) -> Void)?

  init(loop: EventLoop, descriptor: Int32, handler: @escaping @Sendable (Readiness) -> Void) {
    self.loop = loop
    self.descriptor = descriptor
    self.handler = handler
  }

  /// Changes what the descriptor is watched for. With nothing asked for, hang-ups are not reported either.
  ///
  /// - Throws: ``NetworkFailure`` with ``NetworkFailure/Code/system`` when the kernel cannot watch this kind of file.
  package func update(_ interest: Readiness) throws(NetworkFailure) {
    loop.preconditionOnLoop()
    guard handler != nil else { return }
    guard !interest.isEmpty else { return loop.poller.forget(descriptor, handler: self) }
    let status = loop.poller.watch(descriptor, for: interest, handler: self)
    if status != 0 { throw .system(status, while: "watching a file descriptor") }
  }

  /// Ends the watch; the handler is not called any more. Harmless when repeated.
  package func cancel() {
    loop.preconditionOnLoop()
    loop.poller.forget(descriptor, handler: self)
    handler = nil
  }

  func descriptorReady(_ descriptor: Int32, _ readiness: Readiness) {
    handler?(readiness)
  }
}

extension EventLoop {
  /// Calls `handler` on the loop thread whenever a descriptor is ready (level-triggered). Loop thread only.
  ///
  /// - Throws: ``NetworkFailure`` with ``NetworkFailure/Code/system`` when the kernel cannot watch this kind of file.
  package func watch(
    _ descriptor: Int32, for interest: Readiness, handler: @escaping @Sendable (Readiness) -> Void
  ) throws(NetworkFailure) -> FileWatch {
    let watch = FileWatch(loop: self, descriptor: descriptor, handler: handler)
    try watch.update(interest)
    return watch
  }
}
