import FluxGraph
import TestSupport
import Testing

@testable import AudioStages

@Suite("The ring between libpulse's thread and an audio thread") struct PulseRingTests {
  private static let format = AudioFormat(.f32le, rate: 1000, channels: 2)

  @Test("gives back what was written, cut anyhow, and counts what found no room")
  func passesThrough() {
    var random = SeededGenerator(seed: 5)
    let ring = CaptureRing(format: Self.format, duration: .milliseconds(300))
    var written: [Float] = []
    var read: [Float] = []
    var lost: Int64 = 0
    var told: Int64 = 0
    var next: Float = 0
    var isFirst = true
    var audio = AudioBuffer(format: Self.format, capacity: 64)
    for _ in 0..<5000 {
      if Bool.random(using: &random) {
        let frames = Int.random(in: 1...90, using: &random)
        let samples = (0..<(frames * 2)).map { next + Float($0) }
        let before = ring.framesWaiting
        samples.withUnsafeBytes { ring.write($0, at: Instant(nanoseconds: Int64(written.count))) }
        if ring.framesWaiting > before {
          written += samples
          next += Float(frames * 2)
        } else {
          lost += Int64(frames)
          #expect(before + frames > 300)
        }
      } else if let block = ring.nextBlock() {
        #expect(block.isRestart == isFirst)
        isFirst = false
        told += block.lost
        var left = block.frames
        while left > 0 {
          audio.removeAll()
          left -= ring.read(left, into: &audio)
          audio.withBytes { read += $0.bindMemory(to: Float.self) }
        }
      }
    }
    #expect(lost > 0 && read.count > 10_000)
    #expect(written.starts(with: read))
    #expect(told <= lost)
  }

  @Test("tells silence from sound across its end")
  func silence() {
    let ring = CaptureRing(format: Self.format, duration: .milliseconds(100))
    let zeros = [Float](repeating: 0, count: 2 * 60)
    for round in 0..<10 {
      var samples = zeros
      if round % 3 == 2 { samples[119] = 1e-6 }
      samples.withUnsafeBytes { ring.write($0, at: Instant(nanoseconds: 0)) }
      #expect(ring.nextBlock()?.frames == 60)
      #expect(ring.isSilent(60) == (round % 3 != 2))
      #expect(ring.isSilent(59))
      ring.drop(60)
    }
  }

  @Test("a source that stopped and began again says so with its next block")
  func restart() {
    let ring = CaptureRing(format: Self.format, duration: .milliseconds(100))
    let samples = [Float](repeating: 1, count: 20)
    func write() { samples.withUnsafeBytes { ring.write($0, at: Instant(nanoseconds: 0)) } }
    ring.isRunning = true
    write()
    write()
    ring.isRunning = false
    ring.isRunning = true
    write()
    #expect((0..<3).map { _ in ring.nextBlock()?.isRestart } == [true, false, true])
    ring.drop(30)
    #expect(!ring.isDrained)
    ring.end()
    #expect(ring.isDrained)
  }
}

@Suite("Digital silence") struct PulseSilenceTests {
  @Test("is told after ten seconds, once for each spell")
  func watch() {
    var watch = DigitalSilence(rate: 1000)
    var told = 0
    for _ in 0..<300 where watch.heard(100, areSilent: true) { told += 1 }
    #expect(told == 1)
    let afterSound = watch.heard(100, areSilent: false)
    #expect(!afterSound)
    let spell = (0..<100).map { _ in watch.heard(100, areSilent: true) }
    #expect(spell.firstIndex(of: true) == 99)
  }

  @Test("its likely cause is named")
  func causes() {
    var inventory = PulseInventory()
    inventory.sinks = [
      .init(index: 0, name: "a", description: "HDMI", rate: 48_000, channels: 2, monitor: "a.monitor"),
      .init(index: 1, name: "b", description: "Headset", rate: 48_000, channels: 2, monitor: "b.monitor"),
    ]
    inventory.sources = [
      .init(
        index: 0, name: "a.monitor", description: "Monitor of HDMI", rate: 48_000, channels: 2, monitorOf: "a"
      ),
      .init(index: 1, name: "mic", description: "Microphone", rate: 48_000, channels: 1),
    ]
    func cause(_ device: String) -> String { PulseSilence.cause(device: device, in: inventory) }
    #expect(cause("a.monitor") == "nothing is playing")
    inventory.playbacks = [.init(index: 0, application: "Firefox", sink: 1)]
    #expect(cause("a.monitor") == "Firefox plays to Headset: `monitor \"Headset\"` would hear it")
    inventory.playbacks.append(.init(index: 1, application: "mpv", sink: 0, isMuted: true))
    #expect(cause("a.monitor") == "mpv plays there, but is muted")
    inventory.playbacks[1].isMuted = false
    #expect(cause("a.monitor") == "mpv plays there, but plays silence")
    inventory.sources[0].isMuted = true
    #expect(cause("a.monitor") == "it is muted")
    #expect(cause("mic") == "it may be switched off, or muted at the device itself")
    #expect(cause("gone") == "it may have been unplugged")
  }
}
