internal import Glibc

/// Makes the directories a path names before its last part.
/// - Throws: `FileError` naming the directory that could not be made.
public func makeDirectories(above path: String) throws(FileError) {
  var end = path.startIndex
  while let slash = path[end...].firstIndex(of: "/") {
    let directory = String(path[..<slash])
    end = path.index(after: slash)
    if directory.isEmpty || mkdir(directory, 0o777) == 0 || errno == EEXIST { continue }
    let problem = errno
    // What is there already may lie on a disk that takes nothing new.
    if access(directory, F_OK) != 0 { throw FileError("cannot make the directory", directory, problem) }
  }
}

/// The directory a path's last part is in: "." where the path names none.
public func directory(of path: String) -> String {
  guard let slash = path.lastIndex(of: "/") else { return "." }
  return slash == path.startIndex ? "/" : String(path[..<slash])
}

/// The names of what is in a directory; none when it cannot be read.
public func fileNames(in directory: String) -> [String] {
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
