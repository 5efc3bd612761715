import Glibc

/// What one 10 ms frame and the seconds before it sound like, as the numbers ``SpeechModel`` judges by.
///
/// Bands are heard against their own background: the lowest smoothed level of the last 2.4 s, because speech dips between
/// syllables and words and a fan does not.
package struct SoundFeatures: Sendable {
  package static let count = 32
  /// The background assumed before any was heard, and the lowest believed later; dB of full scale in a band.
  static let lowestFloor = Float(-84)
  /// Slots of the background's window, in frames.
  private static let slotFrames = 16

  /// The features of the last frame.
  package private(set) var values = InlineArray<32, Float>(repeating: 0)
  /// The levels of the last frame and of the background, dB of full scale.
  private(set) var levels = SIMD8<Float>(repeating: SoundFeatures.lowestFloor)
  private(set) var floor = SIMD8<Float>(repeating: SoundFeatures.lowestFloor)
  /// How loud the last frame is, over all bands, dB of full scale.
  private(set) var level = SoundFeatures.lowestFloor
  private(set) var pitch = VoicePitch()

  private var filters = BandFilters()
  private var floors = InlineArray<15, SIMD8<Float>>(repeating: SIMD8(repeating: SoundFeatures.lowestFloor))
  private var slot = 0
  private var framesInSlot = 0
  private var slotFloor = SIMD8<Float>(repeating: 0)
  private var smoothed = SIMD8<Float>(repeating: SoundFeatures.lowestFloor)
  private var peak = SoundFeatures.lowestFloor
  private var isOdd = false
  private var lastPitch = Float(0)
  private var steadyPitch = Float(0)
  private var pitchChange = Float(0)
  private var meanPeriodicity = Float(0)
  private var fastFlux = Float(0)
  private var slowFlux = Float(0)
  private var levelFast = Moments(seconds: 0.3)
  private var levelSlow = Moments(seconds: 1.2)
  private var tilt = Moments(seconds: 1.0)
  private var shapeChange = Float(0)
  private var meanShape = SIMD8<Float>()

  package init() {}

  package mutating func hear(_ frame: Span<Int16>) {
    let before = levels
    levels = filters.levels(of: frame)
    level = Self.sum(levels)
    pitch.hear(frame)
    listenToBackground()
    let above = levels - floor
    let most = above.max()
    isOdd.toggle()
    if most < 3 {
      pitch.skip()
    } else if isOdd {
      pitch.update()
    }
    describe(above: above, before: before)
  }

  private mutating func listenToBackground() {
    smoothed += (levels - smoothed) * 0.25
    let believed = pointwiseMax(smoothed, SIMD8(repeating: Self.lowestFloor))
    slotFloor = pointwiseMin(slotFloor, believed)
    floor = slotFloor
    for index in floors.indices { floor = pointwiseMin(floor, floors[index]) }
    framesInSlot += 1
    guard framesInSlot == Self.slotFrames else { return }
    floors[slot] = slotFloor
    slot = (slot + 1) % floors.count
    slotFloor = SIMD8(repeating: 0)
    framesInSlot = 0
  }

  private mutating func describe(above: SIMD8<Float>, before: SIMD8<Float>) {
    let mean = levels.sum() / 8
    let shape = (levels - mean) * 0.05
    let ratio = pointwiseMin(pointwiseMax(above, SIMD8()), SIMD8(repeating: 50)) * 0.05
    let flux = Self.magnitude(levels - before).sum() / 8
    fastFlux += (flux - fastFlux) * 0.2
    slowFlux += (flux - slowFlux) * 0.02
    peak = max(level, peak - 0.05)
    levelFast.add(level)
    levelSlow.add(level)
    tilt.add(levels[5] + levels[6] + levels[7] - levels[0] - levels[1] - levels[2])
    let deviation = shape - meanShape
    meanShape += deviation * 0.01
    shapeChange += (Self.magnitude(deviation).sum() / 8 - shapeChange) * 0.02
    let periodicity = pitch.periodicity
    meanPeriodicity += (periodicity - meanPeriodicity) * 0.03
    followPitch(periodicity)
    for band in 0..<8 {
      values[band] = ratio[band]
      values[8 + band] = shape[band]
    }
    values[16] = periodicity
    values[17] = meanPeriodicity
    values[18] = steadyPitch
    values[19] = pitchChange
    values[20] = fastFlux * 0.2
    values[21] = slowFlux * 0.2
    values[22] = levelFast.deviation * 0.1
    values[23] = levelSlow.deviation * 0.1
    values[24] = tilt.deviation * 0.02
    values[25] = (level - peak) * 0.05
    values[26] = (level - levelSlow.mean) * 0.05
    values[27] = shapeChange
    values[28] = ratio.sum() / 8
    values[29] = ratio.max()
    values[30] = (levels.max() - mean) * 0.05
    values[31] = pitch.pitch > 0 ? log2f(pitch.pitch / 150) : 0
  }

  /// A note keeps its pitch; a voice hardly does for a tenth of a second.
  private mutating func followPitch(_ periodicity: Float) {
    guard periodicity > 0.5, pitch.pitch > 0 else {
      steadyPitch *= 0.98
      lastPitch = 0
      return
    }
    if lastPitch > 0 {
      let change = abs(log2f(pitch.pitch / lastPitch)) * 12
      // An octave's jump is an error or a new note, and no glide.
      pitchChange += (min(change, 2) - pitchChange) * 0.05
      steadyPitch += ((change < 0.08 ? 1 : 0) - steadyPitch) * 0.04
    }
    lastPitch = pitch.pitch
  }

  /// The level of all bands together, dB.
  private static func sum(_ levels: SIMD8<Float>) -> Float {
    var energy = Float(0)
    for band in 0..<8 { energy += exp2f(levels[band] * 0.332_193) }
    return 10 * log10f(energy)
  }

  private static func magnitude(_ values: SIMD8<Float>) -> SIMD8<Float> {
    pointwiseMax(values, -values)
  }
}

/// A running mean and deviation.
private struct Moments: Sendable {
  private let rate: Float
  private(set) var mean = SoundFeatures.lowestFloor
  private var variance = Float(0)

  /// - Parameter seconds: after which the past has lost two thirds of its weight.
  init(seconds: Float) {
    rate = 1 / (seconds * 100)
  }

  mutating func add(_ value: Float) {
    let difference = value - mean
    mean += difference * rate
    variance += (difference * difference - variance) * rate
  }

  var deviation: Float { variance.squareRoot() }
}
