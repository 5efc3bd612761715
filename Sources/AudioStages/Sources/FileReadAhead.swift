internal import FluxGraph
internal import Platform
internal import Synchronization

/// Reads a file without keeping the audio thread, which other chains wait for, too: what is in memory is taken at once, and what a disk
/// or a server has yet to bring is read a piece ahead on the disk's thread.
final class FileReadAhead: @unchecked Sendable {
  // Unchecked: while something is being fetched, all but `isFetching` belongs to the disk's thread, otherwise to the audio thread.
  private static let pieceSize = 1 << 20

  let file: FileDescriptor
  private let context: StageContext
  private let isFetching = Atomic<Bool>(false)
  private var piece: [UInt8] = []
  /// What is left of the piece.
  private var left = 0..<0
  /// What became of the attempt to fetch more.
  private var fetched = Transferred.bytes(0)
  private var fetch: (any GraphSignal)?

  init(_ file: consuming FileDescriptor, _ context: StageContext) {
    self.file = file
    self.context = context
    let (disk, name) = (context.disk, self.file.name)
    fetch = disk.signal { [weak self] in
      disk.works(on: name)
      self?.fetchPiece()
    }
  }

  /// Appends what can be had at once.
  /// - Throws: `StageError` with code `inputOutput`.
  func read(into bytes: inout ByteBuffer) throws(StageError) -> SourceProgress {
    if isFetching.load(ordering: .acquiring) { return .waiting }
    if left.isEmpty {
      if case .bytes = fetched {} else { return try progress(fetched) }
      var transferred: Transferred? = .end
      bytes.append { room in
        transferred = readNow(file.number, into: room)
        return if case .bytes(let count)? = transferred { count } else { 0 }
      }
      if let transferred, transferred != .notNow {
        return try progress(transferred)
      }
      isFetching.store(true, ordering: .releasing)
      fetch?.raise()
      // A thread in its place may have fetched it by now.
      if isFetching.load(ordering: .acquiring) || left.isEmpty { return .waiting }
    }
    bytes.append { room in
      let count = min(room.count, left.count)
      piece.withUnsafeBytes { room.copyMemory(from: .init(rebasing: $0[left.prefix(count)])) }
      left = left.dropFirst(count)
      return count
    }
    return .produced
  }

  /// Has reading go on at a place.
  func seek(to offset: Int) throws(StageError) {
    (left, fetched) = (0..<0, .bytes(0))
    try file.seek(to: offset)
  }

  private func progress(_ transferred: Transferred) throws(StageError) -> SourceProgress {
    switch transferred {
    case .bytes: return .produced
    case .end: return .finished
    case .notNow: return .waiting
    case .failed(let problem): throw .file("cannot read", file.name, problem)
    }
  }

  private func fetchPiece() {
    if piece.isEmpty { piece = [UInt8](repeating: 0, count: Self.pieceSize) }
    fetched = piece.withUnsafeMutableBytes { readSome(file.number, into: $0) }
    if case .bytes(let count) = fetched { left = 0..<count }
    isFetching.store(false, ordering: .releasing)
    context.wake()
  }
}
