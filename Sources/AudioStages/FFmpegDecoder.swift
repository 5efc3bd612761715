internal import AudioCodecs
package import FluxGraph
internal import Glibc

/// Sound on its way through ffmpeg: encoded in, WAV out.
package final class FFmpegDecoder: SoundDecoder {
  /// How long it may take to give something, with something to do.
  static let patience = Duration.seconds(30)

  private let context: StageContext
  private var child: ChildProcess?
  private var complaints = ChildComplaints(name: "ffmpeg", tidied: FFmpegDecoder.tidied)
  private var ending = ChildEnd()
  /// What has come of it, as a WAV file whose length nobody knows.
  private var samples = ByteBuffer(capacity: 1 << 16)
  private var wave: WAVDecoder
  private var outputEnded = false
  /// Sound in front of what is wanted.
  private let surplus: Duration
  private var surplusFrames: Int?
  /// Since when it gives nothing.
  private var idleSince: Instant?
  private var isWatched = false

  /// - Parameter surplus: what is thrown away at the beginning.
  package init(_ child: ChildProcess, surplus: Duration, _ wanted: AudioRequirement, _ context: StageContext)
  {
    self.child = child
    self.surplus = surplus
    self.context = context
    wave = WAVDecoder(wanted: wanted)
  }

  package var channels: Int? { wave.channels }

  package func decode(_ bytes: inout ByteBuffer, isLast: Bool, into audio: inout AudioBuffer) throws
    -> DecodeProgress
  {
    guard let child else { return .finished }
    complaints.read(from: child, context)
    try feed(child, &bytes, isLast: isLast)
    while !outputEnded {
      if try take(into: &audio, isLast: false) { return .produced }
      switch try read(child) {
      case .produced: idleSince = nil
      case .finished:
        outputEnded = true
        child.closeOutput()
        child.closeInput()
      case .waiting, .restarted:
        context.wakeWhenReadable(child.output)
        if child.errors >= 0 { context.wakeWhenReadable(child.errors) }
        if bytes.isEmpty && !isLast {
          // What it was given may be too little for a sample.
          idleSince = nil
          return .needsBytes
        }
        try watch(child)
        return .waiting
      }
    }
    // What it gave before it failed is sound.
    if try take(into: &audio, isLast: false) { return .produced }
    guard let exit = child.poll() else {
      ChildEnd.wakeSoon(context)
      return .waiting
    }
    complaints.read(from: child, context)
    guard exit == .code(0) else { throw failure(exit) }
    if wave.channels == nil, samples.isEmpty { throw StageError(.badInput, "ffmpeg finds no sound in it") }
    if try take(into: &audio, isLast: true) { return .produced }
    self.child = nil
    return .finished
  }

  /// Gives it as much as it takes.
  private func feed(_ child: ChildProcess, _ bytes: inout ByteBuffer, isLast: Bool) throws {
    guard child.input >= 0 else {
      // A file it reads by itself, or it has read enough.
      bytes.removeAll()
      return
    }
    while !bytes.isEmpty {
      let count = bytes.withBytes { Glibc.write(child.input, $0.baseAddress, $0.count) }
      if count < 0 && errno == EINTR { continue }
      if count < 0 && errno == EAGAIN {
        context.wakeWhenWritable(child.input)
        return
      }
      guard count > 0 else {
        child.closeInput()
        bytes.removeAll()
        return
      }
      bytes.removeFirst(count)
    }
    if isLast { child.closeInput() }
  }

  /// Whether there are samples to be had of what has come.
  private func take(into audio: inout AudioBuffer, isLast: Bool) throws -> Bool {
    while case .produced = try decodeWAV(isLast: isLast, into: &audio) {
      let left = surplusFrames ?? audio.format.frames(in: surplus)
      let dropped = min(left, audio.frameCount)
      surplusFrames = left - dropped
      if dropped > 0 {
        let position = audio.position
        audio.removeFirst(dropped)
        audio.position = position
      }
      if !audio.isEmpty { return true }
    }
    return false
  }

  private func decodeWAV(isLast: Bool, into audio: inout AudioBuffer) throws -> DecodeProgress {
    do {
      return try wave.decode(&samples, isLast: isLast, into: &audio)
    } catch {
      throw StageError(.unavailable, "what ffmpeg gives is no sound\(said)")
    }
  }

  private func read(_ child: ChildProcess) throws -> SourceProgress {
    var count = 0
    var problem: Int32 = 0
    samples.append { room in
      repeat {
        count = Glibc.read(child.output, room.baseAddress, room.count)
        problem = errno
      } while count < 0 && problem == EINTR
      return max(0, count)
    }
    if count > 0 { return .produced }
    if count == 0 { return .finished }
    if problem == EAGAIN { return .waiting }
    throw StageError(.inputOutput, "cannot read from ffmpeg: \(String(cString: strerror(problem)))")
  }

  /// Ends it when nothing has come of it for too long, and looks again when that is.
  private func watch(_ child: ChildProcess) throws {
    let now = context.clock.now()
    let since = idleSince ?? now
    idleSince = since
    guard now.duration(since: since) < Self.patience else {
      child.kill()
      throw StageError(
        .unavailable, "ffmpeg has given nothing for \(Self.patience.unitText)\(said)",
        help: "What it is given may be damaged in a way that keeps it busy.")
    }
    guard !isWatched else { return }
    isWatched = true
    _ = context.loop.schedule(at: since.advanced(by: Self.patience)) { [context] in context.wake() }
  }

  private func failure(_ exit: ChildProcess.Exit) -> StageError {
    if complaints.first?.contains("does not contain any stream") == true {
      return StageError(.badInput, "it holds no sound")
    }
    if case .code = exit { return StageError(.badInput, "ffmpeg cannot decode it\(said)") }
    return StageError(.unavailable, "ffmpeg ended \(exit)\(said)")
  }

  /// Its first complaint names the cause; what follows from it comes behind.
  private var said: String { complaints.first.map { ", saying: \($0)" } ?? "" }

  /// A line without the place in its memory, `[mov @ 0x55…] `, and the name it knows its input by.
  private static func tidied(_ line: String) -> String {
    var line = line[...]
    if line.hasPrefix("["), let end = line.firstRange(of: "] "), line[..<end.lowerBound].contains(" @ 0x") {
      line = line[end.upperBound...]
    }
    for input in ["file:/proc/self/fd/0: ", "pipe:0: "] where line.hasPrefix(input) {
      line = line.dropFirst(input.count)
    }
    return String(line)
  }

  package func seek(to start: Duration, in bytes: any SeekableBytes) throws -> Bool { true }

  package func close() throws -> Bool {
    guard let child else { return true }
    child.closeAll()
    guard ending.end(child, context) != nil else { return false }
    self.child = nil
    return true
  }
}
