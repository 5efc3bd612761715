internal import AudioCodecs
internal import FluxGraph
internal import Glibc

/// The files of a recording, one after the other without a gap. Used on the disk thread, after the first file was opened.
final class RecordingFiles {
  struct Settings {
    var format: AudioFormat
    /// The path of a file, by its number and the seconds of the recording before it.
    var path: @Sendable (_ number: Int, _ start: Double) -> String
    var mayOverwrite: Bool
    /// The most frames in a file.
    var frameLimit: Int
  }

  private let settings: Settings
  private var descriptor: Int32 = -1
  private var path = ""
  private var recording: WAVRecording
  private var number = 0
  private var frames = 0
  private var announced = 0
  private var used: Set<String> = []

  /// Opens the first file.
  init(_ settings: Settings) throws {
    self.settings = settings
    recording = Self.empty(settings.format)
    try openNext()
  }

  deinit {
    if descriptor >= 0 { close(descriptor) }
  }

  private static func empty(_ format: AudioFormat) -> WAVRecording {
    WAVRecording(
      rate: format.rate, channels: format.channels, samples: format.sample == .s16le ? .s16 : .f32)
  }

  /// Appends whole frames, and brings the header up to date every second of audio.
  func append(_ bytes: UnsafeRawBufferPointer) throws {
    var rest = bytes
    while !rest.isEmpty {
      if recording.dataLength / recording.frameSize >= settings.frameLimit {
        try finish()
        try openNext()
      }
      let room = settings.frameLimit - recording.dataLength / recording.frameSize
      let count = room > rest.count / recording.frameSize ? rest.count : room * recording.frameSize
      let piece = UnsafeRawBufferPointer(rebasing: rest[..<count])
      let written = write(piece, at: recording.end)
      let problem = errno
      recording.append(written)
      frames += written / recording.frameSize
      guard written == piece.count else {
        // What is whole stays readable.
        try? refresh()
        throw failure("cannot write", problem)
      }
      rest = UnsafeRawBufferPointer(rebasing: rest[piece.count...])
    }
    if recording.dataLength - announced >= recording.rate * recording.frameSize { try refresh() }
  }

  /// Completes the last file.
  func finish() throws {
    guard descriptor >= 0 else { return }
    defer {
      close(descriptor)
      descriptor = -1
    }
    try refresh()
  }

  private func refresh() throws {
    let header = recording.header
    let written = header.withUnsafeBytes { write($0, at: 0) }
    guard written == header.count else { throw failure("cannot write", errno) }
    announced = recording.dataLength
  }

  private func openNext() throws {
    number += 1
    let start = Double(frames) / Double(settings.format.rate)
    path = unused(settings.path(number, start))
    makeDirectories()
    let ifThere = settings.mayOverwrite ? O_TRUNC : O_EXCL
    descriptor = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | ifThere, 0o666)
    guard descriptor >= 0 else {
      if errno == EEXIST {
        throw StageError(
          .inputOutput, "\(path) exists already",
          help: "Give it another name, such as one with {date} and {clock}, or write `overwrite`.")
      }
      throw failure("cannot write", errno)
    }
    recording = Self.empty(settings.format)
    try refresh()
  }

  /// A name that comes again within the recording gets the file's number before its ending.
  private func unused(_ path: String) -> String {
    guard !used.insert(path).inserted else { return path }
    let slash = path.lastIndex(of: "/") ?? path.startIndex
    let dot = path[slash...].lastIndex(of: ".") ?? path.endIndex
    return unused(path[..<dot] + "-\(number)" + path[dot...])
  }

  private func makeDirectories() {
    var end = path.startIndex
    while let slash = path[end...].firstIndex(of: "/") {
      if slash > path.startIndex { mkdir(String(path[..<slash]), 0o777) }
      end = path.index(after: slash)
    }
  }

  /// Bytes written, all of them unless there was a problem, which `errno` then names.
  private func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) -> Int {
    var done = 0
    while done < bytes.count {
      let count = pwrite(descriptor, bytes.baseAddress! + done, bytes.count - done, offset + done)
      if count < 0 && errno == EINTR { continue }
      if count <= 0 { break }
      done += count
    }
    return done
  }

  private func failure(_ what: String, _ code: Int32) -> StageError {
    StageError(
      .inputOutput,
      "\(what) \(path): \(String(cString: strerror(code))); the \(positionText(Double(frames) / Double(settings.format.rate))) recorded so far can be played"
    )
  }
}
