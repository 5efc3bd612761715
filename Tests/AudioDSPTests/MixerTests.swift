import AudioDSP
import TestSupport
import Testing

@Suite struct MixerTests {
  func mixed(_ input: [Float], _ mixer: Mixer) -> [Float] {
    var output = [Float](repeating: .nan, count: input.count / mixer.channels)
    var span = output.mutableSpan
    #expect(mixer.mix(input.span, into: &span) == output.count)
    return output
  }

  @Test("stereo is averaged")
  func stereo() throws {
    let mixer = try #require(Mixer(channels: 2))
    #expect(mixed([1, 0, 0.5, -0.5, 0.25, 0.75, 1, 1], mixer) == [0.5, 0, 0.5, 1])
  }

  @Test("5.1 and 7.1 take the weights of BS.775 without low frequencies, scaled to a sum of one")
  func surround() {
    let weights = Mixer.weights(for: 6)
    #expect(abs(weights[0] / weights[2] - 0.7071) < 1e-4)
    #expect(weights[0] == weights[1])
    #expect(weights[3] == 0)
    #expect(weights[4] / weights[2] == 0.5)
    for channels in 1...16 {
      #expect(abs(Mixer.weights(for: channels).reduce(0, +) - 1) < 1e-6)
      #expect(Mixer.weights(for: channels).allSatisfy { $0 >= 0 })
    }
    #expect(Mixer.weights(for: 4) == [0.25, 0.25, 0.25, 0.25])
  }

  @Test("every channel arrives with its weight", arguments: [1, 3, 6, 8])
  func weights(channels: Int) throws {
    let mixer = try #require(Mixer(channels: channels))
    for channel in 0..<channels {
      var frame = [Float](repeating: 0, count: channels)
      frame[channel] = 1
      #expect(mixed(frame, mixer) == [mixer.weights[channel]])
    }
  }

  @Test("one channel can be picked, and only one that is there")
  func picks() throws {
    let input: [Float] = [1, 2, 3, 4, 5, 6]
    #expect(mixed(input, try #require(Mixer(channels: 2, mode: .left))) == [1, 3, 5])
    #expect(mixed(input, try #require(Mixer(channels: 2, mode: .right))) == [2, 4, 6])
    #expect(mixed(input, try #require(Mixer(channels: 3, mode: .channel(2)))) == [3, 6])
    #expect(Mixer(channels: 1, mode: .right) == nil)
    #expect(Mixer(channels: 2, mode: .channel(-1)) == nil)
  }

  @Test("mixing in place gives the same", arguments: [1, 2, 5, 6])
  func inPlace(channels: Int) throws {
    var random = SeededGenerator(seed: 7)
    let input = (0..<(channels * 100)).map { _ in Float.random(in: -1...1, using: &random) }
    let mixer = try #require(Mixer(channels: channels))
    var samples = input
    var span = samples.mutableSpan
    let frames = mixer.mix(inPlace: &span)
    #expect(frames == 100)
    #expect(Array(samples[..<frames]) == mixed(input, mixer))
  }

  @Test("only whole frames that fit are mixed")
  func bounds() throws {
    let mixer = try #require(Mixer(channels: 2))
    var output: [Float] = [9, 9]
    var span = output.mutableSpan
    #expect(mixer.mix([1, 1, 1].span, into: &span) == 1)
    #expect(mixer.mix([1, 1, 1, 1, 1, 1].span, into: &span) == 2)
  }
}
