import Foundation
import Glibc
import Synchronization

/// A folder of a test's own, which goes away with this object.
final class Folder: Sendable {
  let path: String

  /// Folders that are there. Those that tests share have no end of their own, and go away with the process.
  private static let existing = Mutex<Set<String>>([])
  private static let removal: Void = {
    atexit {
      Folder.existing.withLock { for path in $0 { try? FileManager.default.removeItem(atPath: path) } }
    }
  }()

  init() throws {
    _ = Self.removal
    let url = FileManager.default.temporaryDirectory.appending(path: "fluxgraph-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    path = url.path
    _ = Self.existing.withLock { [path] in $0.insert(path) }
  }

  deinit {
    _ = Self.existing.withLock { $0.remove(path) }
    try? FileManager.default.removeItem(atPath: path)
  }

  func path(_ name: String) -> String { "\(path)/\(name)" }

  func write(_ text: String, to name: String) throws {
    try write(Data(text.utf8), to: name)
  }

  func write(_ bytes: Data, to name: String) throws {
    let url = URL(filePath: path(name))
    try FileManager.default.createDirectory(
      at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
    try bytes.write(to: url)
  }

  func bytes(of name: String) throws -> Data {
    try Data(contentsOf: URL(filePath: path(name)))
  }

  func text(of name: String) throws -> String {
    String(decoding: try bytes(of: name), as: UTF8.self)
  }
}
