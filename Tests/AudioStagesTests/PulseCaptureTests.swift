import FluxGraph
import Foundation
import TestSupport
import Testing

@testable import AudioStages

/// Sound that is nowhere zero and nowhere repeats, behind a lead-in that is: a monitor loses the first milliseconds of a new
/// player.
private func signal(seconds: Double, rate: Int, channels: Int, seed: UInt64 = 1) -> [Int16] {
  var random = SeededGenerator(seed: seed)
  let leadIn = [Int16](repeating: 0, count: rate * 3 / 10 * channels)
  return leadIn
    + (0..<Int(seconds * Double(rate)) * channels).map { _ in
      Int16.random(in: 1...12_000, using: &random) * (Bool.random(using: &random) ? 1 : -1)
    }
}

/// The samples from the first that is not zero to the last, as 16-bit numbers; nil for a number that is none of those.
private func sounding(_ samples: [Float], channels: Int) -> [Int16?] {
  guard let first = samples.firstIndex(where: { $0 != 0 }), let last = samples.lastIndex(where: { $0 != 0 })
  else { return [] }
  return samples[(first / channels * channels)...last].map { Int16(exactly: $0 * 32_768) }
}

@Suite(
  "Capture from a PulseAudio server",
  // Skipped where no server is installed: the tests must run anywhere.
  .enabled(if: PulseDaemon.isUsable), .timeLimit(.minutes(10)))
struct PulseCaptureTests {
  /// How far the number of samples may be from the time that has passed, in seconds.
  private static let limit = 0.040

  @Test("what is played into a sink comes out of its monitor bit for bit, at 48 kHz stereo and 16 kHz mono")
  func fidelity() async throws {
    let daemon = try PulseDaemon(sinks: ["wide rate=48000 channels=2", "narrow rate=16000 channels=1"])
    let connections = PulseConnections()
    let wide = PulseRecording(PulseSettings(.defaultMonitor, daemon), connections: connections)
    let narrow = PulseRecording(PulseSettings(.source("narrow.monitor"), daemon), connections: connections)
    for recording in [wide, narrow] { #expect(try await recording.wait { $0.samples.count > 20_000 }) }
    #expect(wide.format == AudioFormat(.f32le, rate: 48_000, channels: 2))
    #expect(narrow.format == AudioFormat(.f32le, rate: 16_000, channels: 1))
    let (stereo, mono) = (
      signal(seconds: 2, rate: 48_000, channels: 2), signal(seconds: 2, rate: 16_000, channels: 1)
    )
    try daemon.play(stereo, rate: 48_000, channels: 2, to: "wide")
    try daemon.play(mono, rate: 16_000, channels: 1, to: "narrow")
    // One that begins while a player without a wish of its own has the server work in pieces of two seconds.
    let late = PulseRecording(PulseSettings(.defaultMonitor, daemon))
    for (recording, (sent, channels)) in zip([wide, narrow], [(stereo, 2), (mono, 1)]) {
      let expected = sent.drop { $0 == 0 }
      _ = try await recording.wait { sounding($0.samples, channels: channels).count >= expected.count }
      #expect(sounding(recording.samples, channels: channels) == expected.map(Optional.some))
    }
    #expect(try await late.wait { $0.seconds >= 1 && abs($0.deviation) <= Self.limit })
    for recording in [wide, narrow, late] {
      try await recording.stop()
      // Pieces of two seconds, as without `fragsize`, would have been taken for a standstill.
      #expect(!recording.words.contains("stalled"))
      #expect(abs(recording.deviation) <= Self.limit)
      #expect(recording.wrongCaptureTimes == 0)
    }
    // Both have one beginning.
    let seconds = [Double(wide.samples.count) / 96_000, Double(narrow.samples.count) / 16_000]
    #expect(abs(seconds[0] - seconds[1]) < 1.5)
    let told = try #require(wide.notices.first)
    // What the server grants is what was asked for.
    #expect(told.notice == "capturing" && told.message.contains("wide.monitor, 48k stereo, 20 ms"))
  }

  @Test("players come and go: what is captured is, frame for frame, what `parec` records beside it")
  func beside() async throws {
    let daemon = try PulseDaemon(sinks: ["wide rate=48000 channels=2", "narrow rate=16000 channels=1"])
    let rates = [48_000, 16_000]
    let connections = PulseConnections()
    let ours = ["wide", "narrow"].map {
      PulseRecording(PulseSettings(.source("\($0).monitor"), daemon), connections: connections)
    }
    var theirs: [(process: ChildProcess, file: URL)] = []
    for (name, rate) in zip(["wide", "narrow"], rates) {
      let file = daemon.folder.appendingPathComponent("\(name).parec")
      let channels = rate == 48_000 ? 2 : 1
      theirs.append((try daemon.record("\(name).monitor", rate: rate, channels: channels, to: file), file))
    }
    for recording in ours { #expect(try await recording.wait(for: "capturing")) }
    while try daemon.control("list short source-outputs").split(separator: "\n").count < 4 {}
    // Both have begun to give something.
    try await Task.sleep(for: .milliseconds(500))
    var random = SeededGenerator(seed: 11)
    var playing: [ChildProcess] = []
    // The server works in shorter pieces while one plays that wishes it, so that all arrives later, and then earlier again.
    for (round, latency) in [nil, 100, 10, nil, 20, 50, nil, 5].enumerated() {
      for (name, rate) in zip(["wide", "narrow"], rates) {
        let channels = rate == 48_000 ? 2 : 1
        let seconds = Double.random(in: 0.4...3, using: &random)
        let sound = signal(seconds: seconds, rate: rate, channels: channels, seed: UInt64(round))
        playing.append(try daemon.play(sound, rate: rate, channels: channels, to: name, latency: latency))
      }
      try await Task.sleep(for: .milliseconds(Int.random(in: 300...1_500, using: &random)))
      if round % 3 == 2 { playing.removeFirst().signal(SIGKILL) }
    }
    try await Task.sleep(for: .seconds(1))
    for (process, _) in theirs {
      process.signal(SIGKILL)
      process.wait()
    }
    for (recording, (rate, their)) in zip(ours, zip(rates, theirs)) {
      let channels = rate == 48_000 ? 2 : 1
      try await recording.stop()
      let expected = try Data(contentsOf: their.file).withUnsafeBytes { bytes in
        (0..<(bytes.count / 2)).map {
          Float(bytes.loadUnaligned(fromByteOffset: $0 * 2, as: Int16.self)) / 32_768
        }
      }
      let samples = recording.samples
      let first = try #require(samples.firstIndex { $0 != 0 }) / channels * channels
      let theirFirst = try #require(expected.firstIndex { $0 != 0 }) / channels * channels
      let count = min(samples.count - first, expected.count - theirFirst)
      #expect(count > 6 * rate * channels)
      // Where a player begins, the server mixes once more what it has not given out yet. Two listeners are a few frames apart
      // there, be they both `parec`. One frame put in or left out would make all that follows different.
      let different = (0..<count).filter { samples[first + $0] != expected[theirFirst + $0] }
      #expect(
        different.count <= rate * channels / 1000,
        "\(rate) Hz: \(different.count) of \(count), from frame \((different.first ?? 0) / channels) on")
      #expect(abs(recording.deviation) <= Self.limit && recording.farthestAhead <= Self.limit)
      #expect(!recording.words.contains("gap") && !recording.words.contains("late"))
    }
  }

  @Test("a minute in which everything goes wrong: the samples are as many as the time that has passed")
  func minute() async throws {
    let daemon = try PulseDaemon(
      sinks: ["first rate=48000 channels=2", "second rate=44100 channels=2", "quiet rate=16000 channels=1"])
    try daemon.control("set-default-source quiet.monitor")
    let connections = PulseConnections()
    let monitor = PulseRecording(PulseSettings(.defaultMonitor, daemon), connections: connections)
    let singer = PulseRecording(PulseSettings(.application("singer"), daemon), connections: connections)
    let quiet = PulseRecording(PulseSettings(.defaultSource, daemon), connections: connections)
    let all = [monitor, singer, quiet]
    let end = connections.epoch.advanced(by: .seconds(60))
    let noise = signal(seconds: 60, rate: 48_000, channels: 2)
    let constant = [Int16](repeating: 8_192, count: 48_000 * 2 * 60)
    /// Waits until all are in step with the clock again.
    func settle(_ fault: String) async throws {
      for recording in all {
        #expect(try await recording.wait { abs($0.deviation) <= Self.limit }, "after \(fault)")
        #expect(recording.farthestAhead <= Self.limit, "after \(fault)")
      }
    }
    func expectSound(after count: Int) async throws {
      #expect(try await monitor.wait { $0.samples.dropFirst(count).contains { $0 != 0 } })
    }
    for recording in [monitor, quiet] { #expect(try await recording.wait(for: "capturing")) }
    #expect(try await singer.wait(for: "waiting"))
    #expect(quiet.words.contains("no-microphone"))
    try daemon.play(noise, rate: 48_000, channels: 2, to: "first", as: "crowd")
    var song = try daemon.play(constant, rate: 48_000, channels: 2, to: "first", as: "Singer")
    #expect(try await singer.wait(for: "capturing"))
    try await expectSound(after: 0)
    try await settle("the beginning")

    // The default output is another one.
    try daemon.control("set-default-sink second")
    #expect(try await monitor.wait(for: "capturing", count: 2))
    #expect(Self.devices(monitor) == ["first.monitor", "second.monitor"])
    // It is the server's resampler that keeps the stream's rate.
    #expect(monitor.format?.rate == 48_000)
    try daemon.control("suspend-sink second 1")
    #expect(try await monitor.wait(for: "suspended"))
    try await Task.sleep(for: .milliseconds(700))
    try daemon.control("suspend-sink second 0")
    #expect(try await monitor.wait(for: "resumed"))
    try await settle("a suspension")

    // With the default output goes its monitor. The server has another default at once, and may move the stream itself.
    try daemon.control("unload-module \(module(of: "second", daemon))")
    #expect(try await monitor.wait { Self.devices($0).last != "second.monitor" })
    try daemon.control("set-default-sink first")
    #expect(try await monitor.wait { Self.devices($0).last == "first.monitor" })
    try await settle("the loss of a sink")

    // The program goes, and comes back.
    song.signal(SIGKILL)
    #expect(try await singer.wait(for: "lost"))
    #expect(try await singer.wait { $0.samples.suffix(9_600).allSatisfy { $0 == 0 } })
    song = try daemon.play(constant, rate: 48_000, channels: 2, to: "first", as: "Singer")
    #expect(try await singer.wait(for: "capturing", count: 2))
    #expect(try await singer.wait { $0.samples.suffix(9_600).allSatisfy { $0 == 0.25 } })
    try await settle("the loss of a program")

    #expect(try await quiet.wait(for: "silence", upTo: 20))
    // With its cause, whatever is going on at that moment.
    let causes = quiet.notices.filter { $0.notice == "silence" }.map { $0.details.first?.value.stringValue }
    #expect(causes.count == 1 && causes[0]?.isEmpty == false)

    // The server stands still: briefly, for longer than anything is waited for, and for longer than it keeps anything.
    for (pause, isNoticed) in [(0.25, false), (1.5, true), (4, true)] {
      for recording in all { recording.forgetNotices() }
      daemon.pause()
      try await Task.sleep(for: .seconds(pause))
      daemon.resume()
      for recording in all where isNoticed {
        #expect(try await recording.wait(for: "stalled"))
        #expect(try await recording.wait(for: "gap"))
        #expect(try await recording.wait(for: "late"))
      }
      try await Task.sleep(for: .seconds(1))
      try await settle("\(pause) s of standstill")
    }

    for recording in all { recording.forgetNotices() }
    daemon.kill()
    for recording in all { #expect(try await recording.wait(for: "disconnected")) }
    let before = monitor.samples.count
    try await Task.sleep(for: .milliseconds(1200))
    // Time goes on without a server.
    #expect(monitor.samples.count - before > 96_000)
    try daemon.start()
    try daemon.control("set-default-source quiet.monitor")
    for recording in all { #expect(try await recording.wait(for: "reconnected")) }
    let silent = monitor.samples.count
    try daemon.play(noise, rate: 48_000, channels: 2, to: "first")
    try daemon.play(constant, rate: 48_000, channels: 2, to: "first", as: "Singer")
    try await expectSound(after: silent)
    #expect(try await singer.wait { $0.samples.suffix(9_600).allSatisfy { $0 == 0.25 } })
    try await settle("the server's end")

    try await Task.sleep(for: .seconds(max(0, end.duration(since: .now()).seconds)))
    try await settle("a minute")
    for recording in all {
      try await recording.stop()
      #expect(abs(recording.deviation) <= Self.limit)
      #expect(recording.farthestAhead <= Self.limit)
      #expect(recording.wrongCaptureTimes == 0)
    }
    #expect(monitor.seconds >= 59.96)
    let drift = try #require(quiet.notices.last)
    let millionths = try #require(drift.details.first { $0.name == "ppm" }?.value.doubleValue)
    // A null sink is timed by the clock it is measured against.
    #expect(drift.notice == "drift" && abs(millionths) < 500)
  }

  /// The sources that were listened to, as the notices have told.
  private static func devices(_ recording: PulseRecording) -> [String] {
    recording.notices.compactMap { $0.details.first { $0.name == "device" }?.value.stringValue }
  }

  private func module(of sink: String, _ daemon: PulseDaemon) throws -> Substring {
    let line = try daemon.control("list short modules").split(separator: "\n").first {
      $0.contains("=\(sink) ")
    }
    return try #require(line).prefix { $0.isNumber }
  }

  @Test(
    "one program's streams are mixed, without any other's; silence while it is gone, and it is found again")
  func application() async throws {
    let daemon = try PulseDaemon(sinks: ["out rate=16000 channels=1"])
    let recording = PulseRecording(PulseSettings(.application("singer"), daemon))
    #expect(try await recording.wait(for: "waiting"))
    #expect(try await recording.wait { $0.samples.count > 8_000 })
    let noise = signal(seconds: 60, rate: 16_000, channels: 1, seed: 7)
    try daemon.play(noise, rate: 16_000, channels: 1, to: "out", as: "crowd")
    let constant = [Int16](repeating: 8_192, count: 16_000 * 60)
    let first = try daemon.play(constant, rate: 16_000, channels: 1, to: "out", as: "Singer")
    #expect(try await recording.wait(for: "capturing"))
    #expect(try await recording.wait { $0.samples.suffix(800).allSatisfy { $0 == 0.25 } })
    // Nothing of the crowd has ever been heard.
    #expect(Set(recording.samples) == [0, 0.25])
    let second = try daemon.play(constant, rate: 16_000, channels: 1, to: "out", as: "Singer")
    #expect(try await recording.wait { $0.samples.suffix(800).allSatisfy { $0 == 0.5 } })
    first.signal(SIGKILL)
    #expect(try await recording.wait { $0.samples.suffix(800).allSatisfy { $0 == 0.25 } })
    second.signal(SIGKILL)
    #expect(try await recording.wait(for: "lost"))
    #expect(try await recording.wait { $0.samples.suffix(800).allSatisfy { $0 == 0 } })
    try daemon.play(constant, rate: 16_000, channels: 1, to: "out", as: "Singer")
    #expect(try await recording.wait { $0.samples.suffix(800).allSatisfy { $0 == 0.25 } })
    try await recording.stop()
    #expect(abs(recording.deviation) <= Self.limit)
    #expect(recording.farthestAhead <= Self.limit)
    #expect(recording.wrongCaptureTimes == 0)
  }

  @Test("a stream may be moved unless it is pinned, and a pinned one stays with its source")
  func moving() async throws {
    let daemon = try PulseDaemon(sinks: ["first rate=16000 channels=1", "second rate=16000 channels=1"])
    let following = PulseRecording(PulseSettings(.defaultMonitor, daemon))
    #expect(try await following.wait(for: "capturing"))
    let output = try daemon.control("list short source-outputs").prefix { $0.isNumber }
    try daemon.control("move-source-output \(output) second.monitor")
    #expect(try await following.wait(for: "moved"))
    #expect(following.notices.last?.message.contains("second.monitor") == true)
    try await following.stop()

    let pinned = PulseRecording(PulseSettings(.defaultMonitor, daemon, isPinned: true))
    #expect(try await pinned.wait(for: "capturing"))
    try daemon.control("set-default-sink second")
    let stream = try daemon.control("list short source-outputs").prefix { $0.isNumber }
    #expect(throws: PulseDaemon.Failure.self) {
      try daemon.control("move-source-output \(stream) second.monitor")
    }
    try daemon.control("unload-module \(module(of: "first", daemon))")
    #expect(try await pinned.wait(for: "lost"))
    try daemon.control("load-module module-null-sink sink_name=first rate=16000 channels=1")
    #expect(try await pinned.wait(for: "capturing", count: 2))
    #expect(pinned.notices.last { $0.notice == "capturing" }?.message.contains("first.monitor") == true)
    try await pinned.stop()
    #expect(abs(pinned.deviation) <= Self.limit)
  }

  @Test("a source or a server that is not there is an error that says so")
  func absent() async throws {
    let daemon = try PulseDaemon(sinks: ["out rate=16000 channels=1"])
    await #expect(throws: StageError.self) { try await refusal(PulseSettings(.monitor("HDMI"), daemon)) }
    daemon.kill()
    await #expect(throws: StageError.self) { try await refusal(PulseSettings(.defaultMonitor, daemon)) }
  }

  private func refusal(_ settings: PulseSettings) async throws {
    let recording = PulseRecording(settings)
    _ = try await recording.wait { !$0.samples.isEmpty }
    try await recording.stop()
  }

  @Test("devices are listed, and changes are told")
  func devices() async throws {
    let daemon = try PulseDaemon(sinks: ["out rate=16000 channels=1"])
    let devices = try PulseDevices(server: daemon.address)
    let first = try devices.inventory()
    #expect(first.sinks.map(\.name) == ["out"] && first.defaultSink == "out")
    #expect(first.sources.map(\.monitorOf) == ["out"] && first.sources[0].rate == 16_000)
    let (changes, feed) = AsyncStream.makeStream(of: PulseInventory?.self)
    devices.watch { feed.yield($0) }
    try daemon.control("load-module module-null-sink sink_name=new")
    var iterator = changes.makeAsyncIterator()
    while let change = await iterator.next(), change?.sink(named: "new") == nil {}
    daemon.kill()
    while let change = await iterator.next(), change != nil {}
    try daemon.start()
    let again = await iterator.next()
    #expect(again??.sinks.map(\.name) == ["out"])
  }
}
