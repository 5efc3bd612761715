import Glibc

/// The thread of one stream: gives its program the audio, reads its words, and answers the blocks.
///
/// A block is answered when the program said `until` that it has dealt with it. A program that never says so is
/// answered for at once within speech, and at the end of a piece of speech once it is quiet.
final class CommandConversation {
  /// Silence the program hears after each piece of speech, in samples: what makes most recognisers settle.
  private static let tail = AudioClock.rate / 2
  /// How long a program that says no `until` has to be quiet after its words, and how long it is waited for when
  /// it has none.
  private static let quietAfterWords = Duration.milliseconds(250)
  private static let quietWithoutWords = Duration.seconds(2)
  /// Audio the program has not read, at which it is given up.
  private static let mostUnwritten = 1 << 20
  private static let mostStarts = 5

  private struct Waiting {
    var number: Int
    /// Where it ends, for the program and in the stream; in samples.
    var programEnd: Int
    var streamEnd: Int
    var ends: Bool
    var since: ContinuousClock.Instant
  }

  private let command: [String]
  private let directory: String
  private let stream: CommandWordStream
  private var process: CommandProcess?
  private var starts = 0
  private var transcript = CommandTranscript()
  private var unwritten: [UInt8] = []
  /// Samples the program was given.
  private var given = 0
  /// Where the segment in hand begins, for the program, and how far the stream is ahead of the program there.
  private var segmentStart = 0
  private var offset = 0
  private var waiting: [Waiting] = []
  private var lastLine = ContinuousClock.now
  /// Why there are no words for the segment in hand.
  private var failure: String?
  private var isClosed = false

  init(_ command: [String], directory: String, _ stream: CommandWordStream) {
    self.command = command
    self.directory = directory
    self.stream = stream
  }

  func run() {
    var signals = sigset_t()
    sigfillset(&signals)
    pthread_sigmask(SIG_BLOCK, &signals, nil)
    while !isClosed {
      wait()
      for job in stream.takeJobs() { perform(job) }
      if !isClosed {
        write()
        read()
        answer()
      }
    }
    _ = process?.end(isOver: false)
  }

  private func perform(_ job: CommandWordStream.Job) {
    switch job {
    case .hear(let block): hear(block)
    case .abandon:
      for block in waiting { stream.answer(WordAnswer(number: block.number, words: .heard([]))) }
      waiting = []
      segmentStart = given
      transcript.forget(before: seconds(given))
    case .close: isClosed = true
    }
  }

  private func hear(_ block: SpeechBlock) {
    if block.begins {
      failure = nil
      if process == nil { start() }
      segmentStart = given
      offset = block.start - given
      transcript.forget(before: seconds(given))
    }
    if let failure {
      return stream.answer(WordAnswer(number: block.number, words: .unavailable(failure)))
    }
    give(block.samples)
    waiting.append(
      Waiting(
        number: block.number, programEnd: given, streamEnd: block.end, ends: block.ends, since: .now))
    if block.ends { give([Int16](repeating: 0, count: Self.tail)) }
    if unwritten.count > Self.mostUnwritten { fail("does not read its audio") }
  }

  private func start() {
    guard starts < Self.mostStarts else {
      failure = "\(command[0]) ended \(starts) times and is not started again: speech is shown as [speech]."
      return
    }
    starts += 1
    (given, unwritten, transcript) = (0, [], CommandTranscript())
    do throws(CommandProcess.Failure) {
      process = try CommandProcess(command, directory: directory)
    } catch {
      failure = "\(command[0]) cannot be started (\(error.reason)): speech is shown as [speech]."
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
      if !unwritten.isEmpty {
        descriptors.append(pollfd(fd: process.input, events: Int16(POLLOUT), revents: 0))
      }
    }
    var limit: Int32 = -1
    if let first = waiting.first, process != nil {
      let left = dueTime(of: first) - .now
      limit = Int32(max(0, min(10_000, (left / .milliseconds(1)).rounded(.up))))
    }
    poll(&descriptors, nfds_t(descriptors.count), limit)
  }

  private func write() {
    guard let process, !unwritten.isEmpty else { return }
    let count = unwritten.withUnsafeBytes { Glibc.write(process.input, $0.baseAddress, $0.count) }
    if count > 0 { unwritten.removeFirst(count) }
    // A program that closed its input may still print; its end shows in its output.
    if count < 0, errno == EPIPE { unwritten = [] }
  }

  private func read() {
    var bytes = [UInt8](repeating: 0, count: 1 << 16)
    while let process {
      let count = Glibc.read(process.output, &bytes, bytes.count)
      if count < 0 {
        if errno == EINTR { continue }
        return
      }
      guard count > 0 else { return fail(nil) }
      lastLine = .now
      if let problem = transcript.receive(bytes[..<count]) {
        return fail("printed what is not understood: \(problem)")
      }
    }
  }

  /// The program is of no use any more; it is started again for the next piece of speech.
  private func fail(_ what: String?) {
    guard let process else { return }
    let how = process.end(isOver: what == nil)
    self.process = nil
    unwritten = []
    let reason = "\(command[0]) \(what ?? how): speech is shown as [speech]."
    failure = reason
    for block in waiting { stream.answer(WordAnswer(number: block.number, words: .unavailable(reason))) }
    waiting = []
  }

  // MARK: - Answers

  private func answer() {
    while let block = waiting.first, isDue(block) {
      waiting.removeFirst()
      stream.answer(WordAnswer(number: block.number, words: .heard(words(until: block))))
    }
  }

  private func isDue(_ block: Waiting) -> Bool {
    if let until = transcript.until { return until >= seconds(block.programEnd) }
    return !block.ends || dueTime(of: block) <= .now
  }

  /// When a block that ends a segment is answered though the program does not say how far it is.
  private func dueTime(of block: Waiting) -> ContinuousClock.Instant {
    let quiet = hasWords ? Self.quietAfterWords : Self.quietWithoutWords
    guard transcript.until == nil else { return .now.advanced(by: .seconds(10)) }
    return max(block.since, lastLine).advanced(by: quiet)
  }

  private var hasWords: Bool { transcript.words.contains { $0.end > seconds(segmentStart) } }

  /// The segment's words in the stream's time; none lies outside of what was heard.
  private func words(until block: Waiting) -> [RecognisedWord] {
    let (shift, last) = (seconds(offset), seconds(block.streamEnd))
    let first = seconds(segmentStart + offset)
    return transcript.words.filter { $0.end > seconds(segmentStart) && $0.start < seconds(block.programEnd) }
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
