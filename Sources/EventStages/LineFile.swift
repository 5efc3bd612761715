internal import FluxGraph
internal import Glibc

/// A file lines are appended to, kept open as long as its path stays the same. Used on the disk thread only.
final class LineFile: @unchecked Sendable {
  // Unchecked: the stage that owns it uses it on the disk thread alone.
  private var descriptor: Int32 = -1
  private var path = ""

  deinit {
    close()
  }

  /// Appends bytes in one piece.
  /// - Throws: `StageError` with code `inputOutput`.
  func append(_ bytes: [UInt8], to path: String) throws {
    if path != self.path || descriptor < 0 { try open(path) }
    let problem = writeWhole(bytes, to: descriptor)
    if problem != 0 { throw Self.failure("cannot write", path, problem) }
  }

  func close() {
    if descriptor >= 0 { Glibc.close(descriptor) }
    descriptor = -1
  }

  private func open(_ path: String) throws {
    close()
    makeDirectories(above: path)
    descriptor = Glibc.open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o666)
    guard descriptor >= 0 else { throw Self.failure("cannot open", path, errno) }
    self.path = path
  }

  /// Failures show when the file is opened.
  private func makeDirectories(above path: String) {
    var end = path.startIndex
    while let slash = path[end...].firstIndex(of: "/") {
      if slash > path.startIndex { mkdir(String(path[..<slash]), 0o777) }
      end = path.index(after: slash)
    }
  }

  private static func failure(_ what: String, _ path: String, _ code: Int32) -> StageError {
    StageError(.inputOutput, "\(what) \(path): \(String(cString: strerror(code)))")
  }
}
