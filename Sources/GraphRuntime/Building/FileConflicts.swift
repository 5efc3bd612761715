package import FluxGraph
internal import Glibc
internal import GraphLanguage
internal import Platform
internal import Synchronization

/// The files a graph uses, by what they are and not by what they are called: finds what one stage would write over another's.
///
/// Nothing is held while a file is looked at: whoever asks about another one does not wait for it.
final class FileConflicts: Sendable {
  private struct User: Sendable {
    var name: String
    var use: Need.FileUse
    /// Whether nothing may be appended either: it is no stage's, or a stage's alone.
    var isReserved = false
  }

  /// A stage that has written a file, whose name may have been known only then.
  private struct Writer: Sendable {
    var node: Int
    var title: String
    var appends: Bool
  }

  /// How long another run of ours is waited for, which may be about to end.
  private static let patience = Duration.seconds(2)

  private let users = Mutex<[FilePlace: User]>([:])
  private let writers = Mutex<[FilePlace: Writer]>([:])
  /// The stages that have chosen a name for a file, which may not be there yet.
  private let names = Mutex<[FilePlace: Int]>([:])
  /// What keeps other runs from the files of this one, for as long as it lasts.
  private let claims = Mutex<[PathClaim]>([])

  /// Adds a stage's use of a file.
  /// - Throws: `StageError` when the file would be written over what else uses it, or is written twice.
  func add(_ path: String, _ use: Need.FileUse, by node: PlanNode) throws(StageError) {
    guard Self.hasContent(path) else { return }
    let place = FilePlace(path)
    let user = User(name: "`\(node.title)` (\(node.location))", use: use)
    let found = users.withLock { users -> User? in
      if let other = users[place] { return other }
      users[place] = user
      return nil
    }
    guard let other = found else { return try use == .written ? claim(path) : () }
    // Lines may be appended by several, and what is read as lines may grow.
    let isMine = use == .written || use == .kept
    let isTheirs = other.use == .written || other.use == .kept
    guard isMine || isTheirs || use == .appended && other.isReserved else { return }
    let problem =
      if other.use == .read {
        "\(path) is read by \(other.name), and would be written \(use == .appended ? "to" : "over") here"
      } else {
        "\(path) is written by \(other.name), \(use == .read ? "and would be read here" : "too")"
      }
    throw StageError(.inputOutput, problem, help: "Give one of them another name.")
  }

  private func claim(_ path: String) throws(StageError) {
    let end = Instant.now().advanced(by: Self.patience)
    repeat {
      if let claim = PathClaim(path) { return claims.withLock { $0.append(claim) } }
      usleep(10_000)
    } while Instant.now() < end
    throw StageError(
      .inputOutput, "\(path) is being written by another run", help: "Give each run a file of its own.")
  }

  /// A stage has opened a file for writing.
  func opened(_ path: String, _ opening: OutputFile.Opening, by node: Int, _ title: String) {
    let place = FilePlace(path)
    let writer = Writer(node: node, title: title, appends: opening == .appending)
    writers.withLock { $0[place] = $0[place] ?? writer }
    let name = FilePlace(named: path)
    names.withLock { $0[name] = $0[name] ?? node }
  }

  /// Chooses a name for a file of a stage's own.
  /// - Returns: false where another stage writes there.
  func take(_ path: String, for node: Int) -> Bool {
    let (place, name) = (FilePlace(path), FilePlace(named: path))
    if let writer = writers.withLock({ $0[place] }), writer.node != node { return false }
    return names.withLock { names in
      names[name] = names[name] ?? node
      return names[name] == node
    }
  }

  /// What keeps a file from being written, although nothing was known of it before; nil where nothing does.
  func refusal(of path: String, _ opening: OutputFile.Opening, for node: Int) -> StageError? {
    guard Self.hasContent(path) else { return nil }
    let place = FilePlace(path)
    if let writer = writers.withLock({ $0[place] }), writer.node != node,
      opening == .replacing || opening == .appending && !writer.appends
    {
      // For good: another try would meet the same.
      return StageError(
        .badGraph, "\(path) is written by `\(writer.title)`, too", help: "Give one of them another name.")
    }
    guard let other = users.withLock({ $0[place] }) else { return nil }
    switch opening {
    case .new: return nil
    case .appending: guard other.isReserved || other.use == .kept else { return nil }
    case .replacing: guard other.isReserved || other.use == .read || other.use == .kept else { return nil }
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
  func reserve(_ file: FileInUse) {
    guard Self.hasContent(file.path) else { return }
    let place = FilePlace(file.path)
    users.withLock { $0[place] = User(name: file.user, use: file.use, isReserved: true) }
  }

  /// Adds the file a graph is read from.
  /// - Parameter location: a place in it: `desk.graph:3:19`.
  func add(graphOf location: String) {
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
