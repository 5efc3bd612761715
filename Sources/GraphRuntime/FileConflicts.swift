package import FluxGraph
internal import Glibc
internal import GraphLanguage
internal import Platform

/// The files a graph uses, by what they are and not by what they are called: finds what one stage would write over another's.
struct FileConflicts {
  private struct User {
    var name: String
    var use: Need.FileUse
    /// Whether nothing may be appended either: it is no stage's, or a stage's alone.
    var isReserved = false
  }

  private var users: [FilePlace: User] = [:]

  /// Adds a stage's use of a file.
  /// - Throws: `StageError` when the file would be written over what else uses it, or is written twice.
  mutating func add(_ path: String, _ use: Need.FileUse, by node: PlanNode) throws(StageError) {
    guard Self.hasContent(path) else { return }
    let place = FilePlace(path)
    let user = User(name: "`\(node.title)` (\(node.location))", use: use)
    guard let other = users[place] else {
      users[place] = user
      return
    }
    // Lines may be appended by several, and what is read as lines may grow.
    guard use == .written || other.use == .written || use == .appended && other.isReserved else { return }
    let problem =
      if other.use == .read {
        "\(path) is read by \(other.name), and would be written \(use == .appended ? "to" : "over") here"
      } else {
        "\(path) is written by \(other.name), \(use == .read ? "and would be read here" : "too")"
      }
    throw StageError(.inputOutput, problem, help: "Give one of them another name.")
  }

  /// What keeps a file from being written, although nothing was known of it before; nil where nothing does.
  func refusal(of path: String, _ opening: OutputFile.Opening) -> StageError? {
    guard Self.hasContent(path), let other = users[FilePlace(path)] else { return nil }
    switch opening {
    case .new: return nil
    case .appending: guard other.isReserved else { return nil }
    case .replacing: guard other.isReserved || other.use == .read else { return nil }
    }
    let use = other.use == .read ? "read" : "written"
    return StageError(.inputOutput, "\(path) is \(use) by \(other.name), and is not written over")
  }

  /// What is no file, such as a terminal, has no content to lose; one that is not there yet will have.
  private static func hasContent(_ path: String) -> Bool {
    var state = stat()
    return stat(path, &state) != 0 || state.st_mode & S_IFMT == S_IFREG
  }

  /// Adds a file that no stage may write, such as one that is read besides.
  mutating func reserve(_ file: FileInUse) {
    guard Self.hasContent(file.path) else { return }
    users[FilePlace(file.path)] = User(name: file.user, use: file.use, isReserved: true)
  }

  /// Adds the file a graph is read from.
  /// - Parameter location: a place in it: `desk.graph:3:19`.
  mutating func add(graphOf location: String) {
    let parts = location.split(separator: ":", omittingEmptySubsequences: false)
    let path = parts.dropLast(2).joined(separator: ":")
    guard parts.count > 2 else { return }
    reserve(FileInUse(path == "-" ? "/dev/stdin" : path, .read, by: "the graph itself"))
  }
}

/// A file that is used beside a graph's stages, by the program that runs it.
package struct FileInUse: Sendable {
  package var path: String
  package var use: Need.FileUse
  /// As messages name it: "the list of inputs".
  package var user: String

  package init(_ path: String, _ use: Need.FileUse, by user: String) {
    self.path = path
    self.use = use
    self.user = user
  }
}
