import FluxGraph
import FluxServer
import Foundation

/// A piece of speech without a pause.
struct Phrase {
  var start: Double
  var end: Double
  var text: String
  /// Whether the turn ends with it.
  var ends: Bool
  /// What follows it, in seconds.
  var silence: Double
}

/// A file of the corpus that `corpus.py` makes.
struct Recording {
  var path: String
  var half: String
  var noise: String
  var phrases: [Phrase]

  var samples: [Int16] {
    get throws {
      let data = try Data(contentsOf: URL(filePath: path))
      return data.withUnsafeBytes { Array($0.bindMemory(to: Int16.self)) }
    }
  }

  static func all(in folder: String) throws -> [Recording] {
    let bytes = [UInt8](try Data(contentsOf: URL(filePath: folder + "/corpus.json")))
    return (try JSONValue.parse(bytes).arrayValue ?? []).map { entry in
      Recording(
        path: folder + "/" + (entry["file"]?.stringValue ?? ""), half: entry["half"]?.stringValue ?? "",
        noise: entry["noise"]?.stringValue ?? "",
        phrases: (entry["phrases"]?.arrayValue ?? []).map { phrase in
          Phrase(
            start: phrase["start"]?.doubleValue ?? 0, end: phrase["end"]?.doubleValue ?? 0,
            text: phrase["text"]?.stringValue ?? "", ends: phrase["ends"]?.boolValue ?? false,
            silence: phrase["silence"]?.doubleValue ?? 0)
        })
    }
  }
}

/// The reports on a recording whose words are not known, and what they cost.
struct Hearing {
  var reports: [TurnReport] = []
  /// Seconds of one processor.
  var cost = 0.0

  init(_ samples: [Int16], _ thresholds: TurnThresholds) {
    let begin = clock()
    var pipeline = TurnPipeline(thresholds: thresholds, wordLimit: .seconds(1))
    for start in stride(from: 0, to: samples.count, by: AudioClock.stepSamples) {
      pipeline.hear(Array(samples[start..<min(start + AudioClock.stepSamples, samples.count)]))
      while let output = pipeline.next(now: .zero) {
        switch output {
        case .recognise(let block):
          pipeline.take(WordAnswer(number: block.number, words: .unavailable("")), now: .zero)
        case .report(let report): reports.append(report)
        default: break
        }
      }
    }
    cost = Double(clock() - begin) / Double(CLOCKS_PER_SEC)
  }
}

extension TurnReport {
  var time: Double { AudioClock.seconds(windowEnd) }
}
