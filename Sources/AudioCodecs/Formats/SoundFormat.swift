package import FluxGraph

/// A format of sound. One declaration has all there is to know of it: what it is recognised by, what reads it here and how long it
/// says it is, whether the local Flux takes it, and by what name ffmpeg reads what is not read here.
package struct SoundFormat: Sendable {
  /// Whether a stream is of this format.
  package enum Recognition: Sendable, Equatable {
    case no
    /// Takes more bytes to tell.
    case undecided
    /// It is, and people call it so.
    case yes(name: String)
  }

  /// What a format is found by where it does not stand at the beginning.
  struct Mark: Sendable {
    /// What its first byte can be.
    let first: [UInt8]
    /// Whether it is the beginning of a file that is found so, and not any frame of a stream.
    var isBeginning = true
    let stands: @Sendable (Beginning) -> Bool
  }

  /// What keeps a format from being read here.
  enum Obstacle {
    case none
    /// Takes more bytes to tell.
    case undecided
    /// It holds what others read, and people call it so.
    case foreign(name: String)
  }

  /// What reads a format here.
  package struct Reader: Sendable {
    /// What keeps it from being read.
    let obstacle: @Sendable (Beginning) -> Obstacle
    /// A decoder; the requirement is what the stages behind it would like.
    package let decoder: @Sendable (AudioRequirement) -> any SoundDecoder
    /// How long it is; nil where that cannot be found without reading all of it.
    package let length: @Sendable (any SeekableBytes) throws -> SoundLength?
    /// Whether the local Flux takes it, as the service does.
    package let isServed: Bool
  }

  /// What people call it.
  package let name: String
  /// What ffmpeg calls its demultiplexer; nil where it has none.
  package let demultiplexer: String?
  /// Nil where another program has to read it.
  package let reader: Reader?
  /// Whether ffmpeg finds a time in it by its index, and does not guess.
  package let isSeekable: Bool
  /// Why it cannot be read from its beginning to its end, as from a pipe; nil where it can.
  package let needsFile: @Sendable (Beginning) -> String?
  package let recognise: @Sendable (Beginning) -> Recognition
  /// What it is found by in the middle of other bytes, beyond doubt, as behind rubbish; nil where it cannot be.
  let mark: Mark?

  /// A format of which more than its beginning may have to be looked at.
  init(
    _ name: String, ffmpeg demultiplexer: String?, isSeekable: Bool = true, reader: Reader? = nil,
    mark: Mark? = nil, needsFile: @escaping @Sendable (Beginning) -> String? = { _ in nil },
    telling recognise: @escaping @Sendable (Beginning) -> Recognition
  ) {
    self.name = name
    self.demultiplexer = demultiplexer
    self.reader = reader
    self.isSeekable = isSeekable
    self.needsFile = needsFile
    self.recognise = recognise
    self.mark = mark
  }

  /// A format that is known by fixed bytes at its beginning.
  init(
    _ name: String, ffmpeg demultiplexer: String?, isSeekable: Bool = true,
    needsFile: @escaping @Sendable (Beginning) -> String? = { _ in nil },
    beginsWith begins: @escaping @Sendable (Beginning) -> Bool
  ) {
    self.init(
      name, ffmpeg: demultiplexer, isSeekable: isSeekable, needsFile: needsFile,
      telling: {
        begins($0) ? .yes(name: name) : .no
      })
  }

  /// Whether what stands in front of it has to be taken away for its reader.
  package var isFoundByMark: Bool { mark?.isBeginning == true }

  /// All formats that are known. What is surer to be recognised comes first.
  package static let all: [SoundFormat] =
    [oggOpus, otherOgg, wav] + foreign

  /// What can be done about sound that ffmpeg would decode.
  package static let otherProgram =
    #"ffmpeg can: once it is installed, it is used by itself; or write this in the place of the source: exec ["ffmpeg", "-v", "error", "-i", "FILE", "-f", "wav", "-"]"#
}

extension SoundFormat: Equatable {
  package static func == (one: SoundFormat, other: SoundFormat) -> Bool { one.name == other.name }
}
