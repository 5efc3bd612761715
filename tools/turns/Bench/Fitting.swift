import FluxServer
import Foundation

/// What `fit.py` fits the models to, as 32-bit numbers in files beside the recordings.
enum Fitting {
  /// The features of each frame, for the model of speech.
  static func writeFeatures(of recording: Recording) throws {
    let samples = try recording.samples
    var features = SoundFeatures()
    var numbers: [Float] = []
    for start in stride(from: 0, to: samples.count - AudioClock.frameSamples + 1, by: AudioClock.frameSamples)
    {
      features.hear(samples.span.extracting(start..<start + AudioClock.frameSamples))
      for index in features.values.indices { numbers.append(features.values[index]) }
    }
    try write(numbers, beside: recording, "features")
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
