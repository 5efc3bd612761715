import Platform
import Synchronization

@testable import FluxServer

/// A pipeline and its word source, run to the end of some audio.
struct PipelineRun {
  var reports: [TurnReport] = []
  var notices: [String] = []

  /// - Parameter chunk: samples given at once.
  init(
    _ samples: [Int16], words: any WordSource, thresholds: TurnThresholds = TurnThresholds(),
    chunk: Int = 1280,
    forceAfter: [Int] = []
  ) {
    var pipeline = TurnPipeline(
      thresholds: thresholds, judge: words.makeSpeechJudge() ?? SpeechDetector(), wordLimit: .seconds(60))
    let answers = Monitor<[WordAnswer]>([])
    let stream = words.open { answer in
      answers.withLock { $0.append(answer) }
      answers.signal()
    }
    var position = 0
    while position < samples.count {
      let end = min(position + chunk, samples.count)
      pipeline.hear(Array(samples[position..<end]))
      if forceAfter.contains(where: { position < $0 && $0 <= end }) { pipeline.mark(0) }
      position = end
      run(&pipeline, stream, answers)
    }
    pipeline.finish()
    run(&pipeline, stream, answers)
    stream.close()
  }

  private mutating func run(
    _ pipeline: inout TurnPipeline, _ stream: any WordStream, _ answers: Monitor<[WordAnswer]>
  ) {
    while true {
      while let output = pipeline.next(now: .zero) {
        switch output {
        case .recognise(let block): stream.hear(block)
        case .abandonSegment: stream.abandonSegment()
        case .report(let report): reports.append(report)
        case .reached: if let report = pipeline.forceEndTurn() { reports.append(report) }
        case .notice(let notice): notices.append(notice)
        case .finished: break
        }
      }
      guard pipeline.deadline != nil else { return }
      let answer = answers.wait { $0.isEmpty ? nil : $0.removeFirst() }
      pipeline.take(answer, now: .zero)
    }
  }

  /// The transcripts of the turns that ended, and of the one cut off by the end of the audio.
  var transcripts: [String] {
    var texts: [Int: String] = [:]
    for report in reports { texts[report.turn] = report.transcript }
    return texts.sorted { $0.key < $1.key }.map(\.value).filter { !$0.isEmpty }
  }
}
