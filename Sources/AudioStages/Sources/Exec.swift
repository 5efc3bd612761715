package import FluxGraph

/// A source whose sound comes from a program's standard output: `exec` and `sh`.
package protocol ProgramSource: ByteSource {
  /// The program and its arguments.
  var arguments: [String] { get }
  /// What is said of its run.
  var run: ProgramRun { get set }
}

/// How a program is run for its sound.
package struct ProgramRun {
  /// When a program that has ended is started again.
  package enum Restart: String, OptionEnumeration {
    case never
    case onError = "on-error"
    case always
  }

  package var emits: AudioFormat?
  package var live = false
  package var restart = Restart.never
  package var backoff = Duration.seconds(1)
  package var backoffLimit = Duration.seconds(30)
  fileprivate var source: ChildSource?
}

extension ProgramSource {
  /// The options of all of them.
  @OptionBuilder<Self> static var runOptions: [OptionDeclaration<Self>] {
    Option("emits", \Self.run.emits, "The format of samples without a header.")
    Option("live", \Self.run.live, "The sound comes in real time.")
    Option("restart", \Self.run.restart, "When a program that has ended is started again.")
    Option(
      "backoff", \Self.run.backoff,
      "The pause before a restart; it doubles with every one that did not last.",
      in: .milliseconds(100)...(.seconds(3600)))
    Option(
      "backoff_limit", \Self.run.backoffLimit, "The longest pause.", in: .milliseconds(100)...(.seconds(3600))
    )
  }

  package var output: ByteStreamType {
    ByteStreamType(samples: run.emits, liveness: run.live ? .live : .finite)
  }

  package mutating func open(_ context: StageContext) throws {
    run.source = try ChildSource(arguments, run, context)
  }

  package mutating func read(into bytes: inout ByteBuffer) throws -> SourceProgress {
    try run.source?.read(into: &bytes) ?? .finished
  }

  package mutating func close() throws -> Bool { run.source?.close() ?? true }
}

/// The stage `exec`: reads sound from a program's standard output.
package struct Exec: ProgramSource {
  package static let description = StageDescription<Exec>(
    "exec", "Starts a program, without a shell, and reads sound from its standard output.",
    details: """
      Without `emits`, what the program gives is found out from its content, WAV or Ogg Opus; `emits` names samples without a \
      header. `live` says that the sound comes in real time, so that it is not slowed down. What the program writes to its \
      standard error is shown as notices. It runs in the graph's directory, in a process group of its own, without the \
      graph's secrets in its environment, and ends with the graph.
      """,
    examples: [
      #"exec ["ffmpeg", "-v", "error", "-i", "talk.mp4", "-f", "wav", "-"] | flux | stdout"#,
      #"exec ["arecord", "-q", "-t", "raw", "-f", "S16_LE", "-r", "16000"] emits=pcm(s16le, 16k, mono) live restart=on-error | flux | stdout"#,
    ]
  ) {
    Option("command", \Exec.arguments, "The program and its arguments.", positional: true, required: true)
    Rule(reads: ["command"]) { exec in
      guard exec.arguments.first?.isEmpty ?? true else { return nil }
      return OptionConflict(
        code: "missing-value", "`exec` needs a program", options: ["command"],
        help: #"for example `exec ["ffmpeg", "-i", "talk.mp3", "-f", "wav", "-"]`"#)
    }
    runOptions
  }

  package var arguments: [String] = []
  package var run = ProgramRun()

  package init() {}

  package var subject: String { arguments.first ?? "the program" }
  package func needs(_ context: StageContext) -> [Need]? { Need.programs(arguments, in: context.directory) }
}

/// The stage `sh`: the same with a line for the shell.
package struct Shell: ProgramSource {
  package static let description = StageDescription<Shell>(
    "sh", "Has the shell run a line, and reads sound from its standard output.",
    details: "As `exec`, but the line is for `/bin/sh`, with its pipes and its quotes.",
    examples: [
      #"sh "ffmpeg -v error -i talk.mp4 -f wav - | sox -t wav - -t wav - norm" | flux | stdout"#,
      #"sh "arecord -q -f S16_LE -r 16000 -c 1" live | flux | stdout"#,
    ]
  ) {
    Option("line", \Shell.line, "The line.", positional: true, required: true)
    runOptions
  }

  package var line = ""
  package var run = ProgramRun()

  package init() {}

  package var arguments: [String] { ["/bin/sh", "-c", line] }
  package var subject: String { "the shell's output" }

  package func needs(_ context: StageContext) -> [Need]? {
    // As far as words of a line can be told without a shell.
    let words = line.split { $0.isWhitespace || "'\"|&;()<>".contains($0) }.map(String.init)
    return Need.programs(["/bin/sh"] + words, in: context.directory)
  }
}
