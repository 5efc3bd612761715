import Glibc
import Platform
import Synchronization

/// Words from a program of the user's: 16 kHz mono s16le on its standard input, ``CommandTranscript`` on its standard output.
///
/// Each stream has a process of its own, started when speech is first heard, on a thread of its own. It hears the
/// speech and half a second of silence after each piece; what lies between is left out.
package final class CommandWords: WordSource {
  /// What is started for each stream.
  package struct Program: Sendable {
    /// The program, searched for in PATH unless its name has a slash, and its arguments.
    package var command: CommandLineText
    /// Its working directory.
    package var directory: String
    /// Its environment: that of this program, without what it must not see.
    package var environment: [String: String]
    /// Told each line of its standard error. On a thread of the stream's.
    package var complaint: @Sendable (String) -> Void

    package init(
      _ command: CommandLineText, directory: String = ".", environment: [String: String],
      complaint: @escaping @Sendable (String) -> Void
    ) {
      self.command = command
      self.directory = directory
      self.environment = environment
      self.complaint = complaint
    }
  }

  /// Processes there may be at once.
  package static let mostProcesses = 64

  private let program: Program
  private let streams = Monitor<[ObjectIdentifier: CommandWordStream]>([:])

  package init(_ program: Program) {
    self.program = program
  }

  /// A program may have a model to load.
  package var patience: Duration { .seconds(30) }

  package func open(answer: @escaping @Sendable (WordAnswer) -> Void) -> any WordStream {
    CommandWordStream(source: self, answer: answer)
  }

  package func stop() {
    for stream in streams.withLock({ Array($0.values) }) { stream.close() }
    streams.wait { $0.isEmpty ? () : nil }
  }

  /// Starts the stream's thread; false when there are too many.
  func start(_ stream: CommandWordStream) -> Bool {
    let id = ObjectIdentifier(stream)
    let hasRoom = streams.withLock { streams in
      guard streams.count < Self.mostProcesses else { return false }
      streams[id] = stream
      return true
    }
    guard hasRoom else { return false }
    let thread = NamedThread(trying: "words-command") { [self] in
      let conversation = CommandConversation(program, stream)
      conversation.run()
      streams.withLock { $0[id] = nil }
      streams.broadcast()
    }
    if let thread {
      thread.detach()
    } else {
      streams.withLock { $0[id] = nil }
    }
    return thread != nil
  }
}

/// One connection's jobs for its program.
final class CommandWordStream: WordStream {
  enum Job: Sendable {
    case hear(SpeechBlock)
    case abandon
    case close
  }

  private enum Life { case new, running, refused, closed }

  private struct State {
    var jobs: [Job] = []
    var life = Life.new
  }

  private let source: CommandWords
  let answer: @Sendable (WordAnswer) -> Void
  private let state = Mutex(State())
  /// Signalled for each job; nil where the system had none left.
  private let wakeUp = try? WakeUp()

  init(source: CommandWords, answer: @escaping @Sendable (WordAnswer) -> Void) {
    self.source = source
    self.answer = answer
  }

  /// Can be read while there are jobs.
  var bell: Int32 { wakeUp?.descriptor ?? -1 }

  func hear(_ block: SpeechBlock) {
    let isNew = state.withLock { state in
      defer { if state.life == .new { state.life = .running } }
      return state.life == .new
    }
    if isNew, wakeUp == nil || !source.start(self) { state.withLock { $0.life = .refused } }
    guard add(.hear(block)) else {
      let reason =
        "No more than \(CommandWords.mostProcesses) recognisers can run: speech is shown as [speech]."
      return answer(WordAnswer(number: block.number, words: .unavailable(reason)))
    }
  }

  func abandonSegment() {
    _ = add(.abandon)
  }

  func close() {
    _ = add(.close)
    state.withLock { $0.life = .closed }
  }

  private func add(_ job: Job) -> Bool {
    let isTaken = state.withLock { state in
      guard state.life == .running else { return false }
      state.jobs.append(job)
      return true
    }
    if isTaken { wakeUp?.signal() }
    return isTaken
  }

  /// What is to be done, in order.
  func takeJobs() -> [Job] {
    wakeUp?.clear()
    return state.withLock { state in
      defer { state.jobs = [] }
      return state.jobs
    }
  }
}
