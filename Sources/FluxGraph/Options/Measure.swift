/// A number and the unit written behind it: `80ms` is 80 and "ms". The common first step of reading every quantity.
struct Measure {
  var number: Double
  var unit: Substring

  /// nil when `text` does not begin with a decimal number.
  init?(_ text: String) {
    // Longer digits than a Double can tell apart are a mistake, and a limit keeps the scan short.
    guard text.utf8.count <= 40 else { return nil }
    var end = text.startIndex
    if let first = text.first, first == "-" || first == "+" { end = text.index(after: end) }
    let digitsStart = end
    var points = 0
    while end < text.endIndex {
      let character = text[end]
      if character == "." {
        points += 1
      } else if !(character.isASCII && character.isNumber) {
        break
      }
      end = text.index(after: end)
    }
    guard end > digitsStart, points <= 1, let number = Double(text[..<end]) else { return nil }
    self.number = number
    unit = text[end...]
  }

  /// The number, if no unit follows it.
  var bare: Double? { unit.isEmpty ? number : nil }

  /// The number in the unit whose size is 1, out of `units`, a table of spellings and sizes.
  func scaled(_ units: KeyValuePairs<String, Double>) -> Double? {
    for (name, size) in units where name == unit { return number * size }
    return nil
  }
}

/// How people write units whose name here is another.
private let otherSpellings: KeyValuePairs<String, [String]> = [
  "ms": ["msec", "msecs", "milliseconds", "millisecond", "millis"],
  "s": ["sec", "secs", "second", "seconds"],
  "m": ["min", "mins", "minute", "minutes"],
  "h": ["hr", "hrs", "hour", "hours"],
  "x": ["times"],
]

/// The unit that is written like one of `units`, but for capital letters, or in full.
private func unit(meantBy text: some StringProtocol, in units: KeyValuePairs<String, Double>) -> String? {
  let word = text.lowercased()
  if let unit = units.first(where: { $0.key.lowercased() == word }) { return unit.key }
  let known = otherSpellings.first { $0.value.contains(word) }?.key
  return known.flatMap { known in units.contains { $0.key == known } ? known : nil }
}

/// Reads a quantity: a number with one of `units`.
/// - Parameters:
///   - likely: the unit meant by a bare number.
///   - allows: whether a quantity can be proposed in place of a wrong one.
/// - Throws: wrong-unit when the number is there but the unit is missing or another; wrong-type otherwise.
func quantity(
  _ value: GraphValue, of type: OptionType, _ units: KeyValuePairs<String, Double>,
  likely: (Double) -> String, allows: (Double) -> Bool = { _ in true }
) throws(OptionError) -> Double {
  guard let text = value.text, let measure = Measure(text) else {
    throw .wanted(type)
  }
  guard let scaled = measure.scaled(units), scaled.isFinite else {
    let names = units.map(\.key)
    let problem =
      measure.unit.isEmpty
      ? "wants \(type.noun): the number needs a unit (\(names.joined(separator: ", ")))"
      : "does not know the unit `\(measure.unit)`: \(type.noun) is written with \(names.joined(separator: ", "))"
    let meant = shortText(measure.number) + (unit(meantBy: measure.unit, in: units) ?? likely(measure.number))
    // `1e+23Hz` is no quantity, and half a hertz no rate: then there is nothing to propose.
    let isRight = Measure(meant)?.scaled(units).map(allows) ?? false
    throw OptionError(.wrongUnit, problem, replacement: isRight ? meant : nil)
  }
  return scaled
}

extension Duration: OptionValue {
  public static var optionType: OptionType { .duration }

  public static func parse(_ value: GraphValue) throws(OptionError) -> Duration {
    let seconds = try quantity(
      value, of: .duration, ["ms": 0.001, "s": 1, "m": 60, "h": 3600], likely: { $0 >= 20 ? "ms" : "s" },
      allows: { abs($0) < 3.2e9 })
    // A century is longer than any run, and far from where Duration's arithmetic ends.
    guard abs(seconds) < 3.2e9 else { throw OptionError(.outOfRange, "is longer than a century") }
    return .nanoseconds(Int64((seconds * 1e9).rounded()))
  }

  public var graphText: String? { unitText }
}

extension Decibels: OptionValue {
  public static var optionType: OptionType { .decibels }

  public static func parse(_ value: GraphValue) throws(OptionError) -> Decibels {
    Decibels(try quantity(value, of: .decibels, ["dB": 1], likely: { _ in "dB" }))
  }

  public var graphText: String? { description }
}

extension SampleRate: OptionValue {
  public static var optionType: OptionType { .sampleRate }

  public static func parse(_ value: GraphValue) throws(OptionError) -> SampleRate {
    let hertz = try quantity(
      value, of: .sampleRate, ["k": 1000, "kHz": 1000, "Hz": 1], likely: { $0 >= 1000 ? "Hz" : "k" },
      allows: { isSupported($0) && $0 == $0.rounded() })
    guard isSupported(hertz) else {
      throw OptionError(.outOfRange, "must lie between 1k and 768k")
    }
    guard let whole = Int(exactly: hertz.rounded()), abs(hertz - hertz.rounded()) < 1e-6 else {
      throw OptionError(.wrongType, "wants a whole number of Hz")
    }
    return SampleRate(whole)
  }

  private static func isSupported(_ hertz: Double) -> Bool {
    hertz >= Double(AudioFormat.supportedRates.lowerBound)
      && hertz <= Double(AudioFormat.supportedRates.upperBound)
  }

  public var graphText: String? { description }
}

extension Frequency: OptionValue {
  public static var optionType: OptionType { .frequency }

  public static func parse(_ value: GraphValue) throws(OptionError) -> Frequency {
    Frequency(
      try quantity(value, of: .frequency, ["Hz": 1, "kHz": 1000], likely: { $0 < 20 ? "kHz" : "Hz" }))
  }

  public var graphText: String? { description }
}

extension ByteCount: OptionValue {
  public static var optionType: OptionType { .byteCount }

  public static func parse(_ value: GraphValue) throws(OptionError) -> ByteCount {
    let bytes = try quantity(
      value, of: .byteCount, ["B": 1, "kB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12], likely: { _ in "MB" },
      allows: { (0...1e15).contains($0) })
    guard bytes >= 0, bytes <= 1e15 else { throw OptionError(.outOfRange, "must lie between 0B and 1000TB") }
    return ByteCount(Int(bytes))
  }

  public var graphText: String? { description }
}

extension Speed: OptionValue {
  public static var optionType: OptionType { .speed }

  public static func parse(_ value: GraphValue) throws(OptionError) -> Speed {
    Speed(try quantity(value, of: .speed, ["x": 1], likely: { _ in "x" }))
  }

  public var graphText: String? { description }
}

extension AudioFormat: OptionValue {
  public static var optionType: OptionType { .audioFormat }

  public static func parse(_ value: GraphValue) throws(OptionError) -> AudioFormat {
    guard case .call("pcm", let arguments) = value, arguments.count == 3 else { throw .wanted(.audioFormat) }
    guard let name = arguments[0].text, let sample = SampleFormat(rawValue: name) else {
      throw OptionError(
        .unknownValue, "does not know the sample format `\(arguments[0].text ?? "")`",
        candidates: SampleFormat.allCases.map(\.rawValue), element: 0)
    }
    let rate: SampleRate
    do throws(OptionError) {
      rate = try SampleRate.parse(arguments[1])
    } catch {
      var located = error
      located.element = 1
      throw located
    }
    let channels: Int
    switch arguments[2].text {
    case "mono": channels = 1
    case "stereo": channels = 2
    case let text?:
      guard let count = Int(text), (1...maximumChannels).contains(count) else {
        throw OptionError(.wrongType, "wants `mono`, `stereo` or a number of channels", element: 2)
      }
      channels = count
    case nil: throw .wanted(.audioFormat)
    }
    return AudioFormat(sample, rate: rate.hertz, channels: channels)
  }

  public var graphText: String? {
    "pcm(\(sample.rawValue), \(SampleRate(rate)), \(channels == 1 ? "mono" : channels == 2 ? "stereo" : "\(channels)"))"
  }
}
