import AudioStages
import FluxGraph
import Glibc
import StageTesting
import TestSupport
import Testing

/// A file is read without keeping the audio thread, whatever keeps the disk.
@Suite struct FileReadAheadTests {
  @Test("what is not in memory is fetched on the disk's thread, in order and to the end")
  func fetched() throws {
    let folder = try TemporaryFolder()
    let disk = try HeldDisk(folder)
    let content = (0..<3_000_001).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) }
    try folder.write(content, to: "sound")
    let mustWait = try forget(folder.file("sound"))
    var source = FileSource()
    source.path = Path("sound")
    try source.open(disk.context)
    var bytes = ByteBuffer(capacity: 100_000)
    var read: [UInt8] = []
    var waits = 0
    reading: while true {
      switch try source.read(into: &bytes) {
      case .produced:
        bytes.withBytes { read += $0 }
        bytes.removeAll()
      case .waiting:
        // As long as the disk does nothing.
        #expect(try source.read(into: &bytes) == .waiting)
        waits += 1
        disk.release()
      case .finished: break reading
      case .restarted: Issue.record("a file does not begin anew")
      }
    }
    #expect(read == content)
    #expect(waits > 0 || !mustWait)
  }

  /// Has the system let go of what it remembers of a file. Returns whether it did: not every file system can.
  private func forget(_ path: String) throws -> Bool {
    let descriptor = open(path, O_RDONLY)
    defer { close(descriptor) }
    fsync(descriptor)
    posix_fadvise(descriptor, 0, 0, Int32(POSIX_FADV_DONTNEED))
    var first: [UInt8] = [0]
    if case .bytes = first.withUnsafeMutableBytes({ readNow(descriptor, into: $0) }) { return false }
    return true
  }
}
