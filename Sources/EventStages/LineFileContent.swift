internal import FluxGraph
internal import Glibc

/// What is in a file already that lines of JSON are to be appended to.
struct LineFileContent {
  /// More than any line of ours.
  private static let longestLine = 1 << 24

  private let path: String
  private let length: Int

  init(_ path: String, length: Int) {
    self.path = path
    self.length = length
  }

  /// Makes the file end with a whole line, through a descriptor it can be written by.
  ///
  /// A program that was killed, or a machine that lost its power, may have left the beginning of a line. It is cut off when it is
  /// the beginning of an event; anything else only gets the line end it lacks.
  /// - Throws: `StageError`, with code `badInput` when the file holds something else than lines of JSON.
  func mend(_ descriptor: Int32) throws(StageError) {
    guard length > 0 else { return }
    let reading = open(path, O_RDONLY | O_CLOEXEC)
    // A file that may be written and not read is taken as it is.
    if reading < 0 && errno == EACCES { return }
    guard reading >= 0 else { throw .file("cannot open", path, errno) }
    defer { close(reading) }
    let start = max(0, length - Self.longestLine)
    let head = bytes(reading, from: 0, count: min(length, 1 << 16))
    let isCut = head.count < length
    let firstEnd = head.firstIndex(of: UInt8(ascii: "\n"))
    let first = Array(head[..<(firstEnd ?? head.count)])
    // The only line may be a torn one, and a very long one is not read to its end.
    let isWhole = firstEnd != nil
    guard first.first == UInt8(ascii: "{"), !isWhole || isObject(first),
      isWhole || isCut || isOurs(first) || isObject(first)
    else {
      throw StageError(
        .badInput, "\(path) holds something else than lines of JSON, and is left as it is",
        help: "Give `jsonl` a file of its own.")
    }
    let tail = bytes(reading, from: start, count: length - start)
    guard let last = tail.last, last != UInt8(ascii: "\n") else { return }
    let lineStart = (tail.lastIndex(of: UInt8(ascii: "\n")) ?? -1) + 1
    let line = Array(tail[lineStart...])
    let isTorn = isOurs(line) && !isObject(line)
    let problem =
      isTorn && (lineStart > 0 || start == 0)
      ? (ftruncate(descriptor, start + lineStart) == 0 ? 0 : errno)
      : writeWhole([UInt8(ascii: "\n")], to: descriptor)
    if problem != 0 { throw .file("cannot write", path, problem) }
  }

  /// Whether a line begins as ours do, as far as it goes.
  private func isOurs(_ line: [UInt8]) -> Bool {
    let beginning = Array(#"{"v":"#.utf8)
    return line.prefix(beginning.count).elementsEqual(beginning.prefix(line.count))
  }

  private func isObject(_ line: [UInt8]) -> Bool {
    if let json = try? JSONValue.parse(line.span), case .object = json { true } else { false }
  }

  private func bytes(_ descriptor: Int32, from offset: Int, count: Int) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: count)
    let got = pread(descriptor, &bytes, count, offset)
    return Array(bytes.prefix(max(0, got)))
  }
}
