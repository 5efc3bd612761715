internal import AudioCodecs
internal import FluxGraph
internal import Glibc

/// The files of a recording, one after the other without a gap. Used on the disk thread, after the first file was opened.
final class RecordingFiles {
  struct Settings {
    var format: AudioFormat
    /// The path of a file, by the seconds of the recording before it.
    var path: @Sendable (_ start: Double) -> String
    var mayOverwrite: Bool
    /// The most frames in a file.
    var frameLimit: Int
  }

  private let settings: Settings
  private let context: StageContext
  /// Called with the path of each file before it is opened.
  private let opening: (String) -> Void
  /// nil between two files.
  private var file: OutputFile?
  private var path = ""
  private var recording: WAVRecording
  private var frames = 0
  private var announced = 0
  private var used: Set<String> = []

  /// Opens the first file.
  init(
    _ settings: Settings, _ context: StageContext, opening: @escaping (String) -> Void
  ) throws(StageError) {
    self.settings = settings
    self.opening = opening
    self.context = context
    recording = Self.empty(settings.format)
    try open(settings.path(0), settings.mayOverwrite ? .replacing : .new)
  }

  private static func empty(_ format: AudioFormat) -> WAVRecording {
    WAVRecording(
      rate: format.rate, channels: format.channels, samples: format.sample == .s16le ? .s16 : .f32)
  }

  /// Appends whole frames, and brings the header up to date every second of audio.
  /// - Returns: how many bytes were taken, in whole frames, and what was wrong with the next one. What is written stays playable;
  ///   the rest can be given again.
  func append(_ bytes: UnsafeRawBufferPointer) -> (taken: Int, problem: StageError?) {
    var taken = 0
    do throws(StageError) {
      while taken < bytes.count {
        let file = try current()
        let room = settings.frameLimit - recording.dataLength / recording.frameSize
        let count = min((bytes.count - taken) / recording.frameSize, room) * recording.frameSize
        let piece = UnsafeRawBufferPointer(rebasing: bytes[taken..<(taken + count)])
        let (written, problem) = file.write(piece, at: recording.end)
        let before = recording.dataLength
        recording.append(written)
        taken += recording.dataLength - before
        frames += (recording.dataLength - before) / recording.frameSize
        if let problem {
          // What is whole stays readable.
          try? refresh(file)
          throw failure(problem)
        }
      }
      if recording.dataLength - announced >= recording.rate * recording.frameSize {
        try refresh(try current())
      }
      return (taken, nil)
    } catch {
      return (taken, error)
    }
  }

  /// Completes the last file.
  func finish() -> StageError? {
    guard let file else { return nil }
    do throws(StageError) {
      try refresh(file)
      self.file = nil
      return nil
    } catch {
      return error
    }
  }

  /// The file that is written to: another one when it is full, or has been moved away.
  private func current() throws(StageError) -> OutputFile {
    if let file {
      if recording.dataLength / recording.frameSize < settings.frameLimit {
        guard file.isRegular, recording.dataLength - announced >= recording.rate * recording.frameSize / 4,
          file.isMoved
        else { return file }
        return try replace(file)
      }
      try refresh(file)
      self.file = nil
    }
    let next = settings.path(Double(frames) / Double(settings.format.rate))
    return try open(unused(next), settings.mayOverwrite ? .replacing : .new)
  }

  /// Goes on elsewhere than in a file that somebody has moved away, which is completed, or deleted.
  private func replace(_ moved: OutputFile) throws(StageError) -> OutputFile {
    try? refresh(moved)
    let old = path
    let opened = try open(access(old, F_OK) == 0 ? unused(old) : old, .new)
    context.notice(
      Notice(
        "moved", "\(old) was moved, deleted or replaced; the recording goes on in \(path)",
        severity: .warning))
    return opened
  }

  private func refresh(_ file: OutputFile) throws(StageError) {
    let header = recording.header
    let problem = header.withUnsafeBytes { file.write($0, at: 0) }.problem
    if let problem { throw failure(problem) }
    announced = recording.dataLength
  }

  @discardableResult
  private func open(_ path: String, _ opening: OutputFile.Opening) throws(StageError) -> OutputFile {
    self.opening(path)
    let opened = try context.files.open(path, opening)
    recording = Self.empty(settings.format)
    announced = 0
    file = opened
    self.path = path
    used.insert(path)
    try refresh(opened)
    return opened
  }

  /// A name that comes again within the recording, or that somebody else has taken, gets a number before its ending.
  private func unused(_ wanted: String) -> String {
    var (path, number) = (wanted, 1)
    // `overwrite` is for the name that was given, not for those it is given a number.
    while used.contains(path) || !context.files.take(path)
      || (!settings.mayOverwrite || number > 1) && access(path, F_OK) == 0
    {
      number += 1
      path = numbered(wanted, number)
    }
    return path
  }

  private func failure(_ error: FileError) -> StageError {
    guard frames > 0 else { return StageError(.inputOutput, "\(error)") }
    let position = positionText(Double(frames) / Double(settings.format.rate))
    return StageError(
      .inputOutput, "\(error); the \(position) recorded so far can be played")
  }
}
