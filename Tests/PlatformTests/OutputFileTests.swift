import Glibc
import Platform
import TestSupport
import Testing

@Suite struct OutputFileTests {
  private let folder = try! TemporaryFolder()

  @Test func `pieces go behind each other, also behind what was cut off`() throws {
    let file = try OutputFile(folder.file("a"), .new)
    try file.append(Array("whole\n".utf8))
    #expect(try folder.text("a") == "whole\n" && file.length == 6 && file.isRegular)
    try file.truncate(to: 3)
    try file.append(Array("!".utf8))
    #expect(try folder.text("a") == "who!")
  }

  @Test func `a file that is there is not opened as a new one, not through a link either`() throws {
    try folder.write([1], to: "there")
    symlink(folder.file("nowhere"), folder.file("link"))
    for name in ["there", "link"] {
      let error = #expect(throws: FileError.self) { try OutputFile(folder.file(name), .new) }
      #expect(error?.code == EEXIST)
    }
    #expect(folder.names == ["link", "there"])
  }

  @Test func `the directory is named that is not there, or takes nothing`() {
    let missing = FileError.making("/no/such/place/a", ENOENT)
    #expect(missing?.description.contains("there is no directory /no/such/place") == true)
    #expect(FileError.making("/etc/passwd", EACCES) == nil)
    let refused = FileError.making("/no-such-file", EACCES)
    #expect(refused?.description == "cannot make /no-such-file: no file can be made in /: Permission denied")
  }

  @Test func `one writes a file, or several append to it; what is there stays until then`() throws {
    try folder.write(Array("old".utf8), to: "a")
    var first: OutputFile? = try OutputFile(folder.file("a"), .appending)
    _ = try OutputFile(folder.file("a"), .appending)
    let error = #expect(throws: FileError.self) { try OutputFile(folder.file("a"), .replacing) }
    #expect(error?.code == EBUSY)
    #expect(try folder.text("a") == "old")
    first = nil
    #expect(first == nil)
    let only = try OutputFile(folder.file("a"), .replacing)
    #expect(throws: FileError.self) { try OutputFile(folder.file("a"), .appending) }
    #expect(only.length == 0)
  }

  @Test func `a file that was moved, deleted or replaced is known as that`() throws {
    let file = try OutputFile(folder.file("a"), .appending)
    #expect(!file.isMoved)
    rename(folder.file("a"), folder.file("b"))
    #expect(file.isMoved)
    try folder.write([1], to: "a")
    #expect(file.isMoved)
  }

  @Test func `a number goes before the ending of a name`() {
    #expect(numbered("a/b.c/talk.wav", 2) == "a/b.c/talk-2.wav")
    #expect(numbered("a.b/talk", 3) == "a.b/talk-3")
  }
}

@Suite struct FileSystemTests {
  @Test("what is not there yet belongs to the file system of the nearest directory that is")
  func nearest() {
    #expect(fileSystem(holding: "/proc/none/of/these") == fileSystem(holding: "/proc"))
    #expect(fileSystem(holding: "/proc") != fileSystem(holding: "/"))
    #expect(fileSystem(holding: "none/of/these") == fileSystem(holding: "."))
    #expect(fileSystem(holding: "") == fileSystem(holding: "."))
  }
}
