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

  /// Makes the file end with a whole line, as it is open for writing.
  ///
  /// A program that was killed, or a machine that lost its power, may have left the beginning of a line. It is cut off when it is
  /// the beginning of an event; anything else only gets the line end it lacks.
  /// - Throws: `StageError`, with code `badInput` when the file holds something else than lines of ours.
  func mend(_ file: OutputFile) throws(StageError) {
    guard length > 0, let reading = try read() else { return }
    defer { close(reading) }
    try refuseOthers(reading)
    // Mostly it is whole: whoever opens the file for each line does not read megabytes each time.
    guard let last = bytes(reading, from: length - 1, count: 1).first, last != UInt8(ascii: "\n") else {
      return
    }
    let start = max(0, length - Self.longestLine)
    let tail = bytes(reading, from: start, count: length - start)
    let lineStart = (tail.lastIndex(of: UInt8(ascii: "\n")) ?? -1) + 1
    let line = Array(tail[lineStart...])
    let isTorn = isOurs(line) && !isObject(line)
    try StageError.onFiles { () throws(FileError) in
      if isTorn && (lineStart > 0 || start == 0) {
        try file.truncate(to: start + lineStart)
      } else {
        try file.append([UInt8(ascii: "\n")])
      }
    }
  }

  /// Looks whether lines can be appended to a file, and changes nothing; says what there is.
  /// - Throws: `StageError`, with code `badInput` when the file holds something else than lines of ours.
  static func finding(_ path: String) throws(StageError) -> String {
    var state = stat()
    guard stat(path, &state) == 0, state.st_mode & S_IFMT == S_IFREG, state.st_size > 0 else {
      return "\(path) will hold the events"
    }
    let content = LineFileContent(path, length: Int(state.st_size))
    if let reading = try content.read() {
      defer { close(reading) }
      try content.refuseOthers(reading)
    }
    return "events go behind the lines of \(path)"
  }

  /// nil for a file that may be written and not read: it is taken as it is.
  private func read() throws(StageError) -> Int32? {
    let reading = open(path, O_RDONLY | O_CLOEXEC)
    if reading < 0 && errno == EACCES { return nil }
    guard reading >= 0 else { throw .file("cannot open", path, errno) }
    return reading
  }

  private func refuseOthers(_ reading: Int32) throws(StageError) {
    let head = bytes(reading, from: 0, count: min(length, 1 << 16))
    let firstEnd = head.firstIndex(of: UInt8(ascii: "\n"))
    let first = Array(head[..<(firstEnd ?? head.count)])
    // The only line may be a torn one, and a very long one is not read to its end. Other lines of JSON are of other kinds: a
    // recording, settings, what a batch keeps.
    guard !first.isEmpty, isOurs(first), firstEnd == nil || isObject(first) else {
      throw others
    }
    try refuseOtherEnd(reading)
  }

  /// How events and dead letters begin.
  private static let beginnings = [#"{"v":1,"event":""#, #"{"v":1,"reason":""#].map { Array($0.utf8) }

  /// Looks at the end as well: somebody may have written behind what is ours.
  private func refuseOtherEnd(_ reading: Int32) throws(StageError) {
    let tail = bytes(reading, from: max(0, length - (1 << 16)), count: min(length, 1 << 16))
    let lines = tail.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    // What stands before the first line end may be a part of a line; behind the last one nothing may stand.
    for line in lines.dropFirst() where !isOurs(Array(line)) && !isObject(Array(line)) { throw others }
  }

  private var others: StageError {
    StageError(
      .badInput, "\(path) holds something else than lines of events, and is left as it is",
      help: "Give `jsonl` a file of its own.")
  }

  /// Whether a line begins as ours do, as far as it goes.
  private func isOurs(_ line: [UInt8]) -> Bool {
    Self.beginnings.contains { line.prefix($0.count).elementsEqual($0.prefix(line.count)) }
  }

  private func isObject(_ line: [UInt8]) -> Bool {
    if let json = try? JSONValue.parse(line.span), case .object = json { true } else { false }
  }

  private func bytes(_ descriptor: Int32, from offset: Int, count: Int) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: count)
    let got = pread(descriptor, &bytes, count, offset)
    bytes.removeLast(count - max(0, got))
    return bytes
  }
}
