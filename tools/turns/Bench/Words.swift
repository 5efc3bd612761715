import Dispatch
import FluxServer
import Foundation
import Synchronization

/// What was heard of a recording by the recogniser of the local Flux.
func transcript(of samples: [Int16], by source: any WordSource) -> String {
  let answers = Mutex<[WordAnswer]>([])
  let answered = DispatchSemaphore(value: 0)
  let stream = source.open { answer in
    answers.withLock { $0.append(answer) }
    answered.signal()
  }
  defer { stream.close() }
  var pipeline = TurnPipeline(thresholds: TurnThresholds(), wordLimit: .seconds(600))
  pipeline.hear(samples)
  pipeline.finish()
  var turns: [Int: String] = [:]
  while true {
    switch pipeline.next(now: .zero) {
    case .recognise(let block): stream.hear(block)
    case .abandonSegment: stream.abandonSegment()
    case .report(let report): turns[report.turn] = report.transcript
    case .finished: return turns.sorted { $0.key < $1.key }.map(\.value).joined(separator: " ")
    case .reached, .notice: break
    case nil:
      answered.wait()
      pipeline.take(answers.withLock { $0.removeFirst() }, now: .zero)
    }
  }
}

/// Substitutions, deletions and insertions, and the words that were said.
func wordErrors(said: String, heard: String) -> (errors: Int, words: Int) {
  func words(_ text: String) -> [Substring] {
    text.lowercased().filter { $0.isLetter || $0.isWhitespace || $0 == "'" }.split(
      whereSeparator: \.isWhitespace)
  }
  let (said, heard) = (words(said), words(heard))
  var row = Array(0...heard.count)
  for (index, word) in said.enumerated() {
    var diagonal = row[0]
    row[0] = index + 1
    for column in heard.indices {
      let above = row[column + 1]
      row[column + 1] = min(above + 1, row[column] + 1, diagonal + (word == heard[column] ? 0 : 1))
      diagonal = above
    }
  }
  return (row[heard.count], said.count)
}

/// The word error rates of dialogues without noise, beside those of `pocketsphinx_continuous`, whose text lies
/// beside each recording.
func compareWords(_ recordings: [Recording]) throws {
  let source = try PocketSphinxWords()
  defer { source.stop() }
  var table = Table(["recording", "words", "local Flux", "pocketsphinx_continuous"])
  var sums = (words: 0, ours: 0, theirs: 0)
  func rate(_ errors: Int, _ words: Int) -> String {
    String(format: "%.1f %%", 100 * Double(errors) / Double(words))
  }
  for recording in recordings where recording.noise == "none" {
    let said = recording.phrases.map(\.text).joined(separator: " ")
    // What is said in other languages is not written down.
    guard !said.allSatisfy(\.isWhitespace) else { continue }
    guard let theirs = try? String(contentsOfFile: recording.path + ".continuous", encoding: .utf8) else {
      continue
    }
    let heard = transcript(of: try recording.samples, by: source)
    try heard.write(toFile: recording.path + ".local", atomically: true, encoding: .utf8)
    let (ours, words) = wordErrors(said: said, heard: heard)
    let other = wordErrors(said: said, heard: theirs).errors
    sums = (sums.words + words, sums.ours + ours, sums.theirs + other)
    let name = URL(filePath: recording.path).deletingPathExtension().lastPathComponent
    table.add([name, "\(words)", rate(ours, words), rate(other, words)])
  }
  table.add(["all", "\(sums.words)", rate(sums.ours, sums.words), rate(sums.theirs, sums.words)])
  print("### Words, dialogues without noise\n")
  table.print()
}
