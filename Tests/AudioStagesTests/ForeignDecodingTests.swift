import AudioCodecs
import AudioStages
import FluxGraph
import Foundation
import StageTesting
import Testing

/// A decoder that is another program, with the time in our hands.
@Suite struct ForeignDecodingTests {
  @Test("a program that takes everything and gives nothing is ended after half a minute")
  func patience() throws {
    let world = TestWorld()
    let child = try FluxGraph.ChildProcess(["sleep", "600"], directory: "/", environment: [:], input: .pipe)
    let decode = FFmpegDecoder(child, surplus: .zero, .any, world.context(name: "decode"))
    var bytes = ByteBuffer(capacity: 4096)
    var audio = AudioBuffer(format: AudioFormat(.s16le, rate: 8000, channels: 1), capacity: 0)
    bytes.append([UInt8](repeating: 0, count: 1000))
    #expect(try decode.decode(&bytes, isLast: true, into: &audio) == .waiting)
    let isEmpty = bytes.isEmpty
    #expect(isEmpty)
    world.loop.advance(by: .seconds(29))
    #expect(try decode.decode(&bytes, isLast: true, into: &audio) == .waiting)
    world.loop.advance(by: .seconds(2))
    #expect(throws: StageError.self) { try decode.decode(&bytes, isLast: true, into: &audio) }
    while try !decode.close() { usleep(10_000) }
  }
}
