package import FluxGraph

/// The stage `exec`: reads sound from a program's standard output.
package struct Exec: ByteSource {
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
    Option("command", \Exec.command, "The program and its arguments.", positional: true, required: true)
    Option("emits", \Exec.emits, "The format of samples without a header.")
    Option("live", \Exec.live, "The sound comes in real time.")
    Option("restart", \Exec.restart, "When a program that has ended is started again.")
    Option(
      "backoff", \Exec.backoff, "The pause before a restart; it doubles with every one that did not last.",
      in: .milliseconds(100)...(.seconds(3600)))
    Option(
      "backoff_limit", \Exec.backoffLimit, "The longest pause.", in: .milliseconds(100)...(.seconds(3600)))
  }

  package var command: [String] = []
  package var emits: AudioFormat?
  package var live = false
  package var restart = Restart.never
  package var backoff = Duration.seconds(1)
  package var backoffLimit = Duration.seconds(30)
  private var source: ChildSource?

  /// When a program that has ended is started again.
  package enum Restart: String, OptionEnumeration {
    case never
    case onError = "on-error"
    case always
  }

  package init() {}

  package var output: ByteStreamType { ByteStreamType(samples: emits, liveness: live ? .live : .finite) }
  package var subject: String { command.first ?? "the program" }

  package func validate() throws(OptionConflict) {
    if command.isEmpty || command[0].isEmpty {
      throw OptionConflict(
        code: "missing-value", "`exec` needs a program", options: ["command"],
        help: #"for example `exec ["ffmpeg", "-i", "talk.mp3", "-f", "wav", "-"]`"#)
    }
  }

  package func needs(_ context: StageContext) -> [Need]? { Need.programs(command, in: context.directory) }

  package mutating func open(_ context: StageContext) throws {
    source = try ChildSource(
      .init(arguments: command, restart: restart, backoff: backoff, backoffLimit: max(backoff, backoffLimit)),
      context)
  }

  package mutating func read(into bytes: inout ByteBuffer) throws -> SourceProgress {
    try source?.read(into: &bytes) ?? .finished
  }

  package mutating func close() throws -> Bool { source?.close() ?? true }
}

/// The stage `sh`: the same with a line for the shell.
package struct Shell: ByteSource {
  package static let description = StageDescription<Shell>(
    "sh", "Has the shell run a line, and reads sound from its standard output.",
    details: "As `exec`, but the line is for `/bin/sh`, with its pipes and its quotes.",
    examples: [
      #"sh "ffmpeg -v error -i talk.mp4 -f wav - | sox -t wav - -t wav - norm" | flux | stdout"#,
      #"sh "arecord -q -f S16_LE -r 16000 -c 1" live | flux | stdout"#,
    ]
  ) {
    Option("line", \Shell.line, "The line.", positional: true, required: true)
    Option("emits", \Shell.emits, "The format of samples without a header.")
    Option("live", \Shell.live, "The sound comes in real time.")
    Option("restart", \Shell.restart, "When a line that has ended is run again.")
    Option(
      "backoff", \Shell.backoff, "The pause before a restart; it doubles with every one that did not last.",
      in: .milliseconds(100)...(.seconds(3600)))
    Option(
      "backoff_limit", \Shell.backoffLimit, "The longest pause.", in: .milliseconds(100)...(.seconds(3600)))
  }

  package func needs(_ context: StageContext) -> [Need]? {
    // As far as words of a line can be told without a shell.
    let words = line.split { $0.isWhitespace || "'\"|&;()<>".contains($0) }.map(String.init)
    return Need.programs(["/bin/sh"] + words, in: context.directory)
  }

  package var line = ""
  package var emits: AudioFormat?
  package var live = false
  package var restart = Exec.Restart.never
  package var backoff = Duration.seconds(1)
  package var backoffLimit = Duration.seconds(30)
  private var source: ChildSource?

  package init() {}

  package var output: ByteStreamType { ByteStreamType(samples: emits, liveness: live ? .live : .finite) }
  package var subject: String { "the shell's output" }

  package mutating func open(_ context: StageContext) throws {
    source = try ChildSource(
      .init(
        arguments: ["/bin/sh", "-c", line], restart: restart, backoff: backoff,
        backoffLimit: max(backoff, backoffLimit)), context)
  }

  package mutating func read(into bytes: inout ByteBuffer) throws -> SourceProgress {
    try source?.read(into: &bytes) ?? .finished
  }

  package mutating func close() throws -> Bool { source?.close() ?? true }
}
