import AudioCodecs
import AudioDSP
import FluxGraph
import FluxProtocol

/// Why a client's audio cannot be heard.
package enum ListenAudioError: Error, Equatable, CustomStringConvertible {
  /// No encoding was declared, and the bytes are no container either.
  case unknownContainer
  /// What is wrong with the container, as a sentence without a full stop.
  case badContainer(String)
  case unsuitableRate(Int)
  /// More audio in one message than is held at once.
  case tooLong

  package var description: String {
    switch self {
    case .unknownContainer:
      "The audio is neither WAV nor Ogg; raw audio needs the parameters encoding and sample_rate."
    case .badContainer(let problem): "The audio cannot be decoded: \(problem)."
    case .unsuitableRate(let rate): "Audio of \(rate) Hz is not supported here; 8000 to 192000 Hz is."
    case .tooLong: "One message holds more than \(ListenAudio.mostSeconds) s of audio."
    }
  }
}

/// Turns a connection's binary messages into 16 kHz mono samples, whatever was declared or is found at their beginning.
struct ListenAudio: Sendable {
  /// Seconds of audio in one message; a damaged Ogg stream can claim any length.
  static let mostSeconds = 600
  /// Bytes that tell a container from samples.
  private static let containerHead = 64

  private enum Format: Sendable {
    case raw(SampleEncoding)
    /// The first bytes, until they tell.
    case undecided([UInt8])
    case container(ContainedSound)
  }

  private var format: Format
  private var converter: RateConverter?
  /// The first bytes of a sample cut by the end of a message.
  private var rest: [UInt8] = []

  init(_ parameters: ListenParameters) {
    switch parameters.encoding {
    case "linear16": format = .raw(.s16)
    case "mulaw": format = .raw(.muLaw)
    case "alaw": format = .raw(.aLaw)
    case "ogg-opus": format = .container(ContainedSound(.oggOpus))
    default: format = .undecided([])
    }
    if case .raw = format, let rate = parameters.sampleRate { converter = RateConverter(from: rate) }
  }

  mutating func decode(_ bytes: RawSpan) throws(ListenAudioError) -> [Int16] {
    switch format {
    case .raw(let encoding):
      return convert(decode(bytes, as: encoding))
    case .undecided(var first):
      bytes.withUnsafeBytes { first.append(contentsOf: $0) }
      // What begins with no container is told at once, as what stands in front of one cannot be long here.
      let isEnough = first.count >= Self.containerHead || !Self.mayBeContained(first)
      guard first.count >= 4,
        let found = first.withUnsafeBytes({ SoundProbe.find($0, isWhole: isEnough) })
      else {
        format = .undecided(first)
        return []
      }
      guard case .sound(let container, _) = found.kind, container.reader?.isServed == true else {
        throw .unknownContainer
      }
      format = .container(ContainedSound(container))
      return try decode(first.span.bytes.extracting(found.offset..<first.count))
    case .container(let sound):
      let samples = try sound.decode(bytes, isLast: false)
      if converter == nil, let rate = sound.rate {
        guard 8_000...192_000 ~= rate else { throw .unsuitableRate(rate) }
        converter = RateConverter(from: rate)
      }
      return convert(samples)
    }
  }

  private static func mayBeContained(_ first: [UInt8]) -> Bool {
    first.withUnsafeBytes { bytes in
      SoundFormat.all.contains { format in
        format.reader?.isServed == true && format.recognise(Beginning(bytes, isAll: false)) != .no
      }
    }
  }

  /// What the decoders still hold. The stream may end anywhere.
  mutating func finish() -> [Int16] {
    var samples: [Int16] = []
    // What is missing at the end is missing; what came before it was heard.
    if case .container(let sound) = format {
      samples = convert((try? sound.decode(RawSpan(), isLast: true)) ?? [])
    }
    return samples + (converter?.finish() ?? [])
  }

  private mutating func decode(_ bytes: RawSpan, as encoding: SampleEncoding) -> [Int16] {
    var whole = rest
    bytes.withUnsafeBytes { whole.append(contentsOf: $0) }
    rest = Array(whole.suffix(whole.count % encoding.size))
    return [Int16](unsafeUninitializedCapacity: whole.count / encoding.size) { buffer, count in
      buffer.initialize(repeating: 0)
      var output = buffer.mutableSpan
      count = encoding.decode(whole.span.bytes, into: &output)
    }
  }

  private mutating func convert(_ samples: [Int16]) -> [Int16] {
    converter?.convert(samples) ?? samples
  }
}

/// Any rate to 16 kHz.
private struct RateConverter: Sendable {
  /// How much of a mirror image of telephone speech is put into the empty band above it.
  ///
  /// The recogniser's model never heard an empty band: without this, three in four words at the beginning of a
  /// telephone call are wrong, with it one in four (nine sentences of flite at 8 kHz; 0.2 to 0.3 are best).
  private static let telephoneImage: Float = 0.25

  private var resampler: Resampler?
  private let fillsUpperBand: Bool
  private var isOdd = false

  init(from rate: Int) {
    resampler = rate == AudioClock.rate ? nil : Resampler(from: rate, to: AudioClock.rate, channels: 1)
    fillsUpperBand = rate == 8000
  }

  mutating func convert(_ samples: [Int16]) -> [Int16] {
    guard var resampler, !samples.isEmpty else { return samples }
    defer { self.resampler = resampler }
    var floats = [Float](repeating: 0, count: samples.count)
    var floatSpan = floats.mutableSpan
    _ = SampleConversion.convert(samples.span, into: &floatSpan)
    var resampled = [Float](repeating: 0, count: resampler.outputCapacity(forInput: samples.count) + 1)
    var resampledSpan = resampled.mutableSpan
    let produced = resampler.process(floats.span, into: &resampledSpan).produced
    return rounded(&resampled, count: produced)
  }

  mutating func finish() -> [Int16] {
    guard var resampler else { return [] }
    defer { self.resampler = resampler }
    var tail = [Float](repeating: 0, count: AudioClock.stepSamples)
    var samples: [Int16] = []
    while true {
      var output = tail.mutableSpan
      let produced = resampler.finish(into: &output)
      guard produced > 0 else { return samples }
      samples += rounded(&tail, count: produced)
    }
  }

  private mutating func rounded(_ samples: inout [Float], count: Int) -> [Int16] {
    if fillsUpperBand {
      // Changing the sign of every other sample mirrors the spectrum about 4 kHz.
      for index in 0..<count {
        samples[index] *= 1 + (isOdd ? -Self.telephoneImage : Self.telephoneImage)
        isOdd.toggle()
      }
    }
    var rounded = [Int16](repeating: 0, count: count)
    var output = rounded.mutableSpan
    _ = SampleConversion.convert(samples.span, into: &output)
    return rounded
  }
}
