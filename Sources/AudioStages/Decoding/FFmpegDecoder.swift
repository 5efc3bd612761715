internal import AudioCodecs
package import FluxGraph
internal import Glibc

/// Sound on its way through ffmpeg: encoded in, WAV out.
package final class FFmpegDecoder: SoundDecoder {
  /// How long it may take to give something, with something to do.
  static let patience = Duration.seconds(30)
  /// How often it is looked at while it gives nothing: it may have ended, and left its output to what it had started.
  private static let look = Duration.seconds(1)
  /// What a header may promise beyond what there is, by rounding and by what encoders put in front.
  private static let tolerance = (share: 0.02, seconds: 0.5)

  private let context: StageContext
  private var child: ChildProcess?
  private let report: FFmpegReport
  private var complaints: ChildComplaints
  private var ending = ChildEnd()
  /// What has come of it, as a WAV file whose length nobody knows.
  private var samples = ByteBuffer(capacity: 1 << 16)
  private var wave: WAVDecoder
  private var outputEnded = false
  /// Sound in front of what is wanted; nil where all is.
  private let surplus: Duration?
  private var surplusFrames: Int?
  /// Seconds given.
  private var given = 0.0
  /// Since when it gives nothing.
  private var idleSince: Instant?
  private var nextLook = Instant(nanoseconds: .min)

  /// - Parameter surplus: what is thrown away at the beginning; nil when it was given all of the sound.
  package init(_ child: ChildProcess, surplus: Duration?, _ wanted: AudioRequirement, _ context: StageContext)
  {
    let report = FFmpegReport()
    self.child = child
    self.surplus = surplus
    self.context = context
    self.report = report
    complaints = ChildComplaints(name: "ffmpeg", tidied: report.take)
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
      switch try child.read(into: &samples, name: "ffmpeg") {
      case .produced: idleSince = nil
      case .finished: endOutput(child)
      case .waiting, .restarted:
        if child.poll() != nil {
          // All it gave is here. What it has left behind has ended with it.
          endOutput(child)
          continue
        }
        context.wakeWhenReadable(child.output)
        if child.errors >= 0 { context.wakeWhenReadable(child.errors) }
        let hasNothingToDo = bytes.isEmpty && !isLast && child.input >= 0
        try watch(child, isIdle: !hasNothingToDo)
        return hasNothingToDo ? .needsBytes : .waiting
      }
    }
    // What it gave before it failed is sound.
    if try take(into: &audio, isLast: false) { return .produced }
    complaints.read(from: child, context)
    guard let exit = ending.endSoon(child, context) else { return .waiting }
    complaints.read(from: child, context)
    guard exit == .code(0) else { throw failure(exit) }
    if wave.channels == nil, samples.isEmpty {
      throw StageError(.badInput, "ffmpeg finds no sound in it\(said)")
    }
    if try take(into: &audio, isLast: true) { return .produced }
    self.child = nil
    if report.complaints > 0, let shortfall {
      throw StageError(
        .badInput,
        "it is damaged: ffmpeg has complained \(Self.times(report.complaints)), and \(shortfall.text); all that could be decoded was used"
      )
    }
    return .finished
  }

  /// What may be missing: damage is not counted in samples by another program.
  package var remarks: [Notice] {
    var remarks: [Notice] = []
    if report.complaints > 0, !report.hasOtherStreams {
      remarks.append(
        Notice(
          "damaged",
          "ffmpeg has complained \(Self.times(report.complaints)) of what it was given; where it did, sound may be missing",
          severity: .warning, details: [("complaints", JSONValue(report.complaints))]))
    }
    if let shortfall {
      remarks.append(
        Notice(
          "shorter-than-said", "\(shortfall.text); all that is there was used", severity: .warning,
          details: [("seconds", JSONValue(shortfall.seconds, digits: 3))]))
    }
    return remarks
  }

  private static func times(_ count: Int) -> String { count == 1 ? "once" : "\(count) times" }

  /// How much less there was than the header promises; nil where it was not less, and where not all was asked for.
  private var shortfall: (seconds: Double, text: String)? {
    guard surplus == nil, let promised = report.promised,
      promised - given > max(Self.tolerance.seconds, promised * Self.tolerance.share)
    else { return nil }
    return (
      promised - given,
      "its header promises \(fixedText(promised, digits: 2)) s of sound, and there are \(fixedText(given, digits: 2)) s"
    )
  }

  private func endOutput(_ child: ChildProcess) {
    outputEnded = true
    child.closeOutput()
    child.closeInput()
  }

  /// Gives it as much as it takes.
  private func feed(_ child: ChildProcess, _ bytes: inout ByteBuffer, isLast: Bool) throws {
    guard child.input >= 0 else {
      // A file it reads by itself, or it has read enough.
      bytes.removeAll()
      return
    }
    while !bytes.isEmpty {
      switch bytes.withBytes(child.write) {
      case .bytes(let count): bytes.removeFirst(count)
      case .notNow: return context.wakeWhenWritable(child.input)
      case .failed, .end:
        child.closeInput()
        return bytes.removeAll()
      }
    }
    if isLast { child.closeInput() }
  }

  /// Whether there are samples to be had of what has come.
  private func take(into audio: inout AudioBuffer, isLast: Bool) throws -> Bool {
    while case .produced = try decodeWAV(isLast: isLast, into: &audio) {
      given += Double(audio.frameCount) / Double(audio.format.rate)
      let left = surplusFrames ?? audio.format.frames(in: surplus ?? .zero)
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

  /// Ends it when nothing has come of it for too long, and has it looked at again soon.
  private func watch(_ child: ChildProcess, isIdle: Bool) throws {
    let now = context.clock.now()
    // What it was given may be too little for a sample.
    let since = isIdle ? idleSince ?? now : now
    idleSince = since
    guard now.duration(since: since) < Self.patience else {
      child.kill()
      throw StageError(
        .unavailable, "ffmpeg has given nothing for \(Self.patience.unitText)\(said)",
        help: "What it is given may be damaged in a way that keeps it busy.")
    }
    // One look is enough to be on its way.
    guard now >= nextLook else { return }
    nextLook = now.advanced(by: Self.look)
    _ = context.loop.schedule(at: nextLook) { [context] in context.wake() }
  }

  private func failure(_ exit: ChildProcess.Exit) -> StageError {
    if complaints.first?.contains("does not contain any stream") == true {
      return StageError(.badInput, "it holds no sound")
    }
    if ending.hasAsked { return StageError(.unavailable, "ffmpeg closed its output, and did not end\(said)") }
    if case .code = exit {
      return StageError(.badInput, "ffmpeg cannot decode it" + (said.isEmpty ? ": it ended \(exit)" : said))
    }
    return StageError(.unavailable, "ffmpeg ended \(exit)\(said)")
  }

  /// Its first complaint names the cause; what follows from it comes behind.
  private var said: String { complaints.first.map { ", saying: \($0)" } ?? "" }

  package func seek(to start: Duration, in bytes: any SeekableBytes) throws -> Bool { true }

  package func close() throws -> Bool {
    guard let child else { return true }
    child.closeAll()
    guard ending.end(child, context) != nil else { return false }
    self.child = nil
    return true
  }
}
