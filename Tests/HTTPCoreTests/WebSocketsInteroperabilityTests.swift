import HTTPCore
import TestSupport
import Testing

/// Against the frames of Python's `websockets`, without sockets.
@Suite(
  "Interoperability with Python websockets",
  .enabled(if: Peers.havePython, "needs the Python of the peers, or FLUXGRAPH_REQUIRE_PEERS=1 to insist"))
struct WebSocketsInteroperabilityTests {
  static let lengths = [0, 1, 2, 3, 7, 8, 9, 124, 125, 126, 127, 2560, 65535, 65536, 70_001]

  static func payload(_ length: Int) -> [UInt8] {
    (0..<length).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ 7) }
  }

  /// Prints what the peer sees: `opcode fin hex` a frame, or the close code it fails with.
  static let reader = #"""
    import sys
    from websockets.exceptions import PayloadTooBig, ProtocolError
    from websockets.protocol import Protocol, Side, State
    codes = {ProtocolError: 1002, UnicodeDecodeError: 1007, PayloadTooBig: 1009, type(None): 0}
    for line in sys.stdin:
        role, data = line.split()
        peer = Protocol(Side.SERVER if role == "client" else Side.CLIENT, state=State.OPEN)
        peer.receive_data(bytes.fromhex(data))
        print(" ".join("%d,%d,%s" % (frame.opcode, frame.fin, bytes(frame.data).hex())
            for frame in peer.events_received()) or "-", codes[type(peer.parser_exc)])
    """#

  @Test("what we write, the peer reads")
  func weWrite() throws {
    var lines: [String] = []
    var expected: [String] = []
    func add(_ frames: [(opcode: WebSocketOpcode, isFinal: Bool, payload: [UInt8])]) {
      for (role, key) in [("client", UInt32(0x9A3C_55E1)), ("server", nil)] {
        let stream = frames.flatMap { frame($0.opcode, $0.payload, isFinal: $0.isFinal, maskKey: key) }
        lines.append("\(role) \(hexadecimal(stream))")
        expected.append(
          frames.map { "\($0.opcode.rawValue),\($0.isFinal ? 1 : 0),\(hexadecimal($0.payload))" }
            .joined(separator: " ") + " 0")
      }
    }
    for length in Self.lengths {
      add([(.binary, true, Self.payload(length))])
      if length <= 125 { add([(.ping, true, Self.payload(length)), (.pong, true, Self.payload(length))]) }
    }
    let text = Array("zwölf Boxkämpfer 🥊".utf8)
    add([
      (.text, false, Array(text[..<3])), (.ping, true, [1]), (.continuation, false, []),
      (.continuation, true, Array(text[3...])),
    ])
    let codes = Array(1000...1003) + Array(1007...1014) + [3000, 3999, 4000, 4999]
    for code in codes { add([(.close, true, [UInt8(code >> 8), UInt8(code & 255)] + Array("why".utf8))]) }
    add([(.close, true, [])])
    let output = try Peers.python(Self.reader, input: lines.joined(separator: "\n") + "\n")
    let found = output.split(separator: "\n").map { String($0) }
    try #require(found.count == expected.count)
    for (found, expected) in zip(found, expected) {
      #expect(found == expected, "\(found.prefix(80)) is not \(expected.prefix(80))")
    }
  }

  /// Prints `role stream events`, the events as our decoder should see them.
  static let writer = #"""
    import random
    from websockets.frames import Close, Frame, Opcode
    random.seed(6455)
    def line(frames, events):
        for role in ("client", "server"):
            stream = b"".join(frame.serialize(mask=role == "client", extensions=[]) for frame in frames)
            print(role, stream.hex(), events)
    def data(length): return bytes(random.randrange(256) for _ in range(length))
    for length in [0, 1, 5, 8, 125, 126, 127, 2560, 65535, 65536, 70001]:
        payload = data(length)
        line([Frame(Opcode.BINARY, payload)], "b" + payload.hex())
        if length <= 125:
            line([Frame(Opcode.PING, payload), Frame(Opcode.PONG, payload)], "i%s,o%s" % (payload.hex(), payload.hex()))
    text = "Füchse jagen 🦊 durch Täler".encode()
    for first in range(len(text)):
        for second in (first, min(first + 3, len(text))):
            line([Frame(Opcode.TEXT, text[:first], fin=False), Frame(Opcode.PING, b"p"),
                Frame(Opcode.CONT, text[first:second], fin=False), Frame(Opcode.CONT, text[second:])],
                "i70,t" + text.hex())
    for code in [*range(1000, 1004), *range(1007, 1015), 3000, 3999, 4000, 4999]:
        line([Frame(Opcode.CLOSE, Close(code, "gr\u00fcnde").serialize())], "c%d:%s" % (code, "gr\u00fcnde".encode().hex()))
    line([Frame(Opcode.CLOSE, b"")], "c:")
    """#

  static func text(_ event: WebSocketMessage) -> String {
    switch event {
    case .binary(let data): "b" + hexadecimal(data)
    case .ping(let data): "i" + hexadecimal(data)
    case .pong(let data): "o" + hexadecimal(data)
    case .text(let text): "t" + hexadecimal(text.bytes)
    case .close(let code, let reason): "c\(code.map(\.description) ?? ""):\(hexadecimal(Array(reason.utf8)))"
    }
  }

  @Test("what the peer writes, we read, cut anywhere")
  func peerWrites() throws {
    let lines = try Peers.python(Self.writer).split(separator: "\n")
    #expect(lines.count > 150)
    var generator = SeededGenerator(seed: 3)
    for line in lines {
      let parts = line.split(separator: " ")
      try #require(parts.count == 3)
      let role: WebSocketRole = parts[0] == "client" ? .server : .client
      let stream = bytes(hexadecimal: parts[1])
      let cuts = (0..<5).map { _ in Int.random(in: 0...stream.count, using: &generator) }.sorted()
      for cuts in [[], cuts] {
        let result = decode(stream, role: role, cutAt: cuts)
        #expect(result.error == nil)
        #expect(result.events.map(Self.text).joined(separator: ",") == parts[2])
      }
    }
  }

  @Test("a stream with any one bit flipped fails with the peer's close code or not at all")
  func sameVerdict() throws {
    let original =
      frame(.text, "héllo", isFinal: false, maskKey: 3) + frame(.ping, "p", maskKey: 4)
      + frame(.continuation, "wörld", maskKey: 5) + frame(.close, [3, 0xE8, 0x61], maskKey: 6)
    let streams = (0..<(original.count * 8)).map { bit in
      var stream = original
      stream[bit / 8] ^= 1 << UInt8(bit % 8)
      return stream
    }
    let input = streams.map { "client " + hexadecimal($0) }.joined(separator: "\n") + "\n"
    let verdicts = try Peers.python(Self.reader, input: input).split(separator: "\n")
    try #require(verdicts.count == streams.count)
    var failures = 0
    for (stream, verdict) in zip(streams, verdicts) {
      let ours = decode(stream, role: .server)
      let theirs = verdict.split(separator: " ").last ?? ""
      switch (ours.error, theirs) {
      // The peer checks the text of messages elsewhere, and takes lengths in any form.
      case (.invalidUTF8, _), (.lengthNotMinimal, _): break
      // We judge a frame's place by its header, the peer when all of it is there.
      case (.continuationWithoutStart, "0"), (.dataFrameInsideFragmentedMessage, "0"): break
      // Wrong in code and reason: the peer looks at the reason first.
      case (.closeCodeNotAllowed, "1007"): break
      // Refuses a close inside a fragmented message, which RFC 6455 §5.4 allows of all control frames.
      case (nil, "1002") where ours.events == [.ping([0x70]), .close(code: .normal, reason: "a")]: break
      default:
        #expect(theirs == ours.error?.closeCode.description ?? "0", "\(hexadecimal(stream)): \(ours)")
        if ours.error != nil { failures += 1 }
      }
    }
    #expect(failures > 50)
  }
}
