import Glibc
import Platform
import TestSupport
import Testing

@Suite struct FileReplacementTests {
  private let folder = try! TemporaryFolder()

  @Test func `what a symbolic link points to is replaced, not the link`() throws {
    try folder.write(Array("old".utf8), to: "real.graph")
    symlink(folder.file("real.graph"), folder.file("link.graph"))
    try replaceFile(folder.file("link.graph"), with: Array("new".utf8))
    #expect(try readFile(folder.file("real.graph")) == Array("new".utf8))
    var state = stat()
    #expect(lstat(folder.file("link.graph"), &state) == 0 && state.st_mode & S_IFMT == S_IFLNK)
  }

  @Test func `permissions stay, and a new file has those asked for`() throws {
    try folder.write(Array("old".utf8), to: "old")
    chmod(folder.file("old"), 0o640)
    try replaceFile(folder.file("old"), with: [1])
    try replaceFile(folder.file("new"), with: [1], permissions: 0o600)
    var state = stat()
    #expect(stat(folder.file("old"), &state) == 0 && state.st_mode & 0o777 == 0o640)
    #expect(stat(folder.file("new"), &state) == 0 && state.st_mode & 0o777 == 0o600)
  }

  @Test func `where nothing can be written the old file stays and the message names the directory`() throws {
    let error = #expect(throws: FileError.self) {
      try replaceFile("/proc/nothing/here", with: [1])
    }
    #expect(error?.description == "cannot write into /proc/nothing: No such file or directory")
  }

  @Test func `directories are made, and the one that cannot be is named`() throws {
    try makeDirectories(above: folder.file("a/b/c"))
    #expect(access(folder.file("a/b"), W_OK) == 0)
    try folder.write([1], to: "file")
    let error = #expect(throws: FileError.self) { try makeDirectories(above: folder.file("file/x/y")) }
    #expect(error?.path == folder.file("file/x"))
    #expect(error?.code == ENOTDIR)
  }
}
