import ExampleStages
import FluxGraph
import Foundation
import StageTesting
import Testing

@Suite struct DialTests {
  @Test("keeps what every stage owes") func contract() async throws {
    try await StageContract.check(Dial.self, #"dial "020 7946" tone=50ms pause=40ms"#)
  }

  @Test("each key is two frequencies, and silence behind them") func tones() throws {
    var stage = Dial()
    stage.number = "5 #"
    let samples = try AudioHarness.run(stage).floats
    #expect(samples.count == 2 * 1_600)
    for (start, low, high) in [(0, 770.0, 1336.0), (1_600, 941, 1477)] {
      let tone = samples[start..<(start + 800)]
      #expect(power(of: tone, at: low) > 0.1 && power(of: tone, at: high) > 0.1)
      #expect(power(of: tone, at: 697) < 0.02 && power(of: tone, at: 1633) < 0.02)
      #expect(samples[(start + 800)..<(start + 1_600)].allSatisfy { $0 == 0 })
    }
  }

  @Test("a key no telephone has is told before anything runs") func keys() {
    var stage = Dial()
    stage.number = "12x"
    #expect(throws: OptionConflict.self) { try stage.checkOptions() }
  }

  /// The amplitude of a frequency at 8 kHz.
  private func power(of samples: ArraySlice<Float>, at hertz: Double) -> Double {
    let parts = samples.enumerated().reduce((0.0, 0.0)) { sum, entry in
      let angle = 2 * Double.pi * hertz * Double(entry.offset) / 8_000
      return (sum.0 + Double(entry.element) * cos(angle), sum.1 + Double(entry.element) * sin(angle))
    }
    return 2 * hypot(parts.0, parts.1) / Double(samples.count)
  }
}

@Suite(.timeLimit(.minutes(1))) struct RTPTests {
  @Test("keeps what every stage owes") func contract() async throws {
    let caller = try Caller()
    let speaking = caller.speak()
    defer { speaking.cancel() }
    try await StageContract.check(RTP.self, "rtp 127.0.0.1:\(caller.port)")
  }

  @Test("what is lost is silence of the same length; what is late or somebody else's is left out")
  func losses() throws {
    let caller = try Caller()
    var stage = RTP()
    stage.address = try #require(ServerAddress(host: "127.0.0.1", port: caller.port))
    let format = try stage.open(TestWorld().context())
    #expect(format == AudioFormat(.mulaw, rate: 8_000, channels: 1))
    caller.send(time: 4_294_967_200, samples: 1)
    caller.send(time: 64, samples: 2, source: 2)
    caller.send(time: 64, samples: 3, count: 160, marker: true)
    // 160 are missing, over the counter's end.
    caller.send(time: 384, samples: 4)
    caller.send(time: 224, samples: 5)
    var heard: [UInt8] = []
    var block = AudioBuffer(format: format, capacity: 100)
    while try stage.read(into: &block) == .produced {
      block.withBytes { heard += $0 }
      block.removeAll()
    }
    let runs = heard.reduce(into: [(byte: UInt8, count: Int)]()) { runs, byte in
      if runs.last?.byte == byte { runs[runs.count - 1].count += 1 } else { runs.append((byte, 1)) }
    }
    #expect(runs.map(\.byte) == [1, 3, 0xFF, 4])
    #expect(runs.map(\.count) == [160, 160, 160, 160])
    stage.close()
  }

  @Test("whatever comes, only what lies in the packet is read") func mutations() {
    var random = SeededGenerator(seed: 0x5EED)
    let good = Caller.packet(time: 7, samples: 1, source: 9)
    var call = RTPCall()
    for _ in 0..<20_000 {
      var bytes = good
      for _ in 0..<Int.random(in: 1...8, using: &random) {
        bytes[Int.random(in: 0..<24, using: &random)] = .random(in: .min ... .max, using: &random)
      }
      let count = Int.random(in: 0...bytes.count, using: &random)
      guard let packet = RTPPacket(bytes, count: count) else { continue }
      #expect(
        packet.payload.lowerBound >= 12 && packet.payload.upperBound <= count && !packet.payload.isEmpty)
      if let gap = call.place(packet) { #expect((0..<40_000).contains(gap)) }
    }
  }
}

/// Sends µ-law to a port nobody else has.
private struct Caller: Sendable {
  let port: UInt16
  private let socket: Int32

  init() throws {
    func address(_ port: UInt16) -> sockaddr_in {
      sockaddr_in(
        sin_family: sa_family_t(AF_INET), sin_port: port.bigEndian,
        sin_addr: in_addr(s_addr: UInt32(0x7F00_0001).bigEndian),
        sin_zero: (0, 0, 0, 0, 0, 0, 0, 0))
    }
    // A port that was free a moment ago.
    let probe = Glibc.socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0)
    defer { close(probe) }
    var place = address(0)
    var size = socklen_t(MemoryLayout<sockaddr_in>.size)
    let isBound = withUnsafeMutablePointer(to: &place) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(probe, $0, size) == 0 && getsockname(probe, $0, &size) == 0
      }
    }
    try #require(isBound)
    port = UInt16(bigEndian: place.sin_port)
    socket = Glibc.socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0)
    var target = address(port)
    // Without `connect`: the port may be nobody's for a while, which a connected socket would be told.
    self.target = withUnsafeBytes(of: &target) { Array($0) }
  }

  private let target: [UInt8]

  static func packet(time: UInt32, samples: UInt8, source: UInt32, count: Int = 160, marker: Bool = false)
    -> [UInt8]
  {
    let number = { (value: UInt32) in (0..<4).map { UInt8(truncatingIfNeeded: value >> (24 - 8 * $0)) } }
    return [0x80, marker ? 0x80 : 0, 0, 1] + number(time) + number(source)
      + [UInt8](repeating: samples, count: count)
  }

  func send(time: UInt32, samples: UInt8, source: UInt32 = 1, count: Int = 160, marker: Bool = false) {
    let bytes = Self.packet(time: time, samples: samples, source: source, count: count, marker: marker)
    target.withUnsafeBytes { place in
      _ = sendto(
        socket, bytes, bytes.count, 0, place.baseAddress!.assumingMemoryBound(to: sockaddr.self),
        socklen_t(place.count))
    }
  }

  /// Sends a packet every millisecond until cancelled.
  func speak() -> Task<Void, any Error> {
    Task.detached {
      for number in 0... {
        send(time: UInt32(truncatingIfNeeded: 160 * number), samples: 0x90)
        try await Task.sleep(for: .milliseconds(1))
      }
    }
  }
}

/// The same numbers on every run (SplitMix64).
struct SeededGenerator: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) {
    state = seed
  }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var value = state
    value = (value ^ value >> 30) &* 0xBF58_476D_1CE4_E5B9
    value = (value ^ value >> 27) &* 0x94D0_49BB_1331_11EB
    return value ^ value >> 31
  }
}
