/// The latest audio of a session, by position: what has not been sent yet, and what may have to be sent again. It grows as it
/// fills, up to its limit; then the oldest audio gives way.
struct AudioBacklog {
  /// The frames held, counted from the stream's first.
  private(set) var start: Int64 = 0
  private(set) var end: Int64 = 0
  private let frameSize: Int
  private let silence: UInt8
  private let limit: Int
  private let step: Int
  private var ring: [UInt8] = []
  /// Frames the ring has room for.
  private var capacity = 0
  /// For a piece that lies around the ring's end.
  private var scratch: [UInt8] = []

  /// - Parameters:
  ///   - frameSize: bytes in a frame.
  ///   - silence: the byte silence consists of.
  ///   - limit: the most frames held.
  ///   - step: the frames room is made for at first.
  init(frameSize: Int, silence: UInt8, limit: Int, step: Int) {
    self.frameSize = max(1, frameSize)
    self.silence = silence
    self.limit = max(1, limit)
    self.step = max(1, min(step, limit))
  }

  /// Bytes of memory in use.
  var allocatedBytes: Int { ring.count }

  /// Appends whole frames.
  mutating func append(_ bytes: UnsafeRawBufferPointer) {
    let given = bytes.count / frameSize
    let frames = min(given, limit)
    skip(Int64(given - frames))
    makeRoom(for: frames)
    let source = UnsafeRawBufferPointer(rebasing: bytes[((given - frames) * frameSize)..<(given * frameSize)])
    eachPart(from: end, frames: frames) { ring, place, done, count in
      ring.withUnsafeMutableBytes {
        $0.baseAddress!.advanced(by: place).copyMemory(
          from: source.baseAddress!.advanced(by: done), byteCount: count)
      }
    }
    end += Int64(frames)
  }

  /// Appends silence.
  mutating func appendSilence(frames given: Int64) {
    guard given > 0 else { return }
    let frames = Int(min(given, Int64(limit)))
    skip(given - Int64(frames))
    makeRoom(for: frames)
    let byte = silence
    eachPart(from: end, frames: frames) { ring, place, _, count in
      ring.withUnsafeMutableBytes {
        _ = UnsafeMutableRawBufferPointer(rebasing: $0[place..<(place + count)]).initializeMemory(
          as: UInt8.self, repeating: byte)
      }
    }
    end += Int64(frames)
  }

  /// Forgets what lies before a position.
  mutating func discard(before position: Int64) {
    start = max(start, min(position, end))
  }

  /// Hands a range of what is held to `body`, in one piece. What is not held is left out.
  mutating func withBytes(_ range: Range<Int64>, _ body: (UnsafeRawBufferPointer) -> Void) {
    let lower = max(range.lowerBound, start)
    let frames = Int(min(range.upperBound, end) - lower)
    guard frames > 0 else { return }
    let place = Int(lower % Int64(capacity)) * frameSize
    let count = frames * frameSize
    if place + count <= ring.count {
      ring.withUnsafeBytes { body(UnsafeRawBufferPointer(rebasing: $0[place..<(place + count)])) }
    } else {
      scratch.removeAll(keepingCapacity: true)
      scratch.append(contentsOf: ring[place...])
      scratch.append(contentsOf: ring[..<(count - scratch.count)])
      scratch.withUnsafeBytes(body)
    }
  }

  /// Passes over frames there is no room for at all, and with them over everything held.
  private mutating func skip(_ frames: Int64) {
    guard frames > 0 else { return }
    end += frames
    start = end
  }

  private mutating func makeRoom(for frames: Int) {
    if Int(end - start) + frames > capacity, capacity < limit { grow(to: Int(end - start) + frames) }
    start = max(start, end + Int64(frames) - Int64(capacity))
  }

  private mutating func grow(to wanted: Int) {
    var larger = max(capacity, step)
    while larger < min(wanted, limit) { larger *= 2 }
    larger = min(larger, limit)
    guard larger > capacity else { return }
    var moved = [UInt8](repeating: 0, count: larger * frameSize)
    var position = start
    while position < end {
      let from = Int(position % Int64(capacity))
      let to = Int(position % Int64(larger))
      let count = min(capacity - from, larger - to, Int(end - position))
      moved.replaceSubrange(
        (to * frameSize)..<((to + count) * frameSize),
        with: ring[(from * frameSize)..<((from + count) * frameSize)])
      position += Int64(count)
    }
    ring = moved
    capacity = larger
  }

  /// Calls `body` for the one or two parts of the ring that `frames` frames from `position` on lie in: the byte in the ring, the
  /// bytes done before, the bytes of the part.
  private mutating func eachPart(
    from position: Int64, frames: Int, _ body: (inout [UInt8], Int, Int, Int) -> Void
  ) {
    var done = 0
    while done < frames {
      let place = Int((position + Int64(done)) % Int64(capacity))
      let count = min(capacity - place, frames - done)
      body(&ring, place * frameSize, done * frameSize, count * frameSize)
      done += count
    }
  }
}
