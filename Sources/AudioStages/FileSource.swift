package import FluxGraph

/// The stage `file`: reads a file, or a named pipe.
package struct FileSource: ByteSource {
  package static let description = StageDescription<FileSource>(
    "file", "Reads a sound file; what it holds is found out from its content.",
    details: "WAV and Ogg Opus are decoded. `-` is standard input.",
    examples: ["file talk.opus | flux | stdout", "file talk.wav | resample 16k | null"]
  ) {
    Option("path", \FileSource.path, "The file.", positional: true, required: true)
  }

  package var path = Path("")
  private var file: OpenFile?

  package init() {}

  package var output: ByteStreamType { ByteStreamType(liveness: .finite) }

  package mutating func open(_ context: StageContext) throws {
    file =
      path.text == "-"
      ? OpenFile(FileDescriptor(standardInput: ()), context)
      : OpenFile(try FileDescriptor(opening: context.resolve(path)), context)
  }

  package mutating func read(into bytes: inout ByteBuffer) throws -> SourceProgress {
    try file?.read(into: &bytes) ?? .finished
  }

  package var length: Int? { file?.length }
  package var subject: String { path.text }
}

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

  package var subject: String { "standard input" }
}

/// An open file and the context it wakes: stages are copied, the file must not be.
private final class OpenFile {
  private let descriptor: FileDescriptor
  private let context: StageContext
  let length: Int?

  init(_ descriptor: consuming FileDescriptor, _ context: StageContext) {
    self.descriptor = descriptor
    self.context = context
    length = self.descriptor.size
  }

  func read(into bytes: inout ByteBuffer) throws -> SourceProgress {
    try descriptor.read(into: &bytes, context)
  }
}
