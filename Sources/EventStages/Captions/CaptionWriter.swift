internal import FluxGraph
internal import Glibc

/// The files of a sink of captions: one after the other, and one for each stream where the path names it. Used on the disk thread
/// only.
final class CaptionWriter: @unchecked Sendable {
  // Unchecked: its stage hands everything it does to the disk thread.

  struct Settings: Sendable {
    var format: CaptionFormat
    var path: RecordingPath
    var rotation: [RecordingLimit]
    var overwrite: Bool
  }

  /// A caption, and the stream it belongs to.
  struct Entry: Sendable {
    var caption: Caption
    var stream: String
  }

  /// Files of a stream that are open: a turn that began before a file did may end after it.
  private static let openLimit = 2

  private let settings: Settings
  private let context: StageContext
  /// Milliseconds of the stream in a file.
  private let period: Int?
  /// By the stream, where each has files of its own.
  private var series: [String: [CaptionFile]] = [:]
  private var used: Set<String> = []
  private(set) lazy var writes = DelayedWrites<Entry>(of: "caption", context) {
    [unowned self] (entry) throws(StageError) in
    let file = try file(for: entry)
    context.disk.works(on: file.path)
    try file.append(entry.caption)
  }

  init(_ settings: Settings, _ context: StageContext) {
    self.settings = settings
    self.context = context
    period = settings.rotation.duration.map { max(1, Int($0.seconds * 1000)) }
    // Made here: its stage asks for it, too.
    _ = writes
  }

  func append(_ entries: [Entry]) throws(StageError) {
    for entry in entries { try writes.append(entry, size: entry.caption.text.utf8.count + 64) }
  }

  /// Ends it.
  /// - Parameter makesEmpty: whether there is to be a file although nothing was said.
  func close(makesEmpty: Bool) throws(StageError) {
    if makesEmpty, series.isEmpty, writes.first == nil, !settings.path.namesStream {
      try begin("", start: 0, stream: context.name).make()
    }
    for file in series.values.joined() { try file.finish() }
    try writes.close(used.first ?? "the file")
  }

  private func file(for entry: Entry) throws(StageError) -> CaptionFile {
    let key = settings.path.namesStream ? entry.stream : ""
    let start = entry.caption.start
    let open = series[key] ?? []
    guard let newest = open.last else {
      return try begin(key, start: beginning(of: start), stream: entry.stream)
    }
    if let period, start >= newest.start + period {
      return try begin(key, start: beginning(of: start), stream: entry.stream)
    }
    // The first file begins with the stream; captions that have to go on elsewhere begin that.
    if let size = settings.rotation.size, start > newest.start,
      newest.length + entry.caption.text.utf8.count + 64 > size,
      newest.length > settings.format.head.utf8.count
    {
      return try begin(key, start: start, stream: entry.stream)
    }
    return open.last { $0.start <= start } ?? open[0]
  }

  /// Where the file begins that a caption belongs to: at a multiple of the period, as a recording's beside it.
  private func beginning(of start: Int) -> Int { period.map { start / $0 * $0 } ?? 0 }

  private func begin(_ key: String, start: Int, stream: String) throws(StageError) -> CaptionFile {
    var open = series[key] ?? []
    if open.count >= Self.openLimit { try open.removeFirst().finish() }
    let wanted = context.resolve(settings.path.path(start: Double(start) / 1000, stream: stream))
    // What was said is not thrown away for a name that somebody took in the meantime.
    var (path, number) = (wanted, 1)
    // `overwrite` is for the name that was given, not for those it is given a number.
    while used.contains(path) || !context.files.take(path)
      || (!settings.overwrite || number > 1) && access(path, F_OK) == 0
    {
      number += 1
      path = numbered(wanted, number)
    }
    used.insert(path)
    let opening = settings.overwrite ? OutputFile.Opening.replacing : .new
    let file = CaptionFile(path: path, start: start, format: settings.format, opening: opening, context)
    series[key] = open + [file]
    return file
  }
}
