package import FluxGraph
internal import Glibc

/// Deliveries that are not done, on disk, so that they outlive the program. Used on the disk thread only.
///
/// A directory holds three files for each sink, by its name: `crm.spool`, a log of `SpoolRecord`s that is only appended to
/// and now and then written anew without what is done; `crm.dead.jsonl`, the dead letters; and `crm.lock`, locked while a
/// program uses them. What was accepted is there after the program was killed at any moment.
package final class Spool: @unchecked Sendable {
  // Unchecked: whoever owns it uses it on one thread at a time.
  package let name: String
  private let path: String
  private let limit: Int
  private var lock: Int32 = -1
  private var descriptor: Int32 = -1
  private var pending: [UInt64: Delivery] = [:]
  private var lastNumber: UInt64 = 0
  /// Bytes of the log, and of the records in it that are still needed.
  private var length = 0
  private var needed = 0
  private var hasUnsynced = false
  private var lastSync = Instant(nanoseconds: 0)
  /// Bytes of the log that could not be read.
  private(set) var damaged = 0

  /// Opens the spool of a sink, and makes one when there is none.
  /// - Throws: `StageError` when it cannot be read or written, or another program uses it.
  package init(directory: String, name: String, limit: Int) throws(StageError) {
    self.name = name
    self.limit = limit
    path = directory + "/" + name
    makeDirectories(above: path)
    lock = open(path + ".lock", O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
    guard lock >= 0 else { throw .file("cannot open", path + ".lock", errno) }
    guard flock(lock, LOCK_EX | LOCK_NB) == 0 else {
      throw StageError(
        .inputOutput, "the spool \(path) is in use",
        help:
          "Give each sink a name of its own, such as `crm = … | webhook …`, or each program a spool of its own."
      )
    }
    try load()
  }

  deinit {
    if descriptor >= 0 { close(descriptor) }
    if lock >= 0 { close(lock) }
  }

  /// What is not done, in the order it was accepted.
  var deliveries: [Delivery] { pending.values.sorted { $0.number < $1.number } }

  /// Numbers a delivery and keeps it. Returns nil, and keeps nothing, when the spool is full.
  func accept(_ delivery: Delivery) throws(StageError) -> Delivery? {
    var numbered = delivery
    numbered.number = lastNumber + 1
    let bytes = SpoolRecord.accepted(numbered).bytes
    guard bytes.count <= SpoolRecord.contentLimit else { return nil }
    if length + bytes.count > limit { try rewrite() }
    guard length + bytes.count <= limit else { return nil }
    try append(bytes)
    lastNumber += 1
    pending[numbered.number] = numbered
    needed += bytes.count
    return numbered
  }

  /// Remembers how often a delivery has failed.
  func attempted(_ delivery: Delivery) throws(StageError) {
    guard pending[delivery.number] != nil else { return }
    pending[delivery.number]!.attempts = delivery.attempts
    try append(SpoolRecord.attempted(number: delivery.number, attempts: delivery.attempts).bytes)
  }

  /// Forgets a delivery.
  func done(_ number: UInt64) throws(StageError) {
    guard let delivery = pending.removeValue(forKey: number) else { return }
    needed -= SpoolRecord.accepted(delivery).bytes.count
    try append(SpoolRecord.done(number: number).bytes)
    if pending.isEmpty && length > 1 << 16 || length > 1 << 20 && needed < length / 2 { try rewrite() }
  }

  /// Puts a delivery among the dead letters.
  func bury(_ letter: DeadLetter) throws(StageError) {
    var line: [UInt8] = []
    letter.json.write(to: &line)
    line.append(UInt8(ascii: "\n"))
    let file = LineFile()
    try file.append(line, to: deadLetterPath, now: .now())
    file.close()
    try done(letter.delivery.number)
  }

  /// Makes what was accepted survive a power failure, at most once in `interval`.
  func synchronise(now: Instant, interval: Duration = .zero) throws(StageError) {
    guard hasUnsynced, now.duration(since: lastSync) >= interval else { return }
    lastSync = now
    if fdatasync(descriptor) != 0 { throw .file("cannot write", logPath, errno) }
    hasUnsynced = false
  }

  // MARK: - Commands

  /// The spools in a directory, by name.
  package static func names(in directory: String) throws(StageError) -> [String] {
    guard let listing = opendir(directory) else { throw .file("cannot open", directory, errno) }
    defer { closedir(listing) }
    var names: Set<String> = []
    while let entry = readdir(listing) {
      let file = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      for ending in [".spool", ".dead.jsonl"] where file.hasSuffix(ending) {
        names.insert(String(file.dropLast(ending.count)))
      }
    }
    return names.sorted()
  }

  /// How much waits, since when, and how many dead letters there are.
  package struct Summary: Sendable {
    package var pending: Int
    package var oldest: WallTime?
    package var bytes: Int
    package var dead: Int
  }

  /// What is in the spool of a sink, whether or not a program uses it.
  package static func summary(directory: String, name: String) throws(StageError) -> Summary {
    let path = directory + "/" + name
    let log = try readFile(path + ".spool")
    let pending = Spool.pending(SpoolRecord.readAll(log).records)
    let dead = try readFile(path + ".dead.jsonl").count { $0 == UInt8(ascii: "\n") }
    return Summary(
      pending: pending.count, oldest: pending.values.map(\.accepted).min().map { WallTime(seconds: $0) },
      bytes: log.count, dead: dead)
  }

  /// Has the dead letters delivered again the next time the graph runs. Returns how many, and how many lines are none.
  package func redeliver() throws(StageError) -> (accepted: Int, refused: Int) {
    let lines = try readFile(deadLetterPath).split(separator: UInt8(ascii: "\n"))
    var (accepted, rest): (Int, [ArraySlice<UInt8>]) = (0, [])
    for line in lines {
      if let json = try? JSONValue.parse(Array(line).span), let delivery = Delivery(json),
        try accept(delivery) != nil
      {
        accepted += 1
      } else {
        rest.append(line)
      }
    }
    try synchronise(now: .now())
    // Only now: whatever happens before, each letter is in one of the files, or in both.
    try replaceFile(deadLetterPath, with: Array(rest.map { $0 + [UInt8(ascii: "\n")] }.joined()))
    return (accepted, rest.count)
  }

  /// Throws away everything: what waits and the dead letters.
  package func drop() throws(StageError) {
    pending = [:]
    try rewrite()
    unlink(deadLetterPath)
  }

  // MARK: - The log

  private var logPath: String { path + ".spool" }
  private var deadLetterPath: String { path + ".dead.jsonl" }

  private func load() throws(StageError) {
    let log = try readFile(logPath)
    descriptor = open(logPath, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw .file("cannot open", logPath, errno) }
    let (records, whole, damaged) = SpoolRecord.readAll(log)
    self.damaged = damaged
    length = whole
    if whole < log.count, ftruncate(descriptor, whole) != 0 { throw .file("cannot write", logPath, errno) }
    pending = Self.pending(records)
    for case .accepted(let delivery) in records { lastNumber = max(lastNumber, delivery.number) }
    needed = pending.values.reduce(0) { $0 + SpoolRecord.accepted($1).bytes.count }
  }

  private static func pending(_ records: [SpoolRecord]) -> [UInt64: Delivery] {
    var pending: [UInt64: Delivery] = [:]
    for record in records {
      switch record {
      case .accepted(let delivery): pending[delivery.number] = delivery
      case .attempted(let number, let attempts): pending[number]?.attempts = attempts
      case .done(let number): pending[number] = nil
      }
    }
    return pending
  }

  private func append(_ bytes: [UInt8]) throws(StageError) {
    let problem = writeWhole(bytes, to: descriptor)
    if problem != 0 {
      ftruncate(descriptor, length)
      throw .file("cannot write", logPath, problem)
    }
    length += bytes.count
    hasUnsynced = true
  }

  /// Writes the log anew, with nothing but what is needed.
  private func rewrite() throws(StageError) {
    var bytes: [UInt8] = []
    for delivery in deliveries {
      bytes += SpoolRecord.accepted(delivery).bytes
      if delivery.attempts > 0 {
        bytes += SpoolRecord.attempted(number: delivery.number, attempts: delivery.attempts).bytes
      }
    }
    try replaceFile(logPath, with: bytes)
    let opened = open(logPath, O_WRONLY | O_APPEND | O_CLOEXEC)
    guard opened >= 0 else { throw .file("cannot open", logPath, errno) }
    close(descriptor)
    descriptor = opened
    length = bytes.count
    needed = bytes.count
    hasUnsynced = false
  }
}
