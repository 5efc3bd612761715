internal import FluxGraph
internal import Glibc
internal import GraphLanguage
internal import Synchronization

/// The files a graph uses, by what they are and not by what they are called: finds what one stage would write over another's.
///
/// Nothing is held while a file is looked at: whoever asks about another one does not wait for it.
final class FileConflicts: Sendable {
  /// A file that is there, by its place on the disk; one that is not, by its path.
  private enum Identity: Hashable, Sendable {
    case there(device: UInt, number: UInt)
    case path(String)

    init(_ path: String) {
      var state = stat()
      self =
        stat(path, &state) == 0
        ? .there(device: UInt(state.st_dev), number: UInt(state.st_ino)) : .path(path)
    }
  }

  private let users = Mutex<[Identity: (use: Need.FileUse, user: String)]>([:])

  /// Adds a use.
  /// - Throws: `StageError` when the file would be written over what else uses it, or is written twice.
  func add(_ path: String, _ use: Need.FileUse, by node: PlanNode) throws(StageError) {
    guard Self.hasContent(path) else { return }
    let identity = Identity(path)
    let user = "`\(node.title)` (\(node.location))"
    let found = users.withLock { users in
      if let other = users[identity] { return other as (use: Need.FileUse, user: String)? }
      users[identity] = (use, user)
      return nil
    }
    guard let other = found else { return }
    // Lines may be appended by several, and what is read as lines may grow.
    guard use == .written || other.use == .written else { return }
    throw StageError(
      .inputOutput,
      use == .written && other.use == .written
        ? "\(path) is written by \(other.user), too"
        : "\(path) is \(other.use == .read ? "read" : "written") by \(other.user), and would be \(use == .read ? "read" : "written over") here",
      help: "Give one of them another name.")
  }

  /// What keeps a file from being written over, although nothing was known of it before; nil where nothing does.
  func refusal(of path: String) -> StageError? {
    guard Self.hasContent(path) else { return nil }
    let identity = Identity(path)
    guard let other = users.withLock({ $0[identity] }), other.use == .read else { return nil }
    return StageError(.inputOutput, "\(path) is read by \(other.user), and is not written over")
  }

  /// What is no file, such as a terminal, has no content to lose; one that is not there yet will have.
  private static func hasContent(_ path: String) -> Bool {
    var state = stat()
    return stat(path, &state) != 0 || state.st_mode & S_IFMT == S_IFREG
  }

  /// Adds a file that is read besides, if there is one.
  func add(read path: String, by user: String) {
    guard access(path, F_OK) == 0, Self.hasContent(path) else { return }
    let identity = Identity(path)
    users.withLock { $0[identity] = (.read, user) }
  }

  /// Adds the file a graph is read from.
  /// - Parameter location: a place in it: `desk.graph:3:19`.
  func add(graphOf location: String) {
    let parts = location.split(separator: ":", omittingEmptySubsequences: false)
    let path = parts.dropLast(2).joined(separator: ":")
    guard parts.count > 2 else { return }
    add(read: path == "-" ? "/dev/stdin" : path, by: "the graph itself")
  }
}
