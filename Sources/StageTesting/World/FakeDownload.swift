public import FluxGraph
internal import Synchronization

/// A download that brings what a test gives it.
public final class FakeDownload: HTTPStream, Sendable {
  /// The URL that was asked for.
  public let url: String
  /// The headers that were sent with it.
  public let headers: HTTPHeaders
  /// The PEM file of authorities that was named for it.
  public let certificateAuthorities: String?
  private let handler: @Sendable (HTTPStreamEvent) -> Void
  private let state = Mutex((isPaused: false, isCancelled: false))

  init(
    _ url: String, _ headers: HTTPHeaders, _ certificateAuthorities: String?,
    _ handler: @escaping @Sendable (HTTPStreamEvent) -> Void
  ) {
    self.url = url
    self.headers = headers
    self.certificateAuthorities = certificateAuthorities
    self.handler = handler
  }

  /// Lets something happen to the download.
  public func give(_ event: HTTPStreamEvent) { handler(event) }

  /// Gives a piece of the body.
  public func give(_ bytes: [UInt8]) { bytes.withUnsafeBytes { handler(.body($0)) } }

  /// Whether the stage has paused it.
  public var isPaused: Bool { state.withLock { $0.isPaused } }
  /// Whether the stage has ended it.
  public var isCancelled: Bool { state.withLock { $0.isCancelled } }

  public func pause() { state.withLock { $0.isPaused = true } }
  public func resume() { state.withLock { $0.isPaused = false } }
  public func cancel() { state.withLock { $0.isCancelled = true } }
}
