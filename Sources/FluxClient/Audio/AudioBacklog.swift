/// The latest audio of a session, by position: what has not been sent yet, and what may have to be sent again. It takes memory piece
/// by piece as it fills, and gives all but one piece back as it empties; beyond its limit the oldest audio gives way.
struct AudioBacklog {
  /// The frames held, counted from the stream's first.
  private(set) var start: Int64 = 0
  private(set) var end: Int64 = 0
  private let frameSize: Int
  private let silence: UInt8
  private let limit: Int
  /// The frames of a piece of memory.
  private let step: Int64
  /// The pieces, in the order of their audio: frame n lies in the one with the number n / step.
  private var pieces: [[UInt8]] = []
  /// The number of the first piece.
  private var first: Int64 = 0
  /// A piece that was given back, for the next: chunk by chunk, one is taken and given back all the time.
  private var spare: [UInt8]?

  /// - Parameters:
  ///   - frameSize: bytes in a frame.
  ///   - silence: the byte silence consists of.
  ///   - limit: the most frames held.
  ///   - step: the frames memory is taken for at a time.
  init(frameSize: Int, silence: UInt8, limit: Int, step: Int) {
    self.frameSize = max(1, frameSize)
    self.silence = silence
    self.limit = max(1, limit)
    self.step = Int64(max(1, min(step, limit)))
  }

  /// Bytes of memory in use.
  var allocatedBytes: Int { (pieces.count + (spare == nil ? 0 : 1)) * Int(step) * frameSize }

  /// Appends whole frames.
  mutating func append(_ bytes: UnsafeRawBufferPointer) {
    let given = bytes.count / frameSize
    let frames = min(given, limit)
    skip(Int64(given - frames))
    let (from, size) = ((given - frames) * frameSize, frameSize)
    extend(frames) { piece, done in
      piece.copyMemory(
        from: UnsafeRawBufferPointer(rebasing: bytes[(from + done * size)...].prefix(piece.count)))
    }
  }

  /// Appends silence.
  mutating func appendSilence(frames given: Int64) {
    guard given > 0 else { return }
    let frames = Int(min(given, Int64(limit)))
    skip(given - Int64(frames))
    let byte = silence
    extend(frames) { piece, _ in _ = piece.initializeMemory(as: UInt8.self, repeating: byte) }
  }

  /// Forgets what lies before a position.
  mutating func discard(before position: Int64) {
    start = max(start, min(position, end))
    let emptied = start == end ? pieces.count : Int(start / step - first)
    if emptied > 0 {
      spare = pieces[0]
      pieces.removeFirst(emptied)
    }
    first = start / step
  }

  /// Hands a range of what is held to `body`, in one piece. What is not held is left out.
  func withBytes(_ range: Range<Int64>, _ body: (UnsafeRawBufferPointer) -> Void) {
    let lower = max(range.lowerBound, start)
    let upper = min(range.upperBound, end)
    guard upper > lower else { return }
    let numbers = lower / step...(upper - 1) / step
    if numbers.count == 1 {
      withPart(of: numbers.lowerBound, lower..<upper, body)
    } else {
      var joined: [UInt8] = []
      joined.reserveCapacity(Int(upper - lower) * frameSize)
      for number in numbers { withPart(of: number, lower..<upper) { joined.append(contentsOf: $0) } }
      joined.withUnsafeBytes(body)
    }
  }

  /// Hands over what lies in one piece of memory.
  private func withPart(
    of number: Int64, _ range: Range<Int64>, _ body: (UnsafeRawBufferPointer) -> Void
  ) {
    let part = range.clamped(to: number * step..<(number + 1) * step)
    let bytes = bytes(of: part, in: number)
    pieces[Int(number - first)].withUnsafeBytes { body(UnsafeRawBufferPointer(rebasing: $0[bytes])) }
  }

  /// Where frames lie in a piece of memory.
  private func bytes(of frames: Range<Int64>, in number: Int64) -> Range<Int> {
    Int(frames.lowerBound - number * step) * frameSize..<Int(frames.upperBound - number * step) * frameSize
  }

  /// Passes over frames that are not to be held, and with them over everything held.
  mutating func skip(_ frames: Int64) {
    guard frames > 0 else { return }
    end += frames
    discard(before: end)
  }

  /// Makes the end `frames` later, and has `fill` write every part of what is new: its memory, and the frames done before.
  private mutating func extend(_ frames: Int, _ fill: (UnsafeMutableRawBufferPointer, Int) -> Void) {
    discard(before: end + Int64(frames - limit))
    let from = end
    let to = end + Int64(frames)
    while end < to {
      let number = end / step
      if number - first == pieces.count {
        pieces.append(spare.take() ?? [UInt8](repeating: silence, count: Int(step) * frameSize))
      }
      let next = min(to, (number + 1) * step)
      let bytes = bytes(of: end..<next, in: number)
      pieces[Int(number - first)].withUnsafeMutableBytes {
        fill(UnsafeMutableRawBufferPointer(rebasing: $0[bytes]), Int(end - from))
      }
      end = next
    }
  }
}
