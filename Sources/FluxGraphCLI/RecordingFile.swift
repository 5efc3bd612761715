internal import FluxGraph
internal import Glibc
internal import GraphRuntime

/// A file of lines that are written on a thread of their own, in order.
final class RecordingFile: Sendable {
  private let path: String
  private let lines: AsyncStream<String>.Continuation
  /// Ends with the first error, and nil without one.
  private let writing: Task<Int32?, Never>

  /// Readable for its owner only: it holds what was said.
  init(path: String) throws(StageError) {
    let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw Self.failure(path, errno) }
    self.path = path
    let (stream, continuation) = AsyncStream<String>.makeStream()
    lines = continuation
    let disk = BlockingWorker("disk")
    writing = Task {
      var status: Int32?
      for await line in stream where status == nil {
        status = (try? await disk.run { Self.write(line, to: descriptor) }) ?? EIO
        if status == 0 { status = nil }
      }
      if close(descriptor) != 0, status == nil { status = errno }
      return status
    }
  }

  func write(_ line: String) { lines.yield(line) }

  /// Waits until everything is written.
  func finish() async throws(StageError) {
    lines.finish()
    if let status = await writing.value { throw Self.failure(path, status) }
  }

  private static func write(_ line: String, to descriptor: Int32) -> Int32 {
    var bytes = Array((line + "\n").utf8)[...]
    while !bytes.isEmpty {
      let count = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else { return errno }
      bytes = bytes.dropFirst(count)
    }
    return 0
  }

  private static func failure(_ path: String, _ status: Int32) -> StageError {
    StageError(.inputOutput, "cannot write \(path): \(String(cString: strerror(status)))")
  }
}
