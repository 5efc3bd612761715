package import FluxGraph
internal import Glibc

/// The stage `through`: sends audio through a program.
package struct Through: AudioRelay {
  package static let description = StageDescription<Through>(
    "through",
    "Sends audio through a program: samples in on its standard input, samples out on its standard output.",
    details: """
      The program gets samples without a header, in the rate and channels that come in, and gives the same unless `rate` or \
      `channels` say otherwise. It may take its time: nothing else is held up by it, and no more is kept than the pipes hold. \
      A stage in any language, without a header to parse.
      """,
    examples: [
      #"file talk.wav | through ["sox", "-t", "raw", "-r", "48k", "-e", "signed", "-b", "16", "-c", "1", "-", "-t", "raw", "-", "highpass", "100"] | flux | stdout"#,
      #"file talk.opus | resample 48k | through ["./denoise"] format=f32le | flux | stdout"#,
    ]
  ) {
    Option("command", \Through.command, "The program and its arguments.", positional: true, required: true)
    Rule(reads: ["command"]) { through in
      guard through.command.first?.isEmpty ?? true else { return nil }
      return OptionConflict(
        code: "missing-value", "`through` needs a program", options: ["command"],
        help: #"for example `through ["./denoise"]`"#)
    }
    Option("format", \Through.format, "The samples, in and out.")
    Option("rate", \Through.rate, "The rate of what comes out, where it is another.")
    Option(
      "channels", \Through.channels, "The channels of what comes out, where they are others.",
      in: 1...AudioFormat.maximumChannels)
  }

  package enum Samples: String, OptionEnumeration {
    case s16le, f32le
  }

  package var command: [String] = []
  package var format = Samples.s16le
  package var rate: SampleRate?
  package var channels: Int?
  private var pipe: ChildPipe?

  package init() {}

  package var accepts: AudioRequirement { AudioRequirement(sample: sample) }
  private var sample: SampleFormat { format == .s16le ? .s16le : .f32le }

  package func output(for input: AudioStreamType) -> AudioStreamType {
    var output = input
    output.sample = sample
    output.rate = rate?.hertz ?? input.rate
    output.channels = channels ?? input.channels
    output.chunk = nil
    return output
  }

  package func needs(_ context: StageContext) -> [Need]? { Need.programs(command, in: context.directory) }

  package mutating func prepare(input: AudioFormat, _ context: StageContext) throws -> AudioFormat {
    pipe = try ChildPipe(command, input: input, context)
    return AudioFormat(sample, rate: rate?.hertz ?? input.rate, channels: channels ?? input.channels)
  }

  package mutating func write(_ input: inout AudioBuffer) throws { pipe?.write(&input) }
  package mutating func endInput() throws { pipe?.endInput() }

  package mutating func read(into output: inout AudioBuffer) throws -> SourceProgress {
    try pipe?.read(into: &output) ?? .finished
  }

  package mutating func close() throws -> Bool { pipe?.close() ?? true }
}

/// A program between two pipes.
private final class ChildPipe {
  /// How long the program may go on after its input has ended.
  private static let patience = Duration.seconds(10)

  private let name: String
  private let context: StageContext
  private var child: ChildProcess?
  private var complaints: ChildComplaints
  private var ending = ChildEnd()
  /// Bytes of the first frame that have been written already: a pipe takes what fits.
  private var written = 0
  /// What has come of a frame that is not whole yet.
  private var partial: [UInt8] = []
  private var inputEndedAt: Instant?
  private var refusesInput = false

  init(_ command: [String], input: AudioFormat, _ context: StageContext) throws {
    self.context = context
    name = command[0].split(separator: "/").last.map(String.init) ?? command[0]
    complaints = ChildComplaints(name: name)
    child = try ChildProcess(
      command, directory: context.directory, environment: context.childEnvironment, hasInput: true)
    context.log.info("started \(name)")
  }

  func write(_ audio: inout AudioBuffer) {
    guard let child, child.input >= 0, !refusesInput else {
      // Nobody reads it any more: what the program still gives is all there will be.
      audio.removeAll()
      return
    }
    while !audio.isEmpty {
      let taken = audio.withBytes { bytes in child.write(.init(rebasing: bytes[written...])) }
      switch taken {
      case .bytes(let count):
        let total = written + count
        audio.removeFirst(total / audio.format.bytesPerFrame)
        written = total % audio.format.bytesPerFrame
      case .notNow: return context.wakeWhenWritable(child.input)
      case .failed, .end:
        refusesInput = true
        return audio.removeAll()
      }
    }
  }

  func endInput() {
    child?.closeInput()
    inputEndedAt = context.clock.now()
    _ = context.loop.schedule(at: context.clock.now().advanced(by: Self.patience)) { [context] in
      context.wake()
    }
  }

  func read(into audio: inout AudioBuffer) throws -> SourceProgress {
    guard let child else { return .finished }
    complaints.read(from: child, context)
    if child.output >= 0 {
      switch try readOutput(child, into: &audio) {
      case .produced: return .produced
      case .finished: child.closeOutput()
      case .waiting, .restarted:
        context.wakeWhenReadable(child.output)
        if child.errors >= 0 { context.wakeWhenReadable(child.errors) }
        endImpatiently(child)
        return .waiting
      }
    }
    guard let exit = child.poll() else {
      // A program that gives nothing any more is of no use.
      endImpatiently(child)
      if inputEndedAt == nil { _ = ending.end(child, context) } else { ChildEnd.wakeSoon(context) }
      return .waiting
    }
    complaints.read(from: child, context)
    self.child = nil
    if exit == .code(0) && inputEndedAt != nil { return .finished }
    throw StageError(
      .unavailable,
      "\(name) ended \(exit)" + (inputEndedAt == nil ? " before its input did" : "")
        + (complaints.last.map { ", saying: \($0)" } ?? ""))
  }

  private func endImpatiently(_ child: ChildProcess) {
    guard let inputEndedAt, context.clock.now().duration(since: inputEndedAt) >= Self.patience else { return }
    _ = ending.end(child, context)
  }

  /// Appends whole frames; the bytes of one that is cut in two wait for the rest.
  private func readOutput(_ child: ChildProcess, into audio: inout AudioBuffer) throws -> SourceProgress {
    let size = audio.format.bytesPerFrame
    var transferred = Transferred.end
    audio.append { room in
      room.copyBytes(from: partial)
      let free = room[partial.count..<(room.count / size * size)]
      transferred = child.read(into: .init(rebasing: free))
      guard case .bytes(let count) = transferred else { return 0 }
      let total = partial.count + count
      partial = Array(room[(total / size * size)..<total])
      return total / size
    }
    if !audio.isEmpty { return .produced }
    // Less than a frame.
    if case .bytes = transferred { return .waiting }
    return try SourceProgress(transferred, from: name)
  }

  func close() -> Bool {
    guard let child else { return true }
    child.closeInput()
    child.closeOutput()
    complaints.read(from: child, context)
    guard ending.end(child, context) != nil else { return false }
    self.child = nil
    return true
  }
}
