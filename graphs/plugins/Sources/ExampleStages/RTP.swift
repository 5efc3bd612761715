public import FluxGraph
import Glibc

/// The stage `rtp`: a telephone call as a switchboard sends it, µ-law in RTP packets (RFC 3550, payload type 0) over UDP.
public struct RTP: AudioSource {
  public static let description = StageDescription<RTP>(
    "rtp", "Listens for a telephone call: µ-law in RTP packets.",
    details: """
      The call that comes first is heard, and no other one. Packets that are lost are silence of the same length, so that times \
      stay true; those that come too late are left out.
      """,
    examples: ["rtp 127.0.0.1:5004 | flux | stdout live", "rtp 0.0.0.0:5004 | wav call.wav"]
  ) {
    Option("address", \RTP.address, "Where packets are sent to.", positional: true, required: true)
  }

  public var address = ServerAddress(host: "127.0.0.1", port: 5004)!
  private let format = AudioFormat(.mulaw, rate: 8_000, channels: 1)
  private var socket: PacketSocket?
  private var call = RTPCall()
  private var context: StageContext?
  /// A packet, and what of it is still to be given.
  private var packet: [UInt8] = []
  private var payload = 0..<0
  /// Frames of silence to be given before it.
  private var silence = 0

  public init() {}

  /// `live`: audio comes in its own time, and is lost when nobody takes it.
  public var output: AudioStreamType { AudioStreamType(format, liveness: .live) }

  public mutating func open(_ context: StageContext) throws -> AudioFormat {
    self.context = context
    socket = try PacketSocket(address)
    packet = [UInt8](repeating: 0, count: 2_048)
    return format
  }

  public mutating func read(into audio: inout AudioBuffer) throws -> SourceProgress {
    guard let socket, let context else { return .finished }
    while silence == 0 && payload.isEmpty {
      guard let count = socket.receive(&packet) else {
        context.wakeWhenReadable(socket.number)
        return .waiting
      }
      guard let heard = RTPPacket(packet, count: count), let gap = call.place(heard) else { continue }
      (silence, payload) = (gap, heard.payload)
    }
    audio.captureTime = context.clock.now()
    silence -= audio.appendSilence(silence)
    let taken = silence > 0 ? 0 : min(payload.count, audio.freeFrames)
    audio.append { room in
      for index in 0..<taken { room[index] = packet[payload.lowerBound + index] }
      return taken
    }
    payload = (payload.lowerBound + taken)..<payload.upperBound
    return .produced
  }

  public mutating func close() { socket = nil }
}

/// What is of use in an RTP packet of µ-law.
package struct RTPPacket: Equatable {
  /// Counts samples, from a number nobody knows.
  package var time: UInt32
  /// Who sends it.
  package var source: UInt32
  /// Where the samples are among the packet's bytes.
  package var payload: Range<Int>

  /// nil when the bytes are none.
  package init?(_ bytes: [UInt8], count: Int) {
    // Version 2; payload type 0, whatever the marker says.
    guard count >= 12, bytes.count >= count, bytes[0] >> 6 == 2, bytes[1] & 0x7F == 0 else { return nil }
    time = Self.number(bytes, at: 4)
    source = Self.number(bytes, at: 8)
    var start = 12 + 4 * Int(bytes[0] & 0xF)
    if bytes[0] & 0x10 != 0 {
      // An extension: two bytes of kind, two of length in words.
      guard start + 4 <= count else { return nil }
      start += 4 + 4 * (Int(bytes[start + 2]) << 8 | Int(bytes[start + 3]))
    }
    let padding = bytes[0] & 0x20 != 0 ? Int(bytes[count - 1]) : 0
    guard start < count - padding else { return nil }
    payload = start..<(count - padding)
  }

  private static func number(_ bytes: [UInt8], at place: Int) -> UInt32 {
    var number: UInt32 = 0
    for index in place..<(place + 4) { number = number << 8 | UInt32(bytes[index]) }
    return number
  }
}

/// Where the packets of one call belong.
package struct RTPCall {
  /// A jump beyond this is no loss: the clock of the sender has been set anew.
  private static let jump = 8_000 * 5
  private var source: UInt32?
  private var next: UInt32 = 0

  package init() {}

  /// Frames that are missing before a packet; nil when it is not wanted: another call's, or too late.
  package mutating func place(_ packet: RTPPacket) -> Int? {
    guard source == nil || source == packet.source else { return nil }
    // The counter wraps round.
    let distance = source == nil ? 0 : Int(Int32(bitPattern: packet.time &- next))
    if distance < 0 && distance > -Self.jump { return nil }
    source = packet.source
    next = packet.time &+ UInt32(packet.payload.count)
    return abs(distance) >= Self.jump ? 0 : distance
  }
}

/// A UDP socket that does not block.
private final class PacketSocket {
  let number: Int32

  init(_ address: ServerAddress) throws(StageError) {
    var hints = addrinfo()
    hints.ai_flags = AI_NUMERICHOST | AI_PASSIVE
    hints.ai_socktype = Int32(SOCK_DGRAM.rawValue)
    var found: UnsafeMutablePointer<addrinfo>?
    getaddrinfo(address.host, String(address.port), &hints, &found)
    defer { freeaddrinfo(found) }
    guard let place = found?.pointee else {
      throw StageError(.unavailable, "\(address) is no address of this machine")
    }
    number = Glibc.socket(
      place.ai_family, place.ai_socktype | Int32(SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue), 0)
    guard number >= 0, bind(number, place.ai_addr, place.ai_addrlen) == 0 else {
      throw StageError(
        .unavailable, "nothing can be received at \(address): \(String(cString: strerror(errno)))")
    }
  }

  deinit {
    if number >= 0 { Glibc.close(number) }
  }

  /// The length of the packet that was put into `bytes`; nil when none is there.
  func receive(_ bytes: inout [UInt8]) -> Int? {
    let count = recv(number, &bytes, bytes.count, 0)
    return count < 0 ? nil : count
  }
}
