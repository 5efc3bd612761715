internal import FluxGraph
internal import Glibc
internal import GraphLanguage

/// The files a graph uses, by what they are and not by what they are called: finds what one stage would write over another's.
struct FileConflicts {
  /// A file that is there, by its place on the disk; one that is not, by its path.
  private enum Identity: Hashable {
    case there(device: UInt, number: UInt)
    case path(String)

    init(_ path: String) {
      var state = stat()
      self =
        stat(path, &state) == 0
        ? .there(device: UInt(state.st_dev), number: UInt(state.st_ino)) : .path(path)
    }
  }

  private var users: [Identity: (use: Need.FileUse, user: String)] = [:]

  /// Adds a use.
  /// - Throws: `StageError` when the file would be written over what else uses it, or is written twice.
  mutating func add(_ path: String, _ use: Need.FileUse, by node: PlanNode) throws(StageError) {
    // What is no file has no content to lose.
    if path.hasPrefix("/dev/") { return }
    let identity = Identity(path)
    let user = "`\(node.title)` (\(node.location))"
    guard let other = users[identity] else {
      users[identity] = (use, user)
      return
    }
    // Lines may be appended by several, and what is read as lines may grow.
    guard use == .written || other.use == .written else { return }
    throw StageError(
      .inputOutput,
      use == .written && other.use == .written
        ? "\(path) is written by \(other.user), too"
        : "\(path) is \(other.use == .read ? "read" : "written") by \(other.user), and would be \(use == .read ? "read" : "written over") here",
      help: "Give one of them another name.")
  }

  /// Adds the file a graph is read from.
  /// - Parameter location: a place in it: `desk.graph:3:19`.
  mutating func add(graphOf location: String) {
    let parts = location.split(separator: ":", omittingEmptySubsequences: false)
    let path = parts.dropLast(2).joined(separator: ":")
    guard parts.count > 2, access(path, F_OK) == 0 else { return }
    users[Identity(path)] = (.read, "the graph itself")
  }
}
