internal import AudioCodecs
internal import FluxGraph
internal import Glibc

/// The program that decodes what is not decoded here.
///
/// It is given one file, or a pipe, and the name of the format, which the table of formats has: what it is given says neither what it
/// runs nor what else it opens. No list of addresses is followed, and nothing but that file or pipe can be opened.
struct FFmpeg {
  /// Where the sound comes from.
  enum Input {
    /// An open file, read from its beginning on whatever its descriptor has read; the part that is wanted begins at `start`.
    case file(Int32, start: Duration)
    case pipe
  }

  /// No single piece of memory it asks for is larger: a picture of a cover may be some megabytes.
  private static let mostMemory = 256 << 20
  /// Sound before the place that is wanted, which a decoder needs to find its way: MP3 keeps bits of a frame in those before it.
  private static let preRoll = Duration.seconds(1)

  private let program: String
  private let format: SoundFormat
  private let demultiplexer: String
  private let name: String
  private let context: StageContext

  /// Nil where there is no ffmpeg, or where it does not know the format.
  init?(_ format: SoundFormat, _ name: String, _ context: StageContext) {
    guard let demultiplexer = format.demultiplexer, let program = programPath(of: "ffmpeg") else {
      return nil
    }
    self.init(program: program, format, demultiplexer: demultiplexer, name, context)
  }

  init(program: String, _ format: SoundFormat, demultiplexer: String, _ name: String, _ context: StageContext)
  {
    self.program = program
    self.format = format
    self.demultiplexer = demultiplexer
    self.name = name
    self.context = context
  }

  /// Starts it.
  /// - Parameter rubbish: bytes in front of the sound.
  func decoder(of input: Input, behind rubbish: Int = 0, _ wanted: AudioRequirement) throws
    -> any SoundDecoder
  {
    context.notice(
      Notice(
        "through-ffmpeg", "it holds \(name), which is decoded through ffmpeg",
        details: [("format", .string(name)), ("program", .string(program))]))
    var (seconds, surplus): (Double?, Duration?) = (nil, nil)
    if case .file(_, let start) = input, start > .zero, format.isSeekable {
      let place = max(.zero, start - Self.preRoll)
      (seconds, surplus) = (place.seconds, start - place)
    }
    let child = try ChildProcess(
      arguments(input, behind: rubbish, from: seconds), directory: "/", environment: Self.environment,
      input: standardInput(input))
    context.log.info("started ffmpeg for \(name)")
    return FFmpegDecoder(child, surplus: surplus, wanted, context)
  }

  private func standardInput(_ input: Input) -> ChildProcess.Input {
    switch input {
    case .file(let descriptor, _): .file(descriptor)
    case .pipe: .pipe
    }
  }

  private func arguments(_ input: Input, behind rubbish: Int, from seconds: Double?) -> [String] {
    var words = [
      program, "-nostdin", "-hide_banner", "-nostats", "-loglevel", "level+info", "-max_alloc",
      "\(Self.mostMemory)",
      "-threads", "1", "-f", demultiplexer,
    ]
    if rubbish > 0 { words += ["-skip_initial_bytes", "\(rubbish)"] }
    switch input {
    case .file:
      if let seconds { words += ["-ss", fixedText(seconds, digits: 6)] }
      // By the descriptor it has: no name that anyone chose stands on the command line.
      words += ["-protocol_whitelist", "file", "-i", "file:/proc/self/fd/0"]
    case .pipe:
      // Sound that comes as it is spoken has to be heard as it comes.
      words += [
        "-protocol_whitelist", "pipe", "-probesize", "65536", "-analyzeduration", "1000000", "-i", "pipe:0",
      ]
    }
    return words + [
      "-map", "0:a:0?", "-c:a", "pcm_f32le", "-fflags", "+bitexact", "-flush_packets", "1", "-f", "wav",
      "pipe:1",
    ]
  }

  /// What it needs of the environment: no settings that would have it write files, no secrets.
  static var environment: [String: String] {
    var environment = ["AV_LOG_FORCE_NOCOLOR": "1"]
    for name in ["PATH", "HOME", "TMPDIR", "LD_LIBRARY_PATH"] {
      environment[name] = getenv(name).map { String(cString: $0) }
    }
    return environment
  }
}
