internal import FluxGraph
internal import Glibc

/// What a program complains on its standard error, as notices: a line each, of bounded length and number.
struct ChildComplaints {
  private static let longestLine = 500
  private static let linesPerSecond = 10

  private let name: String
  /// Takes away of a line what only its writer understands; nil for a line that is not for people.
  private let tidied: (String) -> String?
  private var line: [UInt8] = []
  private var second = Instant(nanoseconds: 0)
  private var count = 0
  private var omitted = 0
  /// The first and the last line that said something, for the message about a failure.
  private(set) var first: String?
  private(set) var last: String?

  init(name: String, tidied: @escaping (String) -> String? = { $0 }) {
    self.name = name
    self.tidied = tidied
  }

  /// Reads what is there.
  mutating func read(from child: ChildProcess, _ context: StageContext) {
    guard child.errors >= 0 else { return }
    // No more than the stack is sure to have room for; larger ones cost memory for each call.
    withUnsafeTemporaryAllocation(byteCount: 1024, alignment: 1) { bytes in
      // Enough for what a program says at once; one that never stops must not keep the thread.
      for _ in 0..<64 {
        let count = Glibc.read(child.errors, bytes.baseAddress, bytes.count)
        if count < 0 { return }
        if count == 0 {
          flush(context)
          child.closeErrors()
          return
        }
        for byte in bytes[..<count] {
          if byte == UInt8(ascii: "\n") || byte == UInt8(ascii: "\r") {
            flush(context)
          } else if line.count < Self.longestLine {
            line.append(byte)
          }
        }
      }
    }
  }

  private mutating func flush(_ context: StageContext) {
    defer { line.removeAll(keepingCapacity: true) }
    guard let text = tidied(String(decoding: line, as: UTF8.self).filter { !$0.isNewline && $0 >= " " }),
      text.contains(where: { !$0.isWhitespace })
    else { return }
    if first == nil { first = text }
    last = text
    let now = context.clock.now()
    if now.duration(since: second) >= .seconds(1) {
      if omitted > 0 {
        context.notice(Notice("stderr", "\(name): \(omitted) more lines on its standard error"))
      }
      second = now
      count = 0
      omitted = 0
    }
    count += 1
    if count <= Self.linesPerSecond {
      context.notice(Notice("stderr", "\(name): \(text.excerpt())"))
    } else {
      omitted += 1
    }
  }
}

/// Ends a program in order: it is asked first and killed when it does not listen.
struct ChildEnd {
  private static let patience = Duration.seconds(2)
  private static let interval = Duration.milliseconds(20)

  private var askedAt: Instant?
  private var overSince: Instant?
  /// Whether it did not end by itself.
  var hasAsked: Bool { askedAt != nil }

  /// Whether the program has ended; if not, it has been asked to, and the stage is woken to look again.
  mutating func end(_ child: ChildProcess, _ context: StageContext) -> ChildProcess.Exit? {
    if let exit = child.poll() { return exit }
    let now = context.clock.now()
    if let askedAt {
      if now.duration(since: askedAt) > Self.patience { child.kill() }
    } else {
      askedAt = now
      child.terminate()
    }
    Self.wakeSoon(context)
    return nil
  }

  /// The same for one that has said that it is at its end: it is given a moment before it is asked to.
  mutating func endSoon(_ child: ChildProcess, _ context: StageContext) -> ChildProcess.Exit? {
    if let exit = child.poll() { return exit }
    let now = context.clock.now()
    let since = overSince ?? now
    overSince = since
    if now.duration(since: since) > Self.patience { return end(child, context) }
    Self.wakeSoon(context)
    return nil
  }

  /// Nothing tells that a program has ended but asking.
  static func wakeSoon(_ context: StageContext) {
    _ = context.loop.schedule(at: context.clock.now().advanced(by: interval)) { context.wake() }
  }
}
