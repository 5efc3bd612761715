internal import AudioCodecs
package import FluxGraph

/// How long a sound file is, as its header and its last pages tell: nothing is decoded.
package struct SoundFile: Sendable, Hashable {
  package var seconds: Double
  package var channels: Int

  /// More than any header before the samples but those with pictures in them.
  private static let headerStep = 1 << 20

  /// - Parameter raw: the format of a file without a header.
  /// - Returns: nil for what has no end that can be found so: a pipe, a stream that was written without its length, another format.
  /// - Throws: `StageError` when the file cannot be opened or read.
  package init?(path: String, raw: AudioFormat?) throws(StageError) {
    let file = try FileDescriptor(opening: path)
    guard let size = file.size else { return nil }
    if let raw {
      self.init(seconds: Double(size / raw.bytesPerFrame) / Double(raw.rate), channels: raw.channels)
      return
    }
    let head = try file.bytes(at: 0, count: Sniffer.enough)
    let found = head.withUnsafeBytes { Sniffer.find($0, isWhole: head.count < Sniffer.enough) }
    // What does not begin with its beginning is read from the front, and its length seen then.
    guard let found, found.offset == 0 else { return nil }
    switch found.kind {
    case .wav:
      guard let format = try Self.waveFormat(file) else { return nil }
      let there = max(0, size - format.dataOffset) / format.frameSize
      self.init(
        seconds: Double(min(format.frames ?? there, there)) / Double(format.rate), channels: format.channels)
    case .oggOpus:
      var seeker = OggOpusSeeker<StageError>(length: size) { offset, count throws(StageError) in
        try file.bytes(at: offset, count: count)
      }
      guard let length = try seeker.total() else { return nil }
      self.init(seconds: Double(length.samples) / 48_000, channels: length.channels)
    default: return nil
    }
  }

  private init(seconds: Double, channels: Int) {
    self.seconds = seconds
    self.channels = channels
  }

  private static func waveFormat(_ file: borrowing FileDescriptor) throws(StageError) -> WAVFormat? {
    var reader = WAVReader()
    var none: [Float] = []
    var offset = 0
    while offset < WAVReader.headerLimit {
      let bytes = try file.bytes(at: offset, count: headerStep)
      if bytes.isEmpty { return nil }
      var room = none.mutableSpan
      guard let taken = try? reader.read(bytes.span.bytes, into: &room) else { return nil }
      // With no room for samples, reading stops where they begin.
      if let format = reader.format, format.dataOffset > 0 { return format }
      offset += taken.consumed
    }
    return nil
  }
}
