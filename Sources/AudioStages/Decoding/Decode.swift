internal import AudioCodecs
package import FluxGraph

/// The stage `decode`: turns bytes into samples, by what the bytes are.
package struct Decode: AudioDecoder {
  package static let description = StageDescription<Decode>(
    "decode",
    "Decodes WAV and Ogg Opus, told apart by their content, or raw samples; everything else through ffmpeg, where it is installed.",
    details: """
      A length that its writer could not know, as in WAV from a pipe, is no promise: all audio there is is used, and a notice tells \
      where it is less than was said (`shorter-than-said`). Ogg needs no mark of its end, and what goes on behind one is audio. A \
      tag, or rubbish of up to 64 KiB, in front of the sound is passed over (`passed-over`); what stands behind it and belongs to \
      it no more, such as another file, is told (`unread`). Of fields of a header that follow from others only those are believed. \
      Audio that is lost within, by a cut in the middle of a page or damage, is an error, behind all that could be decoded.

      MP3, MP4, AAC, FLAC, WebM, AMR, WMA and what else is recognised by its content is decoded by `ffmpeg`, if that is on the PATH; \
      a notice says so (`through-ffmpeg`). It is given that file alone, or a pipe: it opens no other file and no address. The first \
      of several soundtracks is used. What it complains is told as notices (`stderr`) and summed up at the end (`damaged`), for how \
      much sound is missing it does not say; so is a header that promises more than there is (`shorter-than-said`); both together are \
      an error, behind all that could be decoded. It is ended when nothing comes of it for half a minute. `native`, and `--strict`, forbid it.
      """,
    role: .decode(setting: "raw"),
    examples: [
      "file talk.wav | decode | flux | stdout", "stdin | decode raw=pcm(s16le, 16k, mono) | flux | stdout",
      "file talk.opus | decode native | flux | stdout",
    ]
  ) {
    Option("raw", \Decode.raw, "The format of samples without a header, such as `pcm(s16le, 16k, mono)`.")
    Option(
      "native", \Decode.native, "No other program is run: only WAV, Ogg Opus and raw samples are decoded.")
  }

  package var raw: AudioFormat?
  package var native = false
  private var wanted = AudioRequirement.any
  private var context: StageContext?
  private var decoder: (any SoundDecoder)?
  /// Bytes in front of the sound that were passed over, and those that are still to be.
  private var passedOver = 0
  private var stillToPass = 0
  private var hasLookedAtChannels = false

  package init() {}

  package var output: AudioStreamType {
    raw.map { AudioStreamType($0, liveness: .finite) } ?? AudioStreamType(liveness: .finite)
  }

  package mutating func prepare(wanted: AudioRequirement, _ context: StageContext) throws {
    self.wanted = wanted
    self.context = context
    if let raw { decoder = RawDecoder(raw) }
  }

  package mutating func decode(
    _ bytes: inout ByteBuffer, isLast: Bool, into audio: inout AudioBuffer
  ) throws -> DecodeProgress {
    if decoder == nil {
      decoder = try begin(&bytes, isLast: isLast)
      if decoder == nil { return .needsBytes }
    }
    let progress = try decoder?.decode(&bytes, isLast: isLast, into: &audio) ?? .finished
    if !hasLookedAtChannels, let channels = decoder?.channels { tellMix(of: channels) }
    if case .finished = progress { for remark in decoder?.remarks ?? [] { context?.notice(remark) } }
    return progress
  }

  /// A file can be looked at before it is read. One that ffmpeg is to decode is given to it as it is.
  package mutating func seek(to start: Duration, in bytes: any SeekableBytes) throws -> Bool {
    if decoder == nil {
      guard let found = try SoundProbe.find(bytes), case .sound(let format, let name) = found.kind else {
        return false
      }
      if found.isReadHere, let reader = format.reader, found.offset == 0, start > .zero {
        decoder = reader.decoder(wanted)
      } else if !found.isReadHere, let file = bytes.descriptor, let choice = try choice(format, name) {
        decoder = try choice.decoder(
          of: .file(file, start: start), behind: format.isFoundByMark ? found.offset : 0, wanted)
        return format.isSeekable || start == .zero
      } else {
        return false
      }
    }
    guard start > .zero else { return false }
    if try decoder?.seek(to: start, in: bytes) == true { return true }
    if raw == nil { decoder = nil }
    return false
  }

  package mutating func close() throws -> Bool { try decoder?.close() ?? true }

  /// The decoder of what the bytes are; nil when it takes more of them to tell.
  private mutating func begin(_ bytes: inout ByteBuffer, isLast: Bool) throws -> (any SoundDecoder)? {
    let passed = min(stillToPass, bytes.count)
    bytes.removeFirst(passed)
    stillToPass -= passed
    passedOver += passed
    if stillToPass > 0, !isLast { return nil }
    if bytes.isEmpty && isLast {
      throw StageError(.badInput, passedOver > 0 ? "it holds nothing but a tag" : "it is empty")
    }
    guard let found = bytes.withBytes({ SoundProbe.find($0, isWhole: isLast) }) else { return nil }
    switch found.kind {
    case .sound(let format, let name):
      if !found.isReadHere, let choice = try choice(format, name) {
        // Frames it finds by itself.
        if let problem = bytes.withBytes({ format.needsFile(Beginning($0, isAll: isLast)) }) {
          throw StageError(
            .badInput, problem, help: "Save it as a file, and write `file FILE` in the place of the source.")
        }
        return try choice.decoder(of: .pipe, behind: format.isFoundByMark ? found.offset : 0, wanted)
      }
      guard let reader = format.reader else { throw foreign(name) }
      bytes.removeFirst(found.offset)
      tellPassedOver(passedOver + found.offset)
      return reader.decoder(wanted)
    case .tag(let length):
      stillToPass = length
      return try begin(&bytes, isLast: isLast)
    default: throw Self.soundless(found.kind) ?? StageError(.badInput, "it holds no sound")
    }
  }

  /// Why something is no sound; nil where it is.
  static func soundless(_ kind: SoundProbe.Kind) -> StageError? {
    switch kind {
    case .text: StageError(.badInput, "it is text, not sound")
    case .other(let name): StageError(.badInput, "it is \(name), and no sound itself")
    case .unknown:
      StageError(
        .badInput, "it is neither WAV nor Ogg Opus, nor any other format known here",
        help:
          #"If it holds bare samples, say which: `decode raw=pcm(s16le, 16k, mono)`; if ffmpeg knows it, write this in the place of the source: exec ["ffmpeg", "-v", "error", "-i", "FILE", "-f", "wav", "-"]"#
      )
    case .playlist(let entry): playlist(entry)
    case .sound, .tag: nil
    }
  }

  /// The program that decodes a format; nil where there is none, or none is to be run.
  private func choice(_ format: SoundFormat, _ name: String) throws -> FFmpeg? {
    guard let context, !native, context.resource(NativeDecodingOnly.self) == nil else { return nil }
    return FFmpeg(format, name, context)
  }

  private func tellPassedOver(_ count: Int) {
    guard count > 0 else { return }
    context?.notice(
      Notice(
        "passed-over", "\(ByteCount(count)) stand in front of the sound, and were passed over",
        severity: .warning, details: [("bytes", JSONValue(count))]))
  }

  /// Two people on two channels are one garbled speaker on one.
  private mutating func tellMix(of channels: Int) {
    hasLookedAtChannels = true
    guard channels == 2, context?.resource(UnaskedMix.self) != nil else { return }
    context?.notice(
      Notice(
        "stereo-mixed",
        "it has two channels, which are mixed into one; where each has a speaker of its own, `flux channels=split` hears both, "
          + "and bills each"))
  }

  private static func playlist(_ entry: String?) -> StageError {
    let address = entry.flatMap { $0.utf8.allSatisfy { 0x20 < $0 && $0 < 0x7F && $0 != 0x22 } ? $0 : nil }
    return StageError(
      .badInput, "it is a list of addresses, and no sound itself",
      help: address.map {
        WebURL($0) == nil
          ? "Write what it names: `file \"\($0.hasPrefix("file:///") ? String($0.dropFirst(7)) : $0)\"`."
          : "Write what it names: `http \"\($0)\"`."
      } ?? "Write the address in it: `http URL`.")
  }

  private func foreign(_ name: String) -> StageError {
    let isStrict = context?.resource(NativeDecodingOnly.self) != nil
    return Self.foreign(name, forbiddenBy: native ? "`native`" : isStrict ? "`--strict`" : nil)
  }

  /// Formats others decode better: the answer says how they come to it.
  /// - Parameter forbiddenBy: what keeps other programs from being run.
  static func foreign(_ name: String, forbiddenBy: String?) -> StageError {
    StageError(
      .badInput, "it holds \(name), which is not decoded here",
      help: forbiddenBy.map { "ffmpeg can, but \($0) keeps it from being run." } ?? SoundFormat.otherProgram)
  }
}

/// Samples without a header.
private struct RawDecoder: SoundDecoder {
  private let format: AudioFormat
  private var hasBegun = false
  var channels: Int? { format.channels }

  init(_ format: AudioFormat) {
    self.format = format
  }

  mutating func decode(
    _ bytes: inout ByteBuffer, isLast: Bool, into audio: inout AudioBuffer
  ) throws -> DecodeProgress {
    if !hasBegun {
      audio.reset(format: format, capacity: 4096)
      hasBegun = true
    }
    let frames = min(bytes.count / format.bytesPerFrame, audio.freeFrames)
    // Less than a frame at the end is no sample.
    guard frames > 0 else { return isLast ? .finished : .needsBytes }
    let count = frames * format.bytesPerFrame
    bytes.withBytes { source in
      audio.append { room in
        room.copyMemory(from: UnsafeRawBufferPointer(rebasing: source[..<count]))
        return frames
      }
    }
    bytes.removeFirst(count)
    return .produced
  }

  mutating func seek(to start: Duration, in bytes: any SeekableBytes) throws -> Bool {
    try bytes.goOn(
      at: min(format.frames(in: start), bytes.length / format.bytesPerFrame) * format.bytesPerFrame)
    return true
  }
}
