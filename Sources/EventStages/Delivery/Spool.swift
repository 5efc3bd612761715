package import FluxGraph
internal import Glibc

internal import class Platform.FileLock

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
  private var lock: FileLock?
  private var descriptor: Int32 = -1
  private var contents = SpoolContents()
  /// The highest number a delivery has had.
  private(set) var lastNumber: UInt64 = 0
  /// Bytes of the log.
  private var length = 0
  private var hasUnsynced = false
  /// Whether what is done could not be written down; the next run would do it again.
  private var isBehind = false
  /// Bytes of the log that could not be read.
  private(set) var damaged = 0

  /// Opens the spool of a sink, and makes one when there is none. See `whenFree(directory:name:limit:run:)`, which waits for it.
  /// - Throws: `StageError` when it cannot be read or written; `FileLockError` when another program uses it.
  init(directory: String, name: String, limit: Int) throws {
    self.name = name
    self.limit = limit
    path = directory + "/" + name
    try StageError.onFiles { [path] () throws(FileError) in try makeDirectories(above: path) }
    for ending in [".spool", ".dead.jsonl"] { try Self.refuseOthers(at: path + ending) }
    lock = try FileLock(path + ".lock")
    // What a program left that was killed while it wrote the log anew.
    for file in fileNames(in: directory) where file.hasPrefix(name + ".spool.") && file.hasSuffix(".part") {
      unlink(directory + "/" + file)
    }
    try load()
  }

  deinit { close() }

  /// Leaves the spool to others. Nothing may be asked of it any more.
  func close() {
    if descriptor >= 0 { Glibc.close(descriptor) }
    descriptor = -1
    lock = nil
  }

  /// What is not done, in the order it was accepted: in outline, see `whole`.
  var deliveries: [Delivery] { contents.deliveries }

  /// The same as it is to be sent: what was sent together stays together.
  var shipments: [Shipment] { contents.shipments }

  /// The same deliveries as a whole: those that are not are read from the log.
  /// - Throws: when one cannot be read any more.
  func whole(_ deliveries: [Delivery]) throws(StageError) -> [Delivery] {
    var whole = deliveries
    for index in whole.indices where !whole[index].isWhole {
      guard let place = contents.place(of: whole[index].number) else { continue }
      guard case .accepted(var delivery)? = SpoolRecord.read(try bytes(at: place)[...])?.record else {
        throw StageError(.inputOutput, "cannot read \(logPath): it was changed by somebody else")
      }
      delivery.attempts = whole[index].attempts
      whole[index] = delivery
    }
    return whole
  }

  /// Numbers a delivery and keeps it. Returns nil, and keeps nothing, when the spool is full.
  func accept(_ delivery: Delivery) throws(StageError) -> Delivery? {
    var numbered = delivery
    numbered.number = lastNumber + 1
    return try keep(numbered) ? numbered : nil
  }

  /// Keeps a delivery that has its number, unless it is kept already. Returns false when the spool is full.
  func keep(_ delivery: Delivery) throws(StageError) -> Bool {
    if contents.contains(delivery.number) { return true }
    let bytes = SpoolRecord.accepted(delivery).bytes
    guard bytes.count <= SpoolRecord.contentLimit, try hasRoom(for: bytes.count + SpoolContents.reserve)
    else {
      return false
    }
    let place = SpoolContents.Place(offset: length, size: bytes.count)
    try append(bytes)
    lastNumber = max(lastNumber, delivery.number)
    contents.apply(.accepted(delivery), at: place)
    return true
  }

  /// Whether a delivery is kept and not done.
  func contains(_ number: UInt64) -> Bool { contents.contains(number) }

  /// Whether there would be room for a delivery if nothing else was there.
  func canHold(_ delivery: Delivery) -> Bool {
    let count = SpoolRecord.accepted(delivery).bytes.count
    return count <= min(SpoolRecord.contentLimit, limit - 2 * SpoolContents.reserve)
  }

  /// Remembers which deliveries go together from now on, as far as they are kept.
  func batched(_ batches: [[Delivery]]) throws(StageError) {
    let records = batches.map { $0.map(\.number) }.filter(contents.isNewBatch).map(SpoolRecord.batched)
    guard !records.isEmpty else { return }
    // What there was to say of the batches they were in makes room.
    _ = try hasRoom(for: 0)
    // Not before it is written: it is tried again with the next attempt.
    try append(records.flatMap(\.bytes))
    for record in records { contents.apply(record, at: .init(offset: 0, size: 0)) }
  }

  /// Remembers how often a shipment has failed, as far as there is room for that.
  func attempted(_ shipment: Shipment) throws(StageError) {
    let record = SpoolRecord.attempted(number: shipment.number, attempts: shipment.attempts)
    guard contents.contains(shipment.number), try hasRoom(for: record.bytes.count) else { return }
    try write(record)
  }

  /// Forgets a delivery, or the batch that goes by its number.
  func done(_ number: UInt64) throws(StageError) {
    guard contents.contains(number) else { return }
    try write(.done(number: number))
    if contents.isEmpty && length > 1 << 16 || length > 1 << 20 && contents.size < length / 2 {
      try rewrite()
    }
  }

  /// Puts events among the dead letters, whole shipments of them. Returns whether there was room for them; forgotten they are
  /// in any case.
  /// - Throws: when they could not be written; those that are in the spool are still there then.
  func bury(_ letters: [DeadLetter]) throws(StageError) -> Bool {
    var lines: [UInt8] = []
    for letter in letters {
      letter.json.write(to: &lines)
      lines.append(UInt8(ascii: "\n"))
    }
    var state = stat()
    let isKept = stat(deadLetterPath, &state) != 0 || Int(state.st_size) + lines.count <= limit
    if isKept {
      try makeDeadLetters()
      let file = LineFile(permissions: 0o600)
      try file.append(lines, to: deadLetterPath, now: .now())
      file.close()
    }
    for letter in letters {
      // They are in the one file now, and are taken out of the other as soon as that can be written.
      do throws(StageError) { try done(letter.delivery.number) } catch { isBehind = true }
    }
    return isKept
  }

  /// Makes what was accepted survive a power failure.
  func synchronise() throws(StageError) {
    if isBehind { try rewrite() }
    guard hasUnsynced else { return }
    if fdatasync(descriptor) != 0 { throw .file("cannot write", logPath, errno) }
    hasUnsynced = false
  }

  // MARK: - Commands

  /// The spools in a directory, by name.
  package static func names(in directory: String) throws(StageError) -> [String] {
    guard access(directory, R_OK | X_OK) == 0 else { throw .file("cannot open", directory, errno) }
    var names: Set<String> = []
    for file in fileNames(in: directory) {
      if file.hasSuffix(".spool"), isRegularFile(directory + "/" + file) {
        names.insert(String(file.dropLast(".spool".count)))
      }
      // A file of this name may be somebody else's.
      if file.hasSuffix(".dead.jsonl"), try holdsDeadLetters(directory + "/" + file) {
        names.insert(String(file.dropLast(".dead.jsonl".count)))
      }
    }
    return names.sorted()
  }

  private static func holdsDeadLetters(_ path: String) throws(StageError) -> Bool {
    guard isRegularFile(path) else { return false }
    return try lines(ofDeadLetters: path).contains { $0.isLetter }
  }

  /// How much waits, since when, and how many dead letters there are.
  package struct Summary: Sendable {
    package var pending: Int
    package var oldest: WallTime?
    package var bytes: Int
    package var dead: Int
    /// Bytes of the log that could not be read.
    package var damaged: Int
  }

  /// What is in the spool of a sink, whether or not a program uses it.
  package static func summary(directory: String, name: String) throws(StageError) -> Summary {
    let path = directory + "/" + name
    let log = try contents(of: path + ".spool")
    var known = SpoolContents()
    let (_, damaged) = SpoolRecord.readAll(log) { known.apply($0, at: $1) }
    let waiting = known.deliveries
    let dead = try lines(ofDeadLetters: path + ".dead.jsonl").count { $0.isLetter }
    return Summary(
      pending: waiting.count, oldest: waiting.map(\.accepted).min().map { WallTime(seconds: $0) },
      bytes: log.count, dead: dead, damaged: damaged)
  }

  /// Has the dead letters delivered again the next time the graph runs. Returns how many, and how many lines are none.
  package func redeliver() throws(StageError) -> (accepted: Int, refused: Int) {
    var (accepted, rest): (Int, [ArraySlice<UInt8>]) = (0, [])
    for (line, _) in try Self.lines(ofDeadLetters: deadLetterPath) {
      if let json = try? JSONValue.parse(Array(line).span), let delivery = Delivery(json),
        try accept(delivery) != nil
      {
        accepted += 1
      } else {
        rest.append(line)
      }
    }
    try synchronise()
    // Only now: whatever happens before, each letter is in one of the files, or in both.
    try makeDeadLetters()
    try leave(rest)
    return (accepted, rest.count)
  }

  /// Throws away everything: what waits and the dead letters. Returns how many lines are none, and were left.
  package func drop() throws(StageError) -> Int {
    contents = SpoolContents()
    try rewrite()
    let others = try Self.lines(ofDeadLetters: deadLetterPath).filter { !$0.isLetter }.map(\.line)
    if others.isEmpty { unlink(deadLetterPath) } else { try leave(others) }
    return others.count
  }

  /// Leaves these lines, and no others, in the file of dead letters.
  private func leave(_ lines: [ArraySlice<UInt8>]) throws(StageError) {
    try Self.replace(deadLetterPath, with: Array(lines.map { $0 + [UInt8(ascii: "\n")] }.joined()))
  }

  /// The lines of a file of dead letters, and whether they are some: others may have written there, too.
  private static func lines(
    ofDeadLetters path: String
  ) throws(StageError) -> [(line: ArraySlice<UInt8>, isLetter: Bool)] {
    let beginning = Array(#"{"v":1,"reason":""#.utf8)
    return try contents(of: path).split(separator: UInt8(ascii: "\n")).map { line in
      (line, line.starts(with: beginning))
    }
  }

  // MARK: - The log

  private static func contents(of path: String) throws(StageError) -> [UInt8] {
    try StageError.onFiles { () throws(FileError) in try readFile(path) }
  }

  private static func replace(_ path: String, with bytes: [UInt8]) throws(StageError) {
    try StageError.onFiles { () throws(FileError) in try replaceFile(path, with: bytes, permissions: 0o600) }
  }

  private var logPath: String { path + ".spool" }
  private var deadLetterPath: String { path + ".dead.jsonl" }

  private func load() throws(StageError) {
    let log = try Self.contents(of: logPath)
    // Others could read what an earlier version wrote. A file that is somebody else's stays as it is.
    for path in [logPath, deadLetterPath] { chmod(path, 0o600) }
    descriptor = open(logPath, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw .file("cannot open", logPath, errno) }
    contents = SpoolContents()
    let (whole, damaged) = SpoolRecord.readAll(log) { record, place in
      contents.apply(record, at: place)
      if case .accepted(let delivery) = record { lastNumber = max(lastNumber, delivery.number) }
    }
    self.damaged = damaged
    if damaged > 0 {
      // Whatever it was: it is kept as it is, and told once.
      try Self.replace(logPath + ".damaged", with: log)
      return try rewrite()
    }
    length = whole
    if whole < log.count, ftruncate(descriptor, whole) != 0 { throw .file("cannot write", logPath, errno) }
  }

  /// Sees to it that there is a file of dead letters which only its owner reads: it holds what was said.
  private func makeDeadLetters() throws(StageError) {
    let file = open(deadLetterPath, O_WRONLY | O_CREAT | O_APPEND | O_NONBLOCK | O_CLOEXEC, 0o600)
    guard file >= 0 else { throw .file("cannot open", deadLetterPath, errno) }
    fchmod(file, 0o600)
    Glibc.close(file)
  }

  /// Whether the log may grow by so many bytes, and still take what will be said of all that is in it. What is not needed any
  /// more is cleared away when that makes a difference.
  private func hasRoom(for count: Int) throws(StageError) -> Bool {
    // Not `limit - …`: there is none for the commands.
    let isFull = { [self] in length + contents.count * SpoolContents.reserve + count > limit }
    if isFull(), length - contents.size >= limit / 8 { try rewrite() }
    return !isFull()
  }

  private func write(_ record: SpoolRecord) throws(StageError) {
    contents.apply(record, at: .init(offset: 0, size: 0))
    do throws(StageError) {
      try append(record.bytes)
    } catch {
      isBehind = true
      throw error
    }
  }

  private func bytes(at place: SpoolContents.Place) throws(StageError) -> [UInt8] {
    try StageError.onFiles { () throws(FileError) in try read(place) }
  }

  private func read(_ place: SpoolContents.Place) throws(FileError) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: place.size)
    let (count, problem) = bytes.withUnsafeMutableBytes { readAll($0, of: descriptor, at: place.offset) }
    guard count == place.size else { throw FileError("cannot read", logPath, problem == 0 ? EIO : problem) }
    return bytes
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
    let (places, remarks) = (contents.places, contents.remarks.flatMap(\.bytes))
    let count = places.count
    try StageError.onFiles { () throws(FileError) in
      try replaceFile(logPath, permissions: 0o600) { index throws(FileError) in
        // Record by record: a spool may be larger than what memory there is.
        if index < count { return try read(places[index]) }
        return index == count ? remarks : nil
      }
    }
    let opened = open(logPath, O_RDWR | O_APPEND | O_CLOEXEC)
    guard opened >= 0 else { throw .file("cannot open", logPath, errno) }
    Glibc.close(descriptor)
    descriptor = opened
    contents.moved()
    length = contents.size + remarks.count
    hasUnsynced = false
    isBehind = false
  }
}
