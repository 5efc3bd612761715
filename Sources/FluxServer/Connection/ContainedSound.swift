import AudioCodecs
import FluxGraph

/// A container of sound a client sends, decoded to one channel of 16-bit samples.
///
/// Unchecked: it belongs to one connection, which is on one thread.
final class ContainedSound: @unchecked Sendable {
  private var decoder: any SoundDecoder
  /// What a decoder may ask to see before it takes something: an Ogg page is at most 65,307 bytes.
  private var bytes = ByteBuffer(capacity: 1 << 17)
  private var audio = AudioBuffer(
    format: AudioFormat(.s16le, rate: AudioClock.rate, channels: 1), capacity: 0)
  /// Samples in a second of what is decoded; nil as long as that is not known.
  private(set) var rate: Int?

  init(_ format: SoundFormat) {
    guard let reader = format.reader else { preconditionFailure("\(format.name) is not read here") }
    decoder = reader.decoder(AudioRequirement(sample: .s16le, rate: AudioClock.rate, channels: 1))
  }

  func decode(_ given: RawSpan, isLast: Bool) throws(ListenAudioError) -> [Int16] {
    var samples: [Int16] = []
    var taken = 0
    do {
      while true {
        bytes.append { room in
          let count = min(room.count, given.byteCount - taken)
          given.withUnsafeBytes { room.copyBytes(from: $0[taken..<(taken + count)]) }
          taken += count
          return count
        }
        let before = bytes.count
        let progress = try decoder.decode(&bytes, isLast: isLast && taken == given.byteCount, into: &audio)
        if !audio.isEmpty {
          rate = audio.format.rate
          appendMixed(to: &samples)
          guard samples.count <= ListenAudio.mostSeconds * audio.format.rate else {
            throw ListenAudioError.tooLong
          }
          audio.removeAll()
          continue
        }
        if case .produced = progress { continue }
        // A decoder that takes nothing of all that fits waits for more.
        if progress == .finished || taken == given.byteCount && bytes.count == before
          || bytes.count == before && bytes.free == 0
        {
          return samples
        }
      }
    } catch let error as ListenAudioError {
      throw error
    } catch {
      throw .badContainer((error as? StageError)?.message ?? "\(error)")
    }
  }

  private func appendMixed(to samples: inout [Int16]) {
    let (channels, sample) = (audio.format.channels, audio.format.sample)
    audio.withBytes { bytes in
      if sample == .s16le {
        let integers = bytes.bindMemory(to: Int16.self)
        for frame in stride(from: 0, to: integers.count, by: channels) {
          samples.append(Int16(integers[frame..<(frame + channels)].reduce(0) { $0 + Int($1) } / channels))
        }
      } else {
        let floats = bytes.bindMemory(to: Float.self)
        for frame in stride(from: 0, to: floats.count, by: channels) {
          let mean = floats[frame..<(frame + channels)].reduce(0, +) / Float(channels)
          samples.append(Int16(max(-32_768, min(32_767, (mean * 32_768).rounded()))))
        }
      }
    }
  }
}
