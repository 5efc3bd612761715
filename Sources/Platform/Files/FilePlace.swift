internal import Glibc

/// Which file a path means, whatever it is called and whether or not it is there already: two paths of one file are equal.
package enum FilePlace: Hashable, Sendable {
  /// A file that is there, by its place on the disk.
  case there(device: UInt, number: UInt)
  /// One that is not, by where it would be made.
  case path(String)

  package init(_ path: String) {
    var state = stat()
    if stat(path, &state) == 0 {
      self = .there(device: UInt(state.st_dev), number: UInt(state.st_ino))
      return
    }
    self = .path(Self.whole(Self.linked(path)))
  }

  /// The same by where it is or would be made, also of one that is there.
  package init(named path: String) { self = .path(Self.whole(Self.linked(path))) }

  /// Where a link leads, also one that leads to nothing.
  package static func linked(_ path: String) -> String {
    var path = path
    // As many as the system follows.
    for _ in 0..<40 {
      var name = [CChar](repeating: 0, count: Int(PATH_MAX))
      let count = readlink(path, &name, name.count)
      guard count > 0 else { break }
      let goal = String(decoding: name[..<count].map(UInt8.init(bitPattern:)), as: UTF8.self)
      path = goal.hasPrefix("/") ? goal : directory(of: path) + "/" + goal
    }
    return path
  }

  /// The path from the root on: by what is there of it, and by its names from there on.
  private static func whole(_ path: String) -> String {
    var (known, rest) = (path, [Substring]())
    while true {
      if let resolved = realpath(known.isEmpty ? "." : known, nil) {
        defer { free(resolved) }
        return ([String(cString: resolved)] + rest.reversed().map(String.init)).joined(separator: "/")
      }
      while known.hasSuffix("/") { known.removeLast() }
      let name = known[(known.lastIndex(of: "/").map(known.index(after:)) ?? known.startIndex)...]
      if name.isEmpty { return path }
      if name != "." { rest.append(name) }
      known.removeLast(name.count)
    }
  }
}
