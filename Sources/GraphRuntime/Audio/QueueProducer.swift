internal import FluxGraph

/// Samples from the queue of a branch. Blocks the queue had to drop become silence of the same length, and a notice.
final class QueueProducer: AudioProducer {
  private let queue: AudioQueue
  private let context: StageContext
  /// The position the next block should have. The stream begins at 0, even if its beginning was dropped.
  private var expected: Int64 = 0
  /// Frames of silence still to be given for a gap.
  private var silence: Int64 = 0
  /// The block behind a gap.
  private var held = AudioBuffer(format: AudioFormat(.f32le, rate: 1, channels: 1), capacity: 0)

  init(_ queue: AudioQueue, _ context: StageContext) {
    self.queue = queue
    self.context = context
  }

  override func begin(_ now: Instant) throws -> Output? {
    // The failure, if there was one, is told by the chain in front.
    if queue.neverOpens { throw EndOfInterest() }
    guard queue.isOpen else { return nil }
    held.reset(format: queue.format, capacity: queue.slotFrames)
    return Output(format: queue.format, blockFrames: queue.slotFrames)
  }

  override func pull(_ audio: inout AudioBuffer, _ now: Instant) throws -> SourceProgress {
    if silence == 0 && held.isEmpty {
      let result = queue.pop { bytes, frames, position, captureTime in
        held.position = position
        held.captureTime = captureTime
        held.append { room in
          room.copyMemory(from: bytes)
          return frames
        }
      }
      switch result {
      case .empty: return .waiting
      case .ended: return .finished
      case .block: break
      }
      if held.position > expected {
        silence = held.position - expected
        context.notice(
          Notice(
            "gap",
            "\(fixedText(Double(silence) / Double(queue.format.rate), digits: 2)) s of audio were dropped because "
              + "this branch did not keep up; they are replaced by silence",
            severity: .warning,
            details: [
              ("seconds", JSONValue(Double(silence) / Double(queue.format.rate), digits: 3)),
              ("from", JSONValue(Double(expected) / Double(queue.format.rate), digits: 3)),
            ], loss: .init(audio: Double(silence) / Double(queue.format.rate))))
      }
      expected = held.endPosition
    }
    if silence > 0 {
      let frames = audio.appendSilence(Int(min(silence, Int64(queue.slotFrames))))
      silence -= Int64(frames)
      return .produced
    }
    audio.captureTime = held.captureTime
    audio.append(held)
    held.removeAll()
    return .produced
  }

  override func stop() {}
  override var hasSource: Bool { false }
  override func close() throws -> Bool {
    queue.close()
    return true
  }
}
