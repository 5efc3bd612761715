internal import FluxGraph
internal import Glibc

/// A file of captions: written as they come, and once more, in the order of time, at the end. It is made with its first caption.
/// Used on the disk thread only.
final class CaptionFile {
  /// Captions kept for the second writing. A longer file stays as it was written first.
  private static let limit = 200_000

  let path: String
  /// Milliseconds of the stream before the file, from which its times count.
  let start: Int
  private let format: CaptionFormat
  private let opening: OutputFile.Opening
  private let context: StageContext
  private var file: OutputFile?
  /// Those in the file.
  private var captions: [Caption] = []
  private var count = 0
  private var hasHead = false

  /// - Parameter opening: what may be at the path when the file is made.
  init(
    path: String, start: Int, format: CaptionFormat, opening: OutputFile.Opening, _ context: StageContext
  ) {
    self.path = path
    self.start = start
    self.format = format
    self.opening = opening
    self.context = context
  }

  /// Bytes in the file.
  var length: Int { file?.length ?? 0 }

  /// Appends a caption, whole or not at all.
  func append(_ caption: Caption) throws(StageError) {
    var caption = caption
    caption.start = max(0, caption.start - start)
    caption.end = max(caption.start, caption.end - start)
    caption.spokenEnd = caption.spokenEnd.map { max(caption.start, $0 - start) }
    // A file that begins anew counts anew.
    _ = try opened()
    try write(format.text(of: caption, number: count + 1))
    count += 1
    if captions.count < Self.limit { captions.append(caption) }
  }

  /// Makes the file, if it is not there yet.
  func make() throws(StageError) { try write("") }

  /// Writes everything again in order, unless it is in order already, and puts it in the file's place in one step. A caption that
  /// stands longer than it was said ends where its speaker's next one begins.
  func finish() throws(StageError) {
    guard let file else { return }
    self.file = nil
    let ordered = Self.ordered(captions)
    guard captions.count == count, !file.isMoved, ordered != captions else { return }
    var text = format.head
    for (index, caption) in ordered.enumerated() { text += format.text(of: caption, number: index + 1) }
    try StageError.onFiles { [path] () throws(FileError) in try replaceFile(path, with: Array(text.utf8)) }
  }

  private static func ordered(_ captions: [Caption]) -> [Caption] {
    var ordered = captions.enumerated().sorted {
      ($0.element.start, $0.offset) < ($1.element.start, $1.offset)
    }.map(\.element)
    var nextStarts: [String: Int] = [:]
    for index in ordered.indices.reversed() {
      let caption = ordered[index]
      if let next = nextStarts[caption.speaker], let spokenEnd = caption.spokenEnd, caption.end > next {
        ordered[index].end = max(spokenEnd, next)
      }
      nextStarts[caption.speaker] = caption.start
    }
    return ordered
  }

  private func write(_ text: String) throws(StageError) {
    let file = try opened()
    let bytes = Array(((hasHead ? "" : format.head) + text).utf8)
    try StageError.onFiles { () throws(FileError) in try file.append(bytes) }
    hasHead = true
  }

  private func opened() throws(StageError) -> OutputFile {
    guard let file else {
      let opened = try context.files.open(path, opening)
      context.log.info("writes to \(path)")
      self.file = opened
      return opened
    }
    guard file.isMoved else { return file }
    // What an editor has put in its place is gone on with; what was moved away stays as it is.
    let isReplaced = access(path, F_OK) == 0
    let opened = try context.files.open(path, .appending)
    context.notice(
      Notice(
        "moved", "\(path) was moved, deleted or replaced; captions go on in what is there now",
        severity: .warning))
    hasHead = isReplaced
    // Not all of them are in this file.
    captions = []
    if !isReplaced { count = 0 }
    self.file = opened
    return opened
  }
}
