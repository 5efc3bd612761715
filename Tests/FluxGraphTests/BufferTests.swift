import FluxGraph
import TestSupport
import Testing

private let stereo = AudioFormat(.s16le, rate: 16_000, channels: 2)

/// A buffer of 16-bit mono samples.
private func mono(_ samples: [Int16], capacity: Int? = nil) -> AudioBuffer {
  var buffer = AudioBuffer(
    format: AudioFormat(.s16le, rate: 16_000, channels: 1), capacity: capacity ?? samples.count)
  buffer.append { room in
    room.copyBytes(from: samples.withUnsafeBytes { Array($0) })
    return samples.count
  }
  return buffer
}

private func samples(_ buffer: borrowing AudioBuffer) -> [Int16] {
  buffer.withBytes { Array($0.bindMemory(to: Int16.self)) }
}

@Suite struct AudioBufferTests {
  @Test("taking frames from the front moves the position, and from the end does not")
  func removing() {
    var buffer = mono([1, 2, 3, 4, 5], capacity: 8)
    buffer.position = 100
    buffer.removeFirst(2)
    #expect(samples(buffer) == [3, 4, 5])
    #expect(buffer.position == 102)
    #expect(buffer.endPosition == 105)
    #expect(buffer.freeFrames == 3)
    buffer.removeLast(1)
    #expect(samples(buffer) == [3, 4])
    #expect(buffer.endPosition == 104)
    buffer.removeAll()
    #expect(buffer.frameCount == 0)
    #expect(buffer.position == 104)
    #expect(buffer.freeFrames == 8)
  }

  @Test("an empty buffer has all its room, however it was emptied")
  func emptied() {
    var first = mono([1, 2, 3])
    first.removeFirst(1)
    first.removeLast(2)
    #expect(first.freeFrames == 3)
    var second = mono([1, 2, 3])
    second.removeFirst(3)
    #expect(second.freeFrames == 3)
    #expect(second.position == 3)
  }

  @Test("no more is appended than fits")
  func bounds() {
    var buffer = mono([1], capacity: 4)
    let other = mono([2, 3, 4, 5, 6])
    #expect(buffer.append(other, from: 1, count: 2) == 2)
    #expect(samples(buffer) == [1, 3, 4])
    #expect(buffer.append(other, from: 9) == 0)
    #expect(buffer.append(other) == 1)
    #expect(buffer.append(other) == 0)
    #expect(samples(buffer) == [1, 3, 4, 2])
    #expect(buffer.appendSilence(5) == 0)
    var floats = AudioBuffer(format: AudioFormat(.f32le, rate: 8000, channels: 2), capacity: 2)
    floats.append([0.5, -0.5, 0.25])
    #expect(floats.frameCount == 1, "half a frame is none")
    floats.append([1, 2, 3, 4])
    #expect(floats.frameCount == 2)
  }

  @Test(
    "silence is what the format calls silence",
    arguments: [(SampleFormat.s16le, 0), (.f32le, 0), (.mulaw, 0xFF), (.alaw, 0xD5)]
      as [(SampleFormat, UInt8)])
  func silence(_ sample: SampleFormat, _ byte: UInt8) {
    var buffer = AudioBuffer(format: AudioFormat(sample, rate: 8000, channels: 2), capacity: 5)
    #expect(buffer.appendSilence(3) == 3)
    #expect(buffer.appendSilence(3) == 2)
    #expect(buffer.appendSilence(-1) == 0)
    let bytes = buffer.withBytes { Array($0) }
    #expect(bytes == Array(repeating: byte, count: 5 * 2 * sample.byteCount))
  }

  @Test("reset keeps the room where it is enough, and never shrinks it")
  func reset() {
    var buffer = AudioBuffer(format: stereo, capacity: 10)
    buffer.reset(format: AudioFormat(.alaw, rate: 8000, channels: 1), capacity: 1)
    #expect(buffer.capacity == 40)
    buffer.reset(format: stereo, capacity: 100)
    #expect(buffer.capacity == 100)
    #expect(buffer.frameCount == 0)
  }

  @Test("frames and durations convert to the nearest frame")
  func durations() {
    #expect(stereo.frames(in: .milliseconds(80)) == 1280)
    #expect(AudioFormat(.s16le, rate: 11_025, channels: 1).frames(in: .milliseconds(80)) == 882)
    #expect(AudioFormat(.s16le, rate: 11_127, channels: 1).frames(in: .milliseconds(80)) == 890)
    #expect(stereo.duration(ofFrames: 1280) == .milliseconds(80))
  }
}

@Suite struct ByteBufferTests {
  @Test("what goes in comes out, whatever the cuts; all that fits is taken, and never more")
  func random() {
    var generator = SeededGenerator(seed: 4)
    for _ in 0..<50 {
      var capacity = Int.random(in: 1...40, using: &generator)
      var buffer = ByteBuffer(capacity: capacity)
      var expected: [UInt8] = []
      var next: UInt8 = 0
      for _ in 0..<200 {
        if Bool.random(using: &generator) {
          let bytes = (0..<Int.random(in: 0...20, using: &generator)).map { next &+ UInt8($0) }
          let taken = buffer.append(bytes)
          #expect(taken == min(bytes.count, capacity - expected.count))
          expected += bytes.prefix(taken)
          next &+= UInt8(taken)
        } else {
          let count = Int.random(in: 0...buffer.count, using: &generator)
          buffer.removeFirst(count)
          expected.removeFirst(count)
        }
        if Int.random(in: 0..<50, using: &generator) == 0 {
          capacity *= 2
          buffer.growMemory(to: capacity)
        }
        #expect(buffer.withBytes { Array($0) } == expected)
        #expect(buffer.count + buffer.free == capacity)
      }
    }
  }

  @Test("a buffer that is not full always takes something")
  func progress() {
    var buffer = ByteBuffer(capacity: 8)
    buffer.append(Array(1...8))
    for byte in UInt8(9)...100 {
      buffer.removeFirst(1)
      #expect(buffer.append([byte]) == 1)
    }
    #expect(buffer.withBytes { Array($0) } == Array(93...100))
  }
}
