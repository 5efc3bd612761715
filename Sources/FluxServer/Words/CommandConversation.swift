import FluxGraph
import Glibc
import Platform

/// The thread of one stream: gives its program the audio, reads its words, and answers the blocks.
///
/// A block is answered when the program said `until` that it has dealt with it. A program that never says so is
/// answered for at once within speech, and at the end of a piece of speech once it is quiet.
final class CommandConversation {
  /// Silence the program hears after each piece of speech, in samples: what makes most recognisers settle.
  private static let tail = AudioClock.rate / 2
  /// How long a program that says no `until` has to be quiet after its words, and how long it is waited for when it has none;
  /// longer the first time, when it may have a model to load. Only a program that has read all of its audio can be quiet.
  private static let quietAfterWords = Duration.milliseconds(250)
  private static let quietWithoutWords = Duration.seconds(2)
  private static let quietAtFirst = Duration.seconds(8)
  /// Audio the program has not read, at which it is given up.
  private static let mostUnwritten = 1 << 20
  private static let mostStarts = 5
  /// How often a program that has not read its audio is looked at: nothing tells when it does.
  private static let look = Duration.milliseconds(50)

  /// A piece of speech; the one before it may still be with a slow program.
  private struct Segment {
    /// Where it begins, for the program, in samples, and how far the stream is ahead of the program there.
    var start = 0
    var offset = 0
  }

  private struct Waiting {
    var number: Int
    var segment: Segment
    /// Where it ends, for the program and in the stream; in samples.
    var programEnd: Int
    var streamEnd: Int
    var ends: Bool
    var since: Instant
  }

  private let program: CommandWords.Program
  private let stream: CommandWordStream
  private var process: RecogniserProgram?
  private var starts = 0
  private var transcript = CommandTranscript()
  private var complaints = OutputLines()
  /// Whether the program's standard error is open.
  private var hasComplaints = false
  private var unwritten: [UInt8] = []
  /// Samples the program was given.
  private var given = 0
  /// The one that is being given.
  private var segment = Segment()
  private var waiting: [Waiting] = []
  private var lastLine = Instant.now()
  /// When it was last seen not to have read all of its audio.
  private var lastBehind = Instant.now()
  /// Whether the program has printed something, or had its time to.
  private var isReady = false
  /// Why there are no words for the segment in hand.
  private var failure: String?
  private var isClosed = false

  init(_ program: CommandWords.Program, _ stream: CommandWordStream) {
    self.program = program
    self.stream = stream
  }

  private var name: String { program.command.words[0] }

  func run() {
    while !isClosed {
      wait()
      for job in stream.takeJobs() { perform(job) }
      if !isClosed {
        write()
        if isBehind { lastBehind = .now() }
        readComplaints()
        read()
        answer()
      }
    }
    readComplaints()
    _ = process?.end(isOver: false)
  }

  private func perform(_ job: CommandWordStream.Job) {
    switch job {
    case .hear(let block): hear(block)
    case .abandon:
      for block in waiting { stream.answer(WordAnswer(number: block.number, words: .heard([]))) }
      waiting = []
      segment.start = given
      transcript.forget(before: seconds(given))
    case .close: isClosed = true
    }
  }

  private func hear(_ block: SpeechBlock) {
    if block.begins {
      failure = nil
      if process == nil { start() }
      segment = Segment(start: given, offset: block.start - given)
      transcript.forget(before: seconds(waiting.first?.segment.start ?? given))
    }
    if let failure {
      return stream.answer(WordAnswer(number: block.number, words: .unavailable(failure)))
    }
    give(block.samples)
    waiting.append(
      Waiting(
        number: block.number, segment: segment, programEnd: given, streamEnd: block.end, ends: block.ends,
        since: .now()))
    if block.ends { give([Int16](repeating: 0, count: Self.tail)) }
    if unwritten.count > Self.mostUnwritten { fail("does not read its audio") }
  }

  private func start() {
    guard starts < Self.mostStarts else {
      failure = "\(name) ended \(starts) times and is not started again: speech is shown as [speech]."
      return
    }
    starts += 1
    (complaints, hasComplaints) = (OutputLines(), true)
    (given, unwritten, transcript, isReady) = (0, [], CommandTranscript(), false)
    do throws(ChildProcessError) {
      process = try RecogniserProgram(program)
    } catch {
      failure =
        "\(name) cannot be started (\(String(cString: strerror(error.code)))): speech is shown as [speech]."
    }
  }

  private func give(_ samples: [Int16]) {
    for sample in samples {
      unwritten.append(UInt8(truncatingIfNeeded: sample))
      unwritten.append(UInt8(truncatingIfNeeded: sample >> 8))
    }
    given += samples.count
  }

  // MARK: - Pipes

  private func wait() {
    var descriptors = [pollfd(fd: stream.bell, events: Int16(POLLIN), revents: 0)]
    if let process {
      descriptors.append(pollfd(fd: process.output, events: Int16(POLLIN), revents: 0))
      if hasComplaints { descriptors.append(pollfd(fd: process.errors, events: Int16(POLLIN), revents: 0)) }
      if !unwritten.isEmpty {
        descriptors.append(pollfd(fd: process.input, events: Int16(POLLOUT), revents: 0))
      }
    }
    var limit: Int32 = -1
    if let first = waiting.first, process != nil {
      let left = isBehind ? Self.look : dueTime(of: first).duration(since: .now())
      limit = Int32(max(0, min(10_000, (left / .milliseconds(1)).rounded(.up))))
    }
    poll(&descriptors, nfds_t(descriptors.count), limit)
  }

  private func write() {
    guard let process, !unwritten.isEmpty else { return }
    switch unwritten.withUnsafeBytes(process.write) {
    case .bytes(let count): unwritten.removeFirst(count)
    // A program that closed its input may still print; its end shows in its output.
    case .failed: unwritten = []
    case .notNow, .end: break
    }
  }

  /// What the program says on its standard error, and whether it may say more.
  private func readComplaints() {
    guard let process, hasComplaints else { return }
    for line in complaints.read(process.errors) { program.complaint("\(name): \(line)") }
    hasComplaints = !complaints.hasEnded
  }

  private func read() {
    var bytes = [UInt8](repeating: 0, count: 1 << 16)
    while let process {
      let count: Int
      switch bytes.withUnsafeMutableBytes(process.read) {
      case .bytes(let some): count = some
      case .end: return fail(nil)
      case .notNow, .failed: return
      }
      lastLine = .now()
      isReady = true
      if let problem = transcript.receive(bytes[..<count]) {
        return fail("printed what is not understood: \(problem)")
      }
    }
  }

  /// The program is of no use any more; it is started again for the next piece of speech.
  private func fail(_ what: String?) {
    readComplaints()
    guard let process else { return }
    let how = process.end(isOver: what == nil)
    self.process = nil
    unwritten = []
    let reason = "\(name) \(what ?? how): speech is shown as [speech]."
    failure = reason
    for block in waiting { stream.answer(WordAnswer(number: block.number, words: .unavailable(reason))) }
    waiting = []
  }

  // MARK: - Answers

  private func answer() {
    while let block = waiting.first, isDue(block) {
      waiting.removeFirst()
      if block.ends { isReady = true }
      stream.answer(WordAnswer(number: block.number, words: .heard(words(until: block))))
    }
  }

  private func isDue(_ block: Waiting) -> Bool {
    if let until = transcript.until { return until >= seconds(block.programEnd) }
    return !block.ends || dueTime(of: block) <= .now()
  }

  /// When a block that ends a segment is answered though the program does not say how far it is.
  private func dueTime(of block: Waiting) -> Instant {
    let quietWithoutWords = isReady ? Self.quietWithoutWords : Self.quietAtFirst
    let quiet = hasWords(block) ? Self.quietAfterWords : quietWithoutWords
    guard transcript.until == nil else { return .now().advanced(by: .seconds(10)) }
    return max(block.since, lastLine, lastBehind).advanced(by: quiet)
  }

  /// Whether a program that says no `until` has audio it has not read.
  private var isBehind: Bool {
    transcript.until == nil && (!unwritten.isEmpty || process?.hasUnread ?? false)
  }

  private func hasWords(_ block: Waiting) -> Bool {
    transcript.words.contains { $0.end > seconds(block.segment.start) }
  }

  /// The segment's words in the stream's time; none lies outside of what was heard.
  private func words(until block: Waiting) -> [RecognisedWord] {
    let (start, offset) = (block.segment.start, block.segment.offset)
    let (shift, last) = (seconds(offset), seconds(block.streamEnd))
    let first = seconds(start + offset)
    return transcript.words.filter { $0.end > seconds(start) && $0.start < seconds(block.programEnd) }
      .map { word in
        var word = word
        word.start = min(max(word.start + shift, first), last)
        word.end = min(max(word.end + shift, word.start), last)
        return word
      }
      .sorted { $0.start < $1.start }
  }

  private func seconds(_ samples: Int) -> Double { AudioClock.seconds(samples) }
}
