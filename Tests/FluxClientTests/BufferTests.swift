import FluxGraph
import FluxProtocol
import StageTesting
import Testing

@testable import FluxClient

@Suite("Audio kept over an outage")
struct BufferTests {
  @Test("beyond the buffer the oldest audio gives way, which is said exactly, and the clock stays right")
  func overflow() throws {
    let source = SessionStage.Source(
      liveness: .live, speech: Speech("one@1.0 two@5.0 three@30.0 four@38.0"), seconds: 40,
      outages: [3...25])
    let stage = SessionStage(source) { $0.limits.buffer = .seconds(8) }.runToEnd()
    let lost = try #require(stage.world.notices.first { $0.notice == "audio-lost" })
    let from = try #require(lost.details.first { $0.name == "from" }?.value.doubleValue)
    let to = try #require(lost.details.first { $0.name == "to" }?.value.doubleValue)
    let seconds = try #require(lost.details.first { $0.name == "seconds" }?.value.doubleValue)
    #expect(abs(seconds - (to - from)) < 1e-9)
    // What was sent begins where the loss ends, and the loss begins where the service had heard to.
    let resent = try #require(stage.services.last?.blocks.first ?? nil)
    #expect(abs(Double(resent) * 0.08 - to) < 1e-6)
    #expect((2.7...3.1).contains(from))
    #expect(stage.notices.contains("buffer-full"))
    #expect(stage.places == ["one@0.96", "three@30.00", "four@38.00"])
    #expect(stage.brokenPromises == [])
  }

  @Test("kept audio is sent no faster than 1.25 times real time, until it is caught up")
  func catchUp() {
    let source = SessionStage.Source(liveness: .live, speech: Speech("one@1.0"), seconds: 60)
    let stage = SessionStage(source, faults: [.cut(after: 5), .unreachable, .unreachable])
    while stage.services.count < 4 { stage.run(0.02) }
    stage.run(0.1)
    let service = stage.services[3]
    let began = stage.now
    let first = service.blocks.count
    stage.run(4)
    let rate = Double(service.blocks.count - first) * 0.08 / (stage.now - began)
    #expect((1.2...1.27).contains(rate), "\(rate)")
    stage.run(30)
    // Caught up: what comes is sent at once.
    #expect(Double(service.blocks.last!! + 1) * 0.08 > stage.now - 0.2)
    _ = stage.runToEnd()
    #expect(stage.brokenPromises == [])
  }

  @Test("a finite source waits for as long as the network is away: nothing is lost")
  func finiteWaits() {
    let source = SessionStage.Source(speech: Speech("one@1.0 two@20.0 three@50.0"), seconds: 60)
    let faults: [Fault] = [.cut(after: 5)] + Array(repeating: .unreachable, count: 5)
    let stage = SessionStage(source, faults: faults) { $0.limits.buffer = .seconds(4) }.runToEnd()
    #expect(!stage.notices.contains("audio-lost"))
    #expect(stage.places == ["one@0.96", "two@20.00", "three@50.00"])
    #expect(stage.brokenPromises == [])
  }

  @Test("a turn whose beginning left the buffer ends with what was heard of it")
  func longTurn() {
    let words = (0..<40).map { "w\($0)@\(1 + Double($0) * 0.5)" }.joined(separator: " ")
    let source = SessionStage.Source(speech: Speech(words), seconds: 25)
    let stage = SessionStage(source, faults: [.cut(after: 15)]) { $0.limits.buffer = .seconds(5) }.runToEnd()
    #expect(stage.turns.count == 2)
    #expect(stage.turns[0].contains("[disconnected]"))
    #expect(stage.places.count == 40)
    #expect(Set(stage.places).count == 40)
    #expect(stage.brokenPromises == [])
  }

  @Test("an uplink slower than the source is told of when audio waits, and when it does no more")
  func slowUplink() {
    let source = SessionStage.Source(
      liveness: .live, speech: Speech("one@1.0 two@20.0 three@38.0"), seconds: 40)
    let stage = SessionStage(source)
    stage.run(5)
    stage.connections[0].block(bufferedBytes: 64_000, since: nil)
    stage.run(10)
    #expect(stage.notices == ["backlog"])
    #expect(stage.session.waitingSeconds > 9)
    let details = stage.session.command(.status).details
    #expect(details.first { $0.name == "backlog" }?.value.doubleValue == stage.session.waitingSeconds)
    stage.connections[0].block(bufferedBytes: 0, since: nil)
    _ = stage.runToEnd()
    #expect(stage.notices == ["backlog", "caught-up"])
    #expect(stage.unheard == [])
    #expect(stage.places.count == 3)
  }

  @Test("what falls out of the buffer of a slow uplink is told exactly, and what follows is heard")
  func slowUplinkForEver() {
    let source = SessionStage.Source(
      liveness: .live, speech: Speech("one@1.0 two@20.0 three@78.0"), seconds: 80)
    let stage = SessionStage(source) { settings in
      settings.limits.buffer = .seconds(8)
      settings.limits.stall = .zero
    }
    stage.run(5)
    stage.connections[0].block(bufferedBytes: 64_000, since: nil)
    stage.run(12)
    #expect(stage.services.count == 2)
    _ = stage.runToEnd()
    #expect(stage.unheard.count == 1)
    // From where the service had last said to have heard.
    #expect(stage.unheard == ["5.04-7.12"])
    #expect(stage.told == ["4.96-7.12"])
    #expect(stage.places == ["one@0.96", "two@20.00", "three@78.00"])
    // No silence stands for it.
    #expect(stage.services.allSatisfy { !$0.blocks.contains(nil) })
    #expect(stage.brokenPromises == [])
  }

  @Test("a hole in the source becomes silence of its length, and is told of")
  func hole() {
    let source = SessionStage.Source(liveness: .live, holes: [2.4...3.2])
    let stage = SessionStage(source).runToEnd()
    #expect(stage.intervals == ["0.00-2.40 (0.80) 3.20-10.00"])
    #expect(stage.notices == ["gap"])
    #expect(stage.turns == FaultTableTests.whole)
    #expect(stage.places.last == "nine@7.76")
  }

  @Test(
    "after a hole of more than 30 s another connection begins behind it: the silence is not paid for")
  func longHole() {
    let source = SessionStage.Source(
      liveness: .live, speech: Speech("one@1.0 two@70.0"), seconds: 75, holes: [3.2...64])
    let stage = SessionStage(source).runToEnd()
    #expect(stage.notices == ["gap", "connection-lost", "reconnected"])
    #expect(stage.services.count == 2)
    #expect(stage.services[0].blocks.count < 60)
    #expect(stage.places == ["one@0.96", "two@70.00"])
    #expect(stage.brokenPromises == [])
  }

  @Test("the buffer takes memory as it fills, and holds what was put in at any cut")
  func backlog() {
    var backlog = AudioBacklog(frameSize: 2, silence: 0, limit: 1000, step: 10)
    #expect(backlog.allocatedBytes == 0)
    var generator = SplitMix64(state: 3)
    var all: [UInt8] = []
    for _ in 0..<2000 {
      let frames = Int(generator.next() % 23)
      let bytes = (0..<frames * 2).map { _ in UInt8(truncatingIfNeeded: generator.next()) }
      if generator.next() % 5 == 0 {
        backlog.appendSilence(frames: Int64(frames))
        all += [UInt8](repeating: 0, count: frames * 2)
      } else {
        bytes.withUnsafeBytes { backlog.append($0) }
        all += bytes
      }
      if generator.next() % 3 == 0 { backlog.discard(before: backlog.end - Int64(generator.next() % 300)) }
      #expect(backlog.end == Int64(all.count / 2))
      #expect(backlog.end - backlog.start <= 1000)
      let lower = backlog.start + (backlog.end - backlog.start) / 3
      let range = lower..<backlog.end
      backlog.withBytes(range) {
        #expect(Array($0) == Array(all[Int(range.lowerBound * 2)..<Int(range.upperBound * 2)]))
      }
    }
    var small = AudioBacklog(frameSize: 2, silence: 0, limit: 100_000, step: 10)
    all.prefix(40).withUnsafeBytes { small.append($0) }
    #expect(small.allocatedBytes <= 80)
    // More at once than the buffer holds.
    all.prefix(2).withUnsafeBytes { small.append($0) }
    var tiny = AudioBacklog(frameSize: 2, silence: 0, limit: 4, step: 1)
    all.prefix(20).withUnsafeBytes { tiny.append($0) }
    #expect(tiny.start == 6 && tiny.end == 10)
    tiny.withBytes(0..<100) { #expect(Array($0) == Array(all[12..<20])) }
    tiny.appendSilence(frames: 1 << 40)
    #expect(tiny.end == 10 + (1 << 40) && tiny.end - tiny.start == 4)
  }
}
