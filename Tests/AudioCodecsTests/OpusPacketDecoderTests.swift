import AudioCodecs
import TestSupport
import Testing

@Suite(.enabled(if: Peers.haveFFmpeg)) struct OpusPacketDecoderTests {
  @Test("packets decode to their length, at the rates libopus has and no others")
  func rates() throws {
    let packets = try OggOpusDecoderTests.packets(OpusFiles.short.get())
    for rate in OpusPacketDecoder.rates {
      var decoder = try OpusPacketDecoder(rate: rate, channels: 1)
      var output = [Float](repeating: .nan, count: decoder.largestFrameCount)
      for packet in packets {
        var span = output.mutableSpan
        #expect(try decoder.decode(packet.span.bytes, into: &span) == rate / 50)
      }
      var span = output.mutableSpan
      #expect(try decoder.conceal(rate / 50, into: &span) == rate / 50)
      #expect(output[..<(rate / 50)].allSatisfy { abs($0) <= 2 })
    }
    #expect(throws: OpusError.self) { _ = try OpusPacketDecoder(rate: 44100, channels: 1) }
    #expect(throws: OpusError.self) { _ = try OpusPacketDecoder(rate: 16000, channels: 3) }
  }

  @Test("what is not a packet, and buffers too small for one, are refused in libopus's words")
  func refused() throws {
    let packet = try OggOpusDecoderTests.packets(OpusFiles.short.get())[0]
    var decoder = try OpusPacketDecoder(rate: 16000, channels: 2)
    var output = [Int16](repeating: 0, count: 3840)
    var messages: [String] = []
    for (bytes, room) in [([UInt8](), 3840), ([0xFF, 0], 3840), (packet, 638)] {
      var small = Array(output[..<room])
      var span = small.mutableSpan
      do throws(OpusError) {
        _ = try decoder.decode(bytes.span.bytes, into: &span)
      } catch {
        messages.append(error.description)
      }
    }
    #expect(
      messages == [
        "The Opus decoder failed: invalid argument.", "The Opus decoder failed: corrupted stream.",
        "The Opus decoder failed: buffer too small.",
      ])
    var span = output.mutableSpan
    #expect(try decoder.decode(packet.span.bytes, into: &span) == 320)
  }
}
