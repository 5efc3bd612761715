package import AudioCodecs
package import FluxGraph

/// What a sound file holds, and who would decode it. Nothing is decoded.
package struct SoundFile {
  /// Who decodes it.
  package enum Decoding: Sendable, Equatable {
    case here
    /// The path of ffmpeg.
    case ffmpeg(String)
    /// Nobody.
    case none
  }

  /// What people call the format; nil where it is not known, or declared by the graph.
  package let format: String?
  package let decoding: Decoding
  private let file: OpenSound
  private let found: SoundFormat?
  private let offset: Int
  private let raw: AudioFormat?
  private let forbiddenBy: String?
  private let soundless: StageError?

  /// Looks at the beginning of a file.
  /// - Parameters:
  ///   - raw: the format of a file without a header.
  ///   - forbiddenBy: what keeps other programs from being run, such as "`--strict`".
  /// - Returns: nil for what is no file with an end, such as a pipe.
  /// - Throws: `StageError` when the file cannot be opened or read.
  package init?(path: String, raw: AudioFormat?, forbiddenBy: String? = nil) throws {
    let descriptor = try FileDescriptor(opening: path)
    guard let size = descriptor.size else { return nil }
    file = OpenSound(descriptor, length: size)
    self.raw = raw
    self.forbiddenBy = forbiddenBy
    let finding = raw == nil ? try SoundProbe.find(file) : nil
    guard let finding, case .sound(let sound, let name) = finding.kind else {
      (format, found, offset) = (nil, nil, 0)
      let isEmpty = raw == nil && size == 0
      soundless =
        isEmpty ? StageError(.badInput, "it is empty") : finding.flatMap { Decode.soundless($0.kind) }
      decoding = raw == nil ? .none : .here
      return
    }
    (format, found, offset) = (name, sound, finding.offset)
    soundless = nil
    if finding.isReadHere {
      decoding = .here
    } else if forbiddenBy == nil, sound.demultiplexer != nil, let program = programPath(of: "ffmpeg") {
      decoding = .ffmpeg(program)
    } else {
      decoding = .none
    }
  }

  /// Why it cannot be decoded.
  package var problem: StageError? {
    if let soundless { return soundless }
    guard decoding == .none, let format else { return nil }
    return Decode.foreign(format, forbiddenBy: forbiddenBy)
  }

  /// How long it is, as its header and its last pages tell, or ffprobe where that is installed; nil for what has no end that can be
  /// found so. Blocks for as long as ffprobe takes, a few seconds at most.
  package func length() throws -> SoundLength? {
    if let raw {
      return SoundLength(
        seconds: Double(file.length / raw.bytesPerFrame) / Double(raw.rate), channels: raw.channels)
    }
    switch decoding {
    // What does not begin with its beginning is read from the front, and its length seen then.
    case .here: return offset == 0 ? try found?.reader?.length(file) : nil
    case .ffmpeg: return found.flatMap { FFprobe($0)?.length(of: file) }
    case .none: return nil
    }
  }
}

/// A file that is looked at.
final class OpenSound: SeekableBytes {
  private let file: FileDescriptor
  let length: Int

  init(_ file: consuming FileDescriptor, length: Int) {
    self.file = file
    self.length = length
  }

  func bytes(at offset: Int, count: Int) throws -> [UInt8] { try file.bytes(at: offset, count: count) }
  func goOn(at offset: Int) throws { try file.seek(to: offset) }
  var descriptor: Int32? { file.number }
}
