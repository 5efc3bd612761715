internal import FluxGraph
internal import Glibc
internal import Platform

/// What has become of a batch's inputs: a file of JSON lines that is only appended to, so that nothing in it is lost when the
/// program is killed. The last line about an input holds. Used on one thread at a time.
final class BatchManifest: @unchecked Sendable {
  // Unchecked: the batch uses it on the disk thread alone once it runs.

  enum State: String, Sendable {
    case started, done, failed
    /// Stopped before its end by a signal.
    case interrupted
  }

  /// What is known of an input from earlier runs.
  struct Past: Sendable, Hashable {
    var state = State.started
    /// Files that were not there before the input was begun, and that it therefore made.
    var made: Set<String> = []
  }

  /// A line.
  struct Entry: Sendable {
    var input: String
    var state: State
    var members: [(String, JSONValue)] = []

    init(_ input: String, _ state: State, _ members: [(String, JSONValue)] = []) {
      self.input = input
      self.state = state
      self.members = members
    }
  }

  private static let sizeLimit = 1 << 30

  let path: String
  private let lock: FileLock
  private let descriptor: Int32
  /// By the values of `$input`.
  private(set) var past: [String: Past]

  /// Opens the file, and makes one when there is none. One that another batch is about to let go of is waited for.
  /// - Throws: `StageError` when it cannot be used, or another batch keeps it.
  static func whenFree(path: String) async throws(StageError) -> BatchManifest {
    let lock: FileLock
    do throws(FileLockError) {
      lock = try await waiting(while: { $0.isHeld }) { () throws(FileLockError) in
        try FileLock(path, permissions: 0o666)
      }
    } catch {
      guard case .held(_, let holder) = error else { throw StageError(.inputOutput, "\(error)") }
      throw StageError(
        .inputOutput, "another batch is writing \(path)" + (holder.map { ": \($0)" } ?? ""),
        help: "Give each a `--manifest` of its own.")
    }
    return try BatchManifest(path: path, lock)
  }

  private init(path: String, _ lock: FileLock) throws(StageError) {
    self.path = path
    self.lock = lock
    descriptor = open(path, O_RDWR | O_APPEND | O_CLOEXEC)
    guard descriptor >= 0 else {
      throw StageError(.inputOutput, "cannot open \(path): \(String(cString: strerror(errno)))")
    }
    past = [:]
    do throws(StageError) {
      let bytes = try InputFile.read(path, limit: Self.sizeLimit)
      past = Self.past(in: bytes)
      // A line that was torn when the program was killed stays a line of its own.
      if let last = bytes.last, last != UInt8(ascii: "\n") { try write("\n") }
    } catch {
      close(descriptor)
      throw error
    }
  }

  deinit { close(descriptor) }

  /// What the lines of a manifest say. Those that cannot be read say nothing.
  static func past(in bytes: [UInt8]) -> [String: Past] {
    var past: [String: Past] = [:]
    for line in bytes.split(separator: UInt8(ascii: "\n")) {
      guard let value = try? JSONValue.parse(Array(line)), let input = value["input"]?.stringValue,
        let state = value["state"]?.stringValue.flatMap(State.init)
      else { continue }
      past[input, default: Past()].state = state
      for path in value["makes"]?.arrayValue ?? [] {
        if let path = path.stringValue { past[input]?.made.insert(path) }
      }
    }
    return past
  }

  /// Appends a line, in one piece.
  func append(_ entry: Entry) throws(StageError) {
    let members: [(String, JSONValue)] =
      [
        ("v", JSONValue(1)), ("time", .string(WallTime.now().rfc3339)), ("input", .string(entry.input)),
        ("state", .string(entry.state.rawValue)),
      ] + entry.members
    try write(JSONValue.object(members).serialized + "\n")
  }

  private func write(_ text: String) throws(StageError) {
    let bytes = Array(text.utf8)
    var written = 0
    while written < bytes.count {
      let count = bytes[written...].withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else {
        throw StageError(.inputOutput, "cannot write \(path): \(String(cString: strerror(errno)))")
      }
      written += count
    }
  }
}
