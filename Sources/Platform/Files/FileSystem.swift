internal import Glibc

/// The file system that holds a path, or would hold what is made there: that of the nearest directory above it that is there. nil
/// when none can be looked at. Blocks.
public func fileSystem(holding path: String) -> UInt? {
  var path = path
  var state = stat()
  while stat(path, &state) != 0 {
    let above = directory(of: path)
    if above == path { return nil }
    path = above
  }
  return UInt(state.st_dev)
}
