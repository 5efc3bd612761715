internal import FluxGraph

/// Where a session stands in its audio: what there is, what has been sent, what the service has heard. All positions are frames,
/// counted from the stream's first.
struct AudioCursor: Sendable {
  /// What a send is made of.
  enum Piece: Equatable, Sendable {
    case audio(Range<Int64>)
    case silence(frames: Int64)
  }

  let rate: Int
  /// The frames a whole piece has.
  let chunk: Int64
  /// What is held and can be sent.
  private(set) var held: Range<Int64> = 0..<0
  /// The connection's first frame.
  private(set) var origin: Int64 = 0
  /// The frame to be sent next.
  private(set) var next: Int64 = 0
  /// Up to where the service has reported to have heard.
  private(set) var heard: Int64 = 0
  /// Frames sent over all connections: what is billed.
  private(set) var sent: Int64 = 0

  /// While audio is caught up: since when, from where, up to where; nil is up to the end of what there is.
  private var catchUp: (since: Instant, from: Int64, until: Int64?)?
  private let speed: Double
  /// When the next piece may be sent, while audio is caught up.
  private(set) var due: Instant?

  init(rate: Int, speed: Double) {
    self.rate = max(1, rate)
    self.speed = speed
    chunk = max(1, Int64((FluxSessionSettings.chunk.seconds * Double(rate)).rounded()))
  }

  /// Frames that wait to be sent.
  var waiting: Int64 { max(0, held.upperBound - next) }
  /// Frames sent and not reported as heard.
  var unheard: Int64 { max(0, next - heard) }

  /// Whether audio that was never sent lies before a frame.
  func unsentIsLost(before position: Int64) -> Bool { position > next }

  mutating func hold(_ range: Range<Int64>) { held = range }

  /// A new connection whose first frame is this one.
  mutating func begin(at position: Int64) {
    origin = position
    next = position
    heard = position
    catchUp = nil
    due = nil
  }

  /// From now on what waits is sent no faster than the catch-up speed, up to `until` or until nothing waits.
  mutating func catchUp(now: Instant, until: Int64?) { catchUp = (now, next, until) }

  /// The service has heard this many seconds of the connection's audio.
  mutating func report(_ seconds: Double) {
    guard let position = frame(at: seconds) else { return }
    heard = max(heard, min(next, origin + position))
  }

  /// The frame at a number of seconds; nil for numbers no stream reaches.
  func frame(at seconds: Double) -> Int64? {
    guard seconds.isFinite, abs(seconds) < 1e9 else { return nil }
    return Int64((seconds * Double(rate)).rounded())
  }

  func seconds(_ frames: Int64) -> Double { Double(frames) / Double(rate) }

  /// Nothing can be sent now, due or not: the network says when it has room.
  mutating func waitForRoom() { due = nil }

  /// The next piece to be sent, which then counts as sent; nil when there is none, or it is not due yet.
  /// - Parameter isFlushing: whether less than a whole piece may be sent.
  mutating func take(now: Instant, isFlushing: Bool) -> Piece? {
    due = nil
    let boundary = (next / chunk + 1) * chunk
    let end = min(boundary, held.upperBound)
    guard end > next, end == boundary || isFlushing else {
      finishCatchUp()
      return nil
    }
    guard mayPass(end, now) else { return nil }
    let piece: Piece
    if next < held.lowerBound {
      let frames = min(end, held.lowerBound) - next
      piece = .silence(frames: frames)
      next += frames
      sent += frames
    } else {
      piece = .audio(next..<end)
      sent += end - next
      next = end
    }
    if let until = catchUp?.until, next >= until { catchUp = nil }
    return piece
  }

  private mutating func finishCatchUp() {
    if catchUp?.until == nil { catchUp = nil }
  }

  private mutating func mayPass(_ end: Int64, _ now: Instant) -> Bool {
    guard let catchUp else { return true }
    let wait = Duration.seconds(Double(end - chunk - catchUp.from) / (Double(rate) * speed))
    let time = catchUp.since.advanced(by: wait)
    if time <= now { return true }
    due = time
    return false
  }
}
