import FluxGraph
import StageTesting
import Testing

@testable import AudioStages

/// What cannot be brought about with a server at hand: libpulse calls for overflows of playback streams only, and PulseAudio 16
/// drops what a recording stream has no room for without a word and without a hole (PipeWire's server does tell). So the
/// events are given by hand here; what becomes of the time is in `LiveTimelineTests`.
@Suite("What is told of a recording stream") struct PulseNoticeTests {
  private let world = TestWorld()
  private let format = AudioFormat(.f32le, rate: 16_000, channels: 1)

  @Test("an overflow and a hole are told, the hole with its length")
  func events() {
    let settings = PulseSettings(
      target: .defaultMonitor, server: nil, latency: .milliseconds(20), isPinned: false)
    let capture = PulseCapture(settings, world.context())
    capture.tell(.overflowed, of: "Speakers", rate: 16_000)
    capture.tell(.hole(frames: 4_000), of: "Speakers", rate: 16_000)
    capture.tell(.suspended, of: "Speakers", rate: 16_000)
    capture.tell(.resumed, of: "Speakers", rate: 16_000)
    capture.report.deliver(to: world.context())
    #expect(world.notices.map(\.notice) == ["overflow", "gap", "suspended", "resumed"])
    #expect(world.notices.map(\.severity) == [.warning, .warning, .warning, .info])
    #expect(world.notices[1].message.contains("lost 250 ms of Speakers"))
  }

  @Test("a hole becomes silence of its length, and so does what found no room")
  func hole() {
    let ring = CaptureRing(format: format, duration: .seconds(1))
    let stream = LiveStream(ring, epoch: Instant(nanoseconds: 0), fragment: .milliseconds(20))
    var audio = AudioBuffer(format: format, capacity: 16_000)
    let sound = [Float](repeating: 0.5, count: 320)
    ring.isRunning = true
    for milliseconds in [20, 290] as [Int64] {
      if milliseconds > 20 { ring.writeHole(4_000) }
      let time = Instant(nanoseconds: milliseconds * 1_000_000)
      sound.withUnsafeBytes { ring.write($0, at: time) }
      stream.read(into: &audio, time)
    }
    #expect(audio.frameCount == 320 + 4_000 + 320)
    let heard = audio.withBytes { Array($0.bindMemory(to: Float.self)) }
    #expect(heard == sound + [Float](repeating: 0, count: 4_000) + sound)
    let (gap, late) = stream.takeLosses(nil)
    #expect(gap == 4_000 && late == 0)
    #expect(stream.takeLosses(nil) == (0, 0))
  }

  @Test("a source that stops without a word is told at once, and what it cost when it is back")
  func stall() {
    let ring = CaptureRing(format: format, duration: .seconds(4))
    let stream = LiveStream(ring, epoch: Instant(nanoseconds: 0), fragment: .milliseconds(20))
    var audio = AudioBuffer(format: format, capacity: 16_000 * 8)
    let sound = [Float](repeating: 0.5, count: 320)
    ring.isRunning = true
    sound.withUnsafeBytes { ring.write($0, at: Instant(nanoseconds: 20_000_000)) }
    for step in 1...200 { stream.read(into: &audio, Instant(nanoseconds: Int64(step) * 20_000_000)) }
    #expect(stream.takeStall() && !stream.takeStall())
    // Still growing.
    #expect(stream.takeLosses(Instant(nanoseconds: 4_000_000_000)) == (0, 0))
    for _ in 0..<100 { sound.withUnsafeBytes { ring.write($0, at: Instant(nanoseconds: 4_000_000_000)) } }
    // Where it belongs is known when more of it has been seen.
    let seen = Instant(nanoseconds: 4_060_000_000)
    stream.read(into: &audio, seen)
    let (gap, late) = stream.takeLosses(seen)
    #expect(gap > 3 * 16_000 - 320 && late > 90 * 320)
    // Not more than once a second.
    for _ in 0..<50 { sound.withUnsafeBytes { ring.write($0, at: Instant(nanoseconds: 4_070_000_000)) } }
    stream.read(into: &audio, Instant(nanoseconds: 4_070_000_000))
    #expect(stream.takeLosses(Instant(nanoseconds: 4_070_000_000)) == (0, 0))
    #expect(stream.takeLosses(Instant(nanoseconds: 5_070_000_000)).late > 40 * 320)
    #expect(abs(audio.frameCount - 4_070 * 16) <= 1_280)
  }
}
