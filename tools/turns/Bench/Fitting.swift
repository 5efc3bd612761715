import FluxServer
import Foundation

/// What `fit.py` fits the models to, as 32-bit numbers in files beside the recordings.
enum Fitting {
  /// Frames of a stream that begins in the middle of a recording, and from one to the next.
  private static let startFrames = 300
  private static let startDistance = 800

  /// The features of each frame, for the model of speech; and those of streams that begin in the middle, where nothing is
  /// known of what was before.
  static func writeFeatures(of recording: Recording) throws {
    let samples = try recording.samples
    let frames = samples.count / AudioClock.frameSamples
    try write(features(samples, 0..<frames), beside: recording, "features")
    let starts = stride(from: startDistance, to: frames - startFrames, by: startDistance)
    try write(
      starts.flatMap { features(samples, $0..<$0 + startFrames) }, beside: recording, "starts")
  }

  private static func features(_ samples: [Int16], _ frames: Range<Int>) -> [Float] {
    var features = SoundFeatures()
    var numbers: [Float] = []
    for frame in frames {
      let start = frame * AudioClock.frameSamples
      features.hear(samples.span.extracting(start..<start + AudioClock.frameSamples))
      for index in features.values.indices { numbers.append(features.values[index]) }
    }
    return numbers
  }

  /// For each step its end, the silence there and the pitch before it, for the model of turns' ends.
  static func writeMoments(of recording: Recording) throws {
    let samples = try recording.samples
    var detector = SpeechDetector()
    var numbers: [Float] = []
    for start in stride(from: 0, to: samples.count - AudioClock.stepSamples + 1, by: AudioClock.stepSamples) {
      let end = start + AudioClock.stepSamples
      let activity = detector.judge(samples.span.extracting(start..<end))
      numbers += [Float(AudioClock.seconds(end)), Float(activity.silence) / 100, activity.lastPitch ?? 0]
    }
    try write(numbers, beside: recording, "moments")
  }

  private static func write(_ numbers: [Float], beside recording: Recording, _ name: String) throws {
    try numbers.withUnsafeBytes { Data($0) }.write(to: URL(filePath: recording.path + "." + name))
  }
}
