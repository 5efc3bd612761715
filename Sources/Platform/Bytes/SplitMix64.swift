/// A small generator of numbers that look random and follow from their seed (Steele, Lea and Flood, 2014).
package struct SplitMix64: RandomNumberGenerator, Sendable {
  package var state: UInt64

  package init(state: UInt64) {
    self.state = state
  }

  package mutating func next() -> UInt64 {
    state &+= Self.step
    return Self.mixed(state)
  }

  /// At least 0 and less than 1.
  package mutating func fraction() -> Double { Self.fraction(next()) }

  /// By how much the state grows for each number.
  package static let step: UInt64 = 0x9E37_79B9_7F4A_7C15

  /// The bits of a number spread over all of it, so that similar ones become unlike.
  package static func mixed(_ number: UInt64) -> UInt64 {
    var number = number
    number = (number ^ (number >> 30)) &* 0xBF58_476D_1CE4_E5B9
    number = (number ^ (number >> 27)) &* 0x94D0_49BB_1331_11EB
    return number ^ (number >> 31)
  }

  /// A number that is spread over all of its bits, as one of at least 0 and less than 1.
  package static func fraction(_ number: UInt64) -> Double { Double(number >> 11) / Double(1 << 53) }
}
