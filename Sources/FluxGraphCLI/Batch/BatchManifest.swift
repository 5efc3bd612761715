internal import FluxGraph
internal import FluxGraphHost
internal import Glibc
internal import Platform
internal import Synchronization

/// What has become of a batch's inputs: a file of JSON lines that is only appended to, so that nothing in it is lost when the
/// program is killed. The last line about an input holds. Secrets in inputs, such as the token of an address, are not in it.
final class BatchManifest: @unchecked Sendable {
  // Unchecked: `past` does not change after `init`, and lines are written under a lock.

  enum State: String, Sendable {
    case started, done, failed
    /// Stopped before its end by a signal.
    case interrupted
  }

  /// What is known of an input from earlier runs.
  struct Past: Sendable, Hashable {
    var state = State.started
    /// Files that were not there before it wrote them, and as what it left them; an empty text after a crash.
    var made: [String: String] = [:]
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
  private let writing = Mutex(())
  private let secrets: SecretRegister
  /// By the keys of inputs.
  private(set) var past: [String: Past]

  /// Opens the file, and makes one when there is none. One that another batch is about to let go of is waited for.
  /// - Throws: `StageError` when it cannot be used, or another batch keeps it.
  static func whenFree(
    path: String, secrets: SecretRegister = .program
  ) async throws(StageError) -> BatchManifest {
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
    return try BatchManifest(path: path, lock, secrets)
  }

  private init(path: String, _ lock: FileLock, _ secrets: SecretRegister) throws(StageError) {
    self.path = path
    self.secrets = secrets
    self.lock = lock
    descriptor = open(path, O_RDWR | O_APPEND | O_CLOEXEC)
    guard descriptor >= 0 else {
      throw StageError(.inputOutput, "cannot open \(path): \(String(cString: strerror(errno)))")
    }
    past = [:]
    do throws(StageError) {
      let bytes = try InputFile.read(path, limit: Self.sizeLimit)
      guard Self.isManifest(bytes) else {
        throw StageError(
          .inputOutput, "\(path) is there already, is no manifest of a batch, and is left as it is",
          help: "Name another file with `--manifest`.")
      }
      past = Self.past(in: bytes, key: key)
      // A line that was torn when the program was killed stays a line of its own.
      if let last = bytes.last, last != UInt8(ascii: "\n") { try write("\n") }
    } catch {
      close(descriptor)
      throw error
    }
  }

  deinit { close(descriptor) }

  /// What is known of the input of this value; nil where it is new.
  func past(of input: String) -> Past? { past[key(input)] }

  /// What an input is told apart by: its value, or a digest of it where the value may not be kept.
  private func key(_ input: String) -> String {
    secrets.masked(input) == input ? input : SHA256.hash(Array(input.utf8)).hexadecimal
  }

  /// What the lines of a manifest say. Those that cannot be read say nothing.
  static func past(in bytes: [UInt8], key: (String) -> String = { $0 }) -> [String: Past] {
    var past: [String: Past] = [:]
    for line in bytes.split(separator: UInt8(ascii: "\n")) {
      guard let value = try? JSONValue.parse(Array(line)), let input = value["input"]?.stringValue,
        let state = value["state"]?.stringValue.flatMap(State.init)
      else { continue }
      let key = value["digest"]?.stringValue ?? key(input)
      past[key, default: Past()].state = state
      for path in value["makes"]?.arrayValue ?? [] {
        if let path = path.stringValue { past[key]?.made[path] = "" }
      }
      for (path, identity) in value["leaves"]?.members ?? [] {
        past[key]?.made[path] = identity.stringValue ?? ""
      }
    }
    return past
  }

  /// Whether lines can be appended: to nothing, or behind a manifest's own, of which one may be torn.
  static func isManifest(_ bytes: [UInt8]) -> Bool {
    let beginning = Array(#"{"v":1,"time":""#.utf8)
    let isTorn = !bytes.contains(UInt8(ascii: "\n"))
    return isTorn && beginning.prefix(bytes.count).elementsEqual(bytes.prefix(beginning.count))
      || !past(in: bytes).isEmpty
  }

  /// Notes that an input under way is about to make a file.
  func makes(_ input: String, _ path: String) throws(StageError) {
    try append(Entry(input, .started, [("makes", .array([.string(path)]))]))
  }

  /// Appends a line, in one piece. From any thread.
  func append(_ entry: Entry) throws(StageError) {
    let seen = secrets.masked(entry.input)
    var members: [(String, JSONValue)] = [
      ("v", JSONValue(1)), ("time", .string(WallTime.now().rfc3339)), ("input", .string(seen)),
    ]
    if seen != entry.input { members.append(("digest", .string(key(entry.input)))) }
    members.append(("state", .string(entry.state.rawValue)))
    // The names of files are needed as they are.
    members += entry.members.map { ($0.0, $0.0 == "error" ? secrets.masked($0.1) : $0.1) }
    try write(JSONValue.object(members).serialized + "\n")
  }

  private func write(_ text: String) throws(StageError) {
    let problem = writing.withLock { _ in
      Array(text.utf8).withUnsafeBytes { writeAll($0, to: descriptor) }.problem
    }
    if problem != 0 { throw .file("cannot write", path, problem) }
  }
}
