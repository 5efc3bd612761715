package import AudioCodecs
internal import FluxGraph
internal import Glibc

/// The program that tells how long a sound is that is not decoded here. As little is left to what it is given as with `FFmpeg`.
package struct FFprobe {
  /// How long it may take.
  private static let patience = Duration.seconds(5)
  /// More than what it is asked takes to say.
  private static let mostOutput = 4096

  private let program: String
  private let demultiplexer: String

  /// Nil where it is not installed, or does not know the format.
  init?(_ format: SoundFormat) {
    guard let demultiplexer = format.demultiplexer, let program = programPath(of: "ffprobe") else {
      return nil
    }
    self.program = program
    self.demultiplexer = demultiplexer
  }

  /// Blocks.
  /// - Returns: nil where it says nothing, or takes too long.
  func length(of file: any SeekableBytes) -> SoundLength? {
    guard let descriptor = file.descriptor else { return nil }
    let words = [
      program, "-hide_banner", "-loglevel", "quiet", "-f", demultiplexer, "-protocol_whitelist", "file",
      "-select_streams", "a:0",
      "-show_entries", "format=duration:stream=channels", "-of", "flat", "-i", "file:/proc/self/fd/0",
    ]
    guard
      let child = try? ChildProcess(
        words, directory: "/", environment: FFmpeg.environment, input: .file(descriptor))
    else { return nil }
    return Self.length(in: output(of: child))
  }

  private func output(of child: ChildProcess) -> String {
    let end = Instant.now().advanced(by: Self.patience)
    var text: [UInt8] = []
    var room = [UInt8](repeating: 0, count: Self.mostOutput)
    while text.count < Self.mostOutput {
      let left = end.duration(since: .now()).seconds
      var entry = pollfd(fd: child.output, events: Int16(POLLIN), revents: 0)
      guard left > 0, poll(&entry, 1, Int32(max(1, left * 1000))) != 0 else { break }
      switch room.withUnsafeMutableBytes(child.read) {
      case .bytes(let count): text += room[..<count]
      case .notNow: continue
      case .end, .failed: return String(decoding: text, as: UTF8.self)
      }
    }
    return String(decoding: text, as: UTF8.self)
  }

  /// Reads `streams.stream.0.channels=2` and `format.duration="3.014000"`.
  package static func length(in text: String) -> SoundLength? {
    var values: [Substring: Substring] = [:]
    for line in text.split(separator: "\n") {
      guard let equals = line.firstIndex(of: "=") else { continue }
      values[line[..<equals]] = line[line.index(after: equals)...].trimmingPrefix { $0 == "\"" }.prefix {
        $0 != "\""
      }
    }
    guard let seconds = values["format.duration"].flatMap({ Double($0) }), seconds.isFinite, seconds >= 0,
      let channels = values["streams.stream.0.channels"].flatMap({ Int($0) }), channels > 0
    else { return nil }
    return SoundLength(seconds: seconds, channels: channels)
  }
}
