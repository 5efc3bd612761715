import AudioCodecs
import AudioStages
import FluxGraph

/// What libFuzzer calls with each input: a sound file, or what a radio station sends. The first byte says how it is cut, and
/// which place in it is asked for; the rest goes through every reader.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzSound(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
  guard count > 1 else { return 0 }
  let bytes = Array(UnsafeBufferPointer(start: start + 1, count: count - 1))
  let choice = Int(start[0])
  decode(bytes, pieces: choice * 7 + 1)
  readWAV(bytes, pieces: choice * 7 + 1)
  readOpus(bytes, pieces: choice * 7 + 1)
  seekOpus(bytes, second: choice)
  readRadio(bytes, interval: choice + 1)
  return 0
}

/// What `decode` does with a stream: it finds out what it is, and has its reader read it.
private func decode(_ bytes: [UInt8], pieces: Int) {
  guard let found = bytes.withUnsafeBytes({ SoundProbe.find($0, isWhole: true) }) else {
    preconditionFailure("all there is is enough to tell")
  }
  precondition((0...bytes.count).contains(found.offset))
  guard found.isReadHere, case .sound(let format, _) = found.kind, let reader = format.reader else { return }
  var decoder = reader.decoder(AudioRequirement(sample: .s16le, rate: 16_000, channels: 1))
  var buffer = ByteBuffer(capacity: 1 << 17)
  var audio = AudioBuffer(format: AudioFormat(.s16le, rate: 16_000, channels: 1), capacity: 0)
  var (offset, frames) = (found.offset, 0)
  while frames < 1 << 20 {
    let piece = Array(bytes[offset..<min(bytes.count, offset + pieces, offset + buffer.free)])
    offset += buffer.append(piece)
    let before = buffer.count
    guard let progress = try? decoder.decode(&buffer, isLast: offset == bytes.count, into: &audio) else { return }
    frames += audio.frameCount
    audio.removeAll()
    if progress == .finished || progress == .needsBytes && piece.isEmpty && buffer.count == before { return }
  }
}

private func readWAV(_ bytes: [UInt8], pieces: Int) {
  var reader = WAVReader()
  var room = [Float](repeating: 0, count: 512)
  var (offset, samples) = (0, 0)
  do throws(WAVError) {
    while offset < bytes.count {
      let piece = Array(bytes[offset..<min(bytes.count, offset + pieces)])
      var span = room.mutableSpan
      let result = try reader.read(piece.span.bytes, into: &span)
      // A reader that takes nothing and gives nothing has said that the samples are over.
      if result.consumed == 0 && result.frames == 0 { break }
      offset += result.consumed
      samples += result.frames * (reader.format?.channels ?? 0)
    }
    try reader.finish()
  } catch {
    _ = "\(error)"
  }
  precondition(samples <= bytes.count, "\(samples) samples in \(bytes.count) bytes")
}

private func readOpus(_ bytes: [UInt8], pieces: Int) {
  var decoder = OggOpusDecoder<Int16>(rate: 8000, channels: 1)
  var room = [Int16](repeating: 0, count: 2048)
  var (offset, frames) = (0, 0)
  do {
    while true {
      var span = room.mutableSpan
      let count = try decoder.read(into: &span)
      frames += count
      // Gaps are filled for as long as ten minutes each.
      if count > 0 && frames < 1 << 20 { continue }
      if count > 0 || offset == bytes.count { break }
      let piece = Array(bytes[offset..<min(bytes.count, offset + pieces)])
      offset += decoder.push(piece.span.bytes)
      if offset == bytes.count { decoder.finish() }
    }
  } catch {
    _ = "\(error)"
  }
}

private func seekOpus(_ bytes: [UInt8], second: Int) {
  var readings = 0
  var seeker = OggOpusSeeker<Never>(length: bytes.count) { offset, count in
    readings += 1
    return Array(bytes.dropFirst(offset).prefix(count))
  }
  if let point = seeker.point(for: second * 4800) {
    precondition(point.headerLength <= bytes.count && (0..<bytes.count).contains(point.offset))
  }
  precondition(readings < 100 + bytes.count / 1000, "\(readings) readings of \(bytes.count) bytes")
}

private func readRadio(_ bytes: [UInt8], interval: Int) {
  var stream = ICYStream(interval: interval)
  var sound = 0
  let title = bytes.withUnsafeBytes { stream.take($0) { sound += $0.count } }
  precondition(sound <= bytes.count)
  precondition((title ?? " ").count <= 200)
}
