internal import FluxGraph
internal import Glibc

// Small operations on files that several sinks share. All of them block.

extension StageError {
  /// The failure of an operation on a file: "cannot open a.txt: Permission denied".
  static func file(_ what: String, _ path: String, _ code: Int32) -> StageError {
    StageError(.inputOutput, "\(what) \(path): \(String(cString: strerror(code)))")
  }
}

/// Makes the directories a path names before its last part. Failures show when the file is opened.
func makeDirectories(above path: String) {
  var end = path.startIndex
  while let slash = path[end...].firstIndex(of: "/") {
    if slash > path.startIndex { mkdir(String(path[..<slash]), 0o777) }
    end = path.index(after: slash)
  }
}

/// Puts a file with this content in the place of another in one step: whoever opens it sees the old or the new one, whole.
/// The new one keeps the permissions of the old one.
func replaceFile(_ path: String, with bytes: [UInt8]) throws(StageError) {
  let temporary = "\(path).\(getpid()).part"
  let descriptor = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
  guard descriptor >= 0 else { throw .file("cannot create", temporary, errno) }
  var state = stat()
  fchmod(descriptor, stat(path, &state) == 0 ? state.st_mode & 0o7777 : 0o644)
  var problem = writeWhole(bytes, to: descriptor)
  if problem == 0 && fsync(descriptor) != 0 { problem = errno }
  close(descriptor)
  if problem == 0 && rename(temporary, path) != 0 { problem = errno }
  if problem != 0 {
    unlink(temporary)
    throw .file("cannot write", path, problem)
  }
}

/// The names of what is in a directory; none when it cannot be read.
func fileNames(in directory: String) -> [String] {
  guard let listing = opendir(directory) else { return [] }
  defer { closedir(listing) }
  var names: [String] = []
  while let entry = readdir(listing) {
    names.append(
      withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      })
  }
  return names
}

/// The whole of a file; nothing when there is none.
func readFile(_ path: String) throws(StageError) -> [UInt8] {
  let descriptor = open(path, O_RDONLY | O_CLOEXEC)
  if descriptor < 0 && errno == ENOENT { return [] }
  guard descriptor >= 0 else { throw .file("cannot open", path, errno) }
  defer { close(descriptor) }
  var bytes: [UInt8] = []
  var piece = [UInt8](repeating: 0, count: 1 << 16)
  while true {
    let count = read(descriptor, &piece, piece.count)
    if count < 0 && errno == EINTR { continue }
    if count < 0 { throw .file("cannot read", path, errno) }
    if count == 0 { return bytes }
    bytes.append(contentsOf: piece[..<count])
  }
}
