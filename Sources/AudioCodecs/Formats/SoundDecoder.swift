package import FluxGraph

/// Decodes one format of sound, as its declaration in `SoundFormat` says.
package protocol SoundDecoder {
  /// As `AudioDecoder.decode`.
  mutating func decode(_ bytes: inout ByteBuffer, isLast: Bool, into audio: inout AudioBuffer) throws
    -> DecodeProgress
  /// What the user should know of what was decoded. At the end.
  var remarks: [Notice] { get }
  /// The channels of what is decoded; nil as long as they are not known.
  var channels: Int? { get }
  /// As `AudioDecoder.seek`; without a change when it returns false.
  mutating func seek(to start: Duration, in bytes: any SeekableBytes) throws -> Bool
  /// As `AudioDecoder.close`.
  mutating func close() throws -> Bool
}

extension SoundDecoder {
  package var remarks: [Notice] { [] }
  package mutating func close() throws -> Bool { true }
}

/// How long a sound is, as its header and its end tell: nothing is decoded.
package struct SoundLength: Sendable, Hashable {
  package var seconds: Double
  package var channels: Int

  package init(seconds: Double, channels: Int) {
    self.seconds = seconds
    self.channels = channels
  }
}
