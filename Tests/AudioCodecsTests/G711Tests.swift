import AudioCodecs
import TestSupport
import Testing

@Suite struct G711Tests {
  @Test("all bytes decode to what ffmpeg decodes them to", .enabled(if: Peers.haveFFmpeg))
  func decoding() throws {
    let all = (0...255).map { UInt8($0) }
    let muLaw = try Peers.ffmpeg("-f mulaw -ar 8000 -i pipe:0 -f s16le -c:a pcm_s16le pipe:1", input: all)
    #expect(samples(muLaw, as: Int16.self) == all.map { G711.sample(muLaw: $0) })
    let aLaw = try Peers.ffmpeg("-f alaw -ar 8000 -i pipe:0 -f s16le -c:a pcm_s16le pipe:1", input: all)
    #expect(samples(aLaw, as: Int16.self) == all.map { G711.sample(aLaw: $0) })
  }

  @Test(
    "samples are encoded as ffmpeg does, but for those just above the beginning of a segment",
    .enabled(if: Peers.haveFFmpeg))
  func encoding() throws {
    let all = (-32768...32767).map { Int16($0) }
    let muLaw = try Peers.ffmpeg(
      "-f s16le -ar 8000 -i pipe:0 -f mulaw -c:a pcm_mulaw pipe:1", input: bytes(all))
    let aLaw = try Peers.ffmpeg("-f s16le -ar 8000 -i pipe:0 -f alaw -c:a pcm_alaw pipe:1", input: bytes(all))
    // ffmpeg takes the nearest of two values; the decision values of the standard lie where the segments
    // meet, a quarter of a step below the middle of the values around them.
    for (codes, encode, mask) in [(muLaw, G711.muLaw, 0xFF), (aLaw, G711.aLaw, 0x55)] {
      var different = 0
      for (sample, theirs) in zip(all, codes) {
        let ours = encode(sample)
        guard ours != theirs else { continue }
        different += 1
        #expect(abs((Int(ours) ^ mask) - (Int(theirs) ^ mask)) == 1, "\(sample)")
      }
      #expect(different < all.count / 50)
    }
  }

  @Test("every byte survives decoding and encoding, but for the second zero of mu-law")
  func roundTrip() {
    for byte in UInt8.min...UInt8.max {
      #expect(G711.aLaw(G711.sample(aLaw: byte)) == byte)
      #expect(G711.muLaw(G711.sample(muLaw: byte)) == (byte == 0x7F ? 0xFF : byte))
    }
  }
}
