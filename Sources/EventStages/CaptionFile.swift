internal import FluxGraph
internal import Glibc

/// A file of captions: written as they come, and once more, in the order of time, at the end. Used on the disk thread only.
final class CaptionFile: @unchecked Sendable {
  // Unchecked: the stage that owns it uses it on the disk thread alone.
  /// Captions kept for the second writing. A longer file stays as it was written first.
  private static let limit = 200_000

  private let path: String
  private let format: CaptionFormat
  private var descriptor: Int32 = -1
  private var captions: [Caption] = []
  private var count = 0

  init(path: String, format: CaptionFormat) {
    self.path = path
    self.format = format
  }

  deinit {
    if descriptor >= 0 { close(descriptor) }
  }

  /// Creates the file.
  /// - Throws: `StageError` when it is already there and must not be overwritten, or cannot be written.
  func open(overwrite: Bool) throws(StageError) {
    makeDirectories(above: path)
    let mode = overwrite ? O_TRUNC : O_EXCL
    descriptor = Glibc.open(path, O_WRONLY | O_CREAT | O_CLOEXEC | mode, 0o666)
    if descriptor < 0 && errno == EEXIST {
      throw StageError(
        .inputOutput, "\(path) is already there",
        help: "Add `overwrite` to replace it, or choose another name.")
    }
    guard descriptor >= 0 else { throw .file("cannot create", path, errno) }
    try write(format.head, to: descriptor, path)
  }

  /// Appends captions.
  func append(_ added: [Caption]) throws(StageError) {
    var text = ""
    for caption in added {
      count += 1
      text += format.text(of: caption, number: count)
      if captions.count < Self.limit { captions.append(caption) }
    }
    try write(text, to: descriptor, path)
  }

  /// Writes everything again in order, unless it is in order already, and puts it in the file's place in one step.
  func finish() throws(StageError) {
    guard descriptor >= 0 else { return }
    defer {
      close(descriptor)
      descriptor = -1
    }
    let sorted = captions.enumerated().sorted {
      ($0.element.start, $0.offset) < ($1.element.start, $1.offset)
    }
    guard captions.count == count, sorted.enumerated().contains(where: { $0.offset != $0.element.offset })
    else {
      return
    }
    var text = format.head
    for (index, entry) in sorted.enumerated() { text += format.text(of: entry.element, number: index + 1) }
    try replaceFile(path, with: Array(text.utf8))
  }

  private func write(_ text: String, to descriptor: Int32, _ path: String) throws(StageError) {
    let problem = writeWhole(Array(text.utf8), to: descriptor)
    if problem != 0 { throw .file("cannot write", path, problem) }
  }
}
