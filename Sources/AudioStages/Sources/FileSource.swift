package import FluxGraph

/// The stage `file`: reads a file, or a named pipe.
package struct FileSource: ByteSource {
  package static let description = StageDescription<FileSource>(
    "file", "Reads a sound file; what it holds is found out from its content.",
    details: """
      WAV and Ogg Opus are decoded here, other formats through ffmpeg, where it is installed; what comes before `start` is not \
      decoded. `-` is standard input, where it is. Times count from the first sample that is used.
      """,
    examples: [
      "file talk.opus | flux | stdout", "file talk.wav start=90s duration=10m | flux | stdout",
      "file talk.wav | resample 16k | null",
    ]
  ) {
    Option("path", \FileSource.path, "The file.", positional: true, required: true)
    Option(
      "start", \FileSource.start, "The time of the first sample that is used.",
      in: .zero...(.seconds(10_000_000)))
    Option(
      "duration", \FileSource.duration, "How much is used; all to the end when not given.",
      in: .milliseconds(1)...(.seconds(10_000_000)))
    Rule(
      "web-address", reads: ["path"],
      "`file` reads files and named pipes. What is on the web is read by `http`.",
      example: "file https://example.com/talk.opus | flux | stdout",
      fix: "http https://example.com/talk.opus | flux | stdout"
    ) { stage in
      let address = stage.path.text.lowercased()
      guard ["http://", "https://"].contains(where: { address.hasPrefix($0) }) else { return nil }
      return OptionConflict(
        "this is an address on the web, and no file", options: ["path"],
        help: "write `http \(stage.path.text)`")
    }
  }

  package var path = Path("")
  package var start = Duration.zero
  package var duration: Duration?
  private var file: OpenFile?

  package init() {}

  package var output: ByteStreamType { ByteStreamType(liveness: .finite) }

  package mutating func open(_ context: StageContext) throws {
    file =
      path.text == "-"
      ? OpenFile(FileDescriptor(standardInput: ()), context)
      : OpenFile(try FileDescriptor(opening: context.resolve(path)), context)
    context.log.info("opened \(subject)\(length.map { ", \($0) bytes" } ?? "")")
  }

  package mutating func read(into bytes: inout ByteBuffer) throws -> SourceProgress {
    try file?.read(into: &bytes) ?? .finished
  }

  package var length: Int? { file?.isRegular == true ? file?.length : nil }
  package var subject: String { path.text }
  package var exclusiveInput: String? { path.text == "-" ? standardInput : nil }
  package var excerpt: Excerpt { Excerpt(start: start, duration: duration) }
  package var seekable: (any SeekableBytes)? { file?.isWhole == true ? file : nil }
}

private let standardInput = "standard input"

/// The stage `stdin`: reads standard input.
package struct StandardInput: ByteSource {
  package static let description = StageDescription<StandardInput>(
    "stdin", "Reads sound from standard input; what it holds is found out from its content.",
    details:
      "`live` says that the sound comes in real time, as from a recorder, so that it is not slowed down.",
    examples: ["stdin | flux | stdout", "stdin live | decode raw=pcm(s16le, 16k, mono) | flux | stdout"]
  ) {
    Option("live", \StandardInput.live, "The sound comes in real time.")
  }

  package var live = false
  private var file: OpenFile?

  package init() {}

  package var output: ByteStreamType { ByteStreamType(liveness: live ? .live : .finite) }

  package mutating func open(_ context: StageContext) throws {
    file = OpenFile(FileDescriptor(standardInput: ()), context)
  }

  package mutating func read(into bytes: inout ByteBuffer) throws -> SourceProgress {
    try file?.read(into: &bytes) ?? .finished
  }

  package var subject: String { standardInput }
  package var exclusiveInput: String? { standardInput }
  package var seekable: (any SeekableBytes)? { file?.isWhole == true ? file : nil }
}

/// An open file, or a pipe, and the context it wakes: stages are copied, the file must not be.
private final class OpenFile: SeekableBytes {
  private let file: FileReadAhead
  private let context: StageContext
  private let size: Int?
  /// Whether it is a file, of which nothing was read before: of standard input others may have read.
  let isWhole: Bool

  init(_ file: consuming FileDescriptor, _ context: StageContext) {
    size = file.size
    isWhole = size != nil && file.offset == 0
    self.file = FileReadAhead(file, context)
    self.context = context
  }

  func read(into bytes: inout ByteBuffer) throws -> SourceProgress {
    isRegular ? try file.read(into: &bytes) : try file.file.read(into: &bytes, context)
  }

  /// Whether it is a file with a size, and not a pipe.
  var isRegular: Bool { size != nil }
  var length: Int { size ?? 0 }

  func bytes(at offset: Int, count: Int) throws -> [UInt8] { try file.file.bytes(at: offset, count: count) }
  func goOn(at offset: Int) throws { try file.seek(to: offset) }
  var descriptor: Int32? { isRegular ? file.file.number : nil }
}
