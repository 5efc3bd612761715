/// The faults a server was asked for, and the seed of whatever is random about them.
///
/// As text: faults separated by `;` or line ends, each a name with settings, such as `drop after=5s`,
/// `refuse status=503 times=2` or `latency=200ms jitter=50ms`. Any fault takes `connection=N` and `chance=P`.
/// `seed=N` stands by itself. From `#` to the end of a line is a comment.
package struct FaultPlan: Equatable, Sendable {
  package var faults: [Fault] = []
  package var seed: UInt64 = 1

  /// The names of all faults.
  package static let names = [
    "refuse", "never-answer", "no-connected", "stall", "drop", "close", "latency", "garbage-frame",
    "oversize-frame", "bad-utf8", "bad-json", "unknown-type", "wrong-order", "duplicate-sequence",
    "slow-reader",
  ]

  package init() {}

  package init(parsing text: String) throws(FaultError) {
    for line in text.split(whereSeparator: \.isNewline) {
      for part in line.prefix(while: { $0 != "#" }).split(separator: ";") {
        guard !part.allSatisfy(\.isWhitespace) else { continue }
        try take(part)
      }
    }
  }

  private mutating func take(_ text: Substring) throws(FaultError) {
    var settings = FaultSettings(text)
    if settings.name.isEmpty, let number = try settings.integer("seed", 0...Int.max) {
      seed = UInt64(number)
    } else {
      let kind = try Self.kind(&settings)
      let connection = try settings.integer("connection", 1...Int.max)
      let chance = try settings.number("chance", 0...1) ?? 1
      faults.append(Fault(kind: kind, connection: connection, chance: chance, text: settings.text))
    }
    try settings.finish()
  }

  private static func kind(_ settings: inout FaultSettings) throws(FaultError) -> Fault.Kind {
    switch settings.name {
    case "refuse":
      return .refuse(
        status: try settings.integer("status", 400...599) ?? 503,
        times: try settings.integer("times", 1...Int.max),
        retryAfter: try settings.integer("retry-after", 0...86_400))
    case "never-answer": return .neverAnswer
    case "no-connected": return .noConnected
    case "stall": return .stall(try moment(&settings))
    case "drop":
      if settings.flag("mid-frame") { return .dropMidFrame(after: try after(&settings)) }
      if let byte = try settings.integer("byte", 0...Int.max) { return .dropAtByte(byte) }
      return .drop(try moment(&settings))
    case "close":
      let code = try settings.closeCode("code")
      return .close(code: code, reason: settings.text("reason") ?? "", try moment(&settings))
    case "latency":
      let delay = try settings.duration("latency") ?? .zero
      return .latency(delay: delay, jitter: try settings.duration("jitter") ?? .zero)
    case "garbage-frame": return .insert(.garbageFrame, after: try after(&settings))
    case "oversize-frame":
      let bytes = try settings.integer("bytes", 1...Int.max) ?? 1 << 30
      return .insert(.oversizeFrame(bytes: bytes), after: try after(&settings))
    case "bad-utf8": return .insert(.badUTF8, after: try after(&settings))
    case "bad-json": return .insert(.badJSON, after: try after(&settings))
    case "unknown-type": return .insert(.unknownType, after: try after(&settings))
    case "wrong-order": return .wrongOrder(after: try after(&settings))
    case "duplicate-sequence": return .duplicateSequence(after: try after(&settings))
    case "slow-reader":
      guard let rate = try settings.integer("rate", 1...Int.max) else {
        throw FaultError("`slow-reader` needs `rate=`, in bytes a second, such as `rate=8k`")
      }
      return .slowReader(bytesPerSecond: rate)
    default:
      throw FaultError(
        "there is no fault called `\(settings.name)`; there are \(names.joined(separator: ", "))")
    }
  }

  private static func moment(_ settings: inout FaultSettings) throws(FaultError) -> Fault.Moment {
    if settings.flag("mid-turn") { return .midTurn }
    if let what = settings.text("between") {
      guard what == "eager" else { throw FaultError("`between=` knows only `eager`, and got `\(what)`") }
      return .afterEager
    }
    return .after(try after(&settings))
  }

  private static func after(_ settings: inout FaultSettings) throws(FaultError) -> Double {
    try settings.duration("after").map { $0 / .seconds(1) } ?? 0
  }
}

/// The words of one fault, taken one by one; what is left at the end was not understood.
private struct FaultSettings {
  let text: String
  /// The first word, if it is not `seed=`; of `latency=200ms` what stands before the sign.
  private(set) var name = ""
  private var values: [(name: String, value: String)] = []
  private var flags: [String] = []

  init(_ text: Substring) {
    let words = text.split(whereSeparator: \.isWhitespace).map(String.init)
    self.text = words.joined(separator: " ")
    for word in words {
      let key = String(word.prefix { $0 != "=" })
      if word.contains("=") { values.append((key, String(word.dropFirst(key.count + 1)))) }
      if name.isEmpty, key != "seed" { name = key } else if !word.contains("=") { flags.append(word) }
    }
  }

  mutating func flag(_ name: String) -> Bool {
    guard let index = flags.firstIndex(of: name) else { return false }
    flags.remove(at: index)
    return true
  }

  mutating func text(_ name: String) -> String? {
    guard let index = values.firstIndex(where: { $0.name == name }) else { return nil }
    return values.remove(at: index).value
  }

  mutating func number(_ name: String, _ range: ClosedRange<Double>) throws(FaultError) -> Double? {
    guard let text = text(name) else { return nil }
    guard let value = FluxParameter.decimal(text), range.contains(value) else {
      throw FaultError(
        "`\(name)=` wants a number from \(range.lowerBound) to \(range.upperBound), and got `\(text)`")
    }
    return value
  }

  /// A whole number; `k` and `M` stand for thousands and millions.
  mutating func integer(_ name: String, _ range: ClosedRange<Int>) throws(FaultError) -> Int? {
    guard let text = text(name) else { return nil }
    let unit = text.hasSuffix("k") ? 1000 : text.hasSuffix("M") ? 1_000_000 : 1
    let digits = unit == 1 ? text[...] : text.dropLast()
    guard let number = Int(digits), case let (value, isOver) = number.multipliedReportingOverflow(by: unit),
      !isOver, range.contains(value)
    else {
      let limit =
        range.upperBound == .max
        ? "\(range.lowerBound) or more" : "\(range.lowerBound) to \(range.upperBound)"
      throw FaultError("`\(name)=` wants a whole number, \(limit), and got `\(text)`")
    }
    return value
  }

  mutating func closeCode(_ name: String) throws(FaultError) -> Int? {
    if values.contains(where: { $0.name == name && $0.value == "none" }) {
      _ = text(name)
      return nil
    }
    return try integer(name, 0...65_535)
  }

  /// A time such as `5s`, `200ms` or `2m`; a day at most.
  mutating func duration(_ name: String) throws(FaultError) -> Duration? {
    guard let text = text(name) else { return nil }
    let digits = text.prefix { "0123456789.".contains($0) }
    let units = ["ms": 0.001, "s": 1.0, "m": 60.0]
    guard let unit = units[String(text[digits.endIndex...])], let number = Double(digits),
      number * unit <= 86_400
    else { throw FaultError("`\(name)=` wants a time such as 5s, 200ms or 2m, and got `\(text)`") }
    return .milliseconds(Int((number * unit * 1000).rounded()))
  }

  func finish() throws(FaultError) {
    guard let word = flags.first ?? values.first.map({ "\($0.name)=" }) else { return }
    throw FaultError("`\(name)` does not know `\(word)`")
  }
}
