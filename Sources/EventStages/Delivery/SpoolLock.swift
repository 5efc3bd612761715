package import FluxGraph
internal import Glibc
internal import Platform

extension Spool {
  /// What a sink with a spool needs: its directory, and files in it that nothing else writes.
  static func needs(_ directory: String, name: String) -> [Need] {
    [.writableDirectory(directory)]
      + [".spool", ".dead.jsonl"].map { ending in
        let path = "\(directory)/\(name)\(ending)"
        return Need(path, .kept) { () throws(StageError) in
          try refuseOthers(at: path)
          return "\(path) is the sink's"
        }
      }
  }

  /// A link, or what is no file, is somebody else's.
  static func refuseOthers(at path: String) throws(StageError) {
    var state = stat()
    guard lstat(path, &state) == 0, state.st_mode & S_IFMT != S_IFREG else { return }
    throw StageError(
      .inputOutput, "\(path) is no file of a spool, but a link, a directory or something else",
      help: "Take it away, or give the spool another directory.")
  }

  /// Opens the spool of a sink, and makes one when there is none. What a command that looks at a spool holds for a moment is
  /// waited for.
  /// - Parameter run: runs what blocks, each time it is tried.
  /// - Throws: `StageError` when the spool cannot be read or written, or another program keeps it.
  package static func whenFree(
    directory: String, name: String, limit: Int,
    run: (@escaping @Sendable () throws -> Spool) async throws -> Spool = { try $0() }
  ) async throws(StageError) -> Spool {
    do {
      return try await waiting(while: { ($0 as? FileLockError)?.isHeld ?? false }) {
        try await run { try Spool(directory: directory, name: name, limit: limit) }
      }
    } catch let error as FileLockError {
      throw refusal(error, "\(directory)/\(name)")
    } catch let error as StageError {
      throw error
    } catch let silence as DiskSilence {
      throw silence.stageError
    } catch {
      throw StageError(.internal, "\(error)")
    }
  }

  private static func refusal(_ error: FileLockError, _ spool: String) -> StageError {
    guard case .held(_, let holder) = error else { return StageError(.inputOutput, "\(error)") }
    if holder?.isThisProgram ?? false {
      return StageError(
        .inputOutput, "the spool \(spool) is in use by another sink of this program",
        help: "Give each sink a name of its own, such as `crm = … | webhook …`.")
    }
    return StageError(
      .inputOutput, "the spool \(spool) is in use by \(holder?.description ?? "another program")",
      help: "Stop that one, or give each program a spool of its own.")
  }
}
