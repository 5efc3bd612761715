import FluxServer
import Foundation

// TurnBench features|moments CORPUS, TurnBench report|words CORPUS SET
let arguments = CommandLine.arguments
guard arguments.count > 2, arguments.count == (["report", "words"].contains(arguments[1]) ? 4 : 3) else {
  let usage = "usage: TurnBench features|moments CORPUS, TurnBench report|words CORPUS SET\n"
  FileHandle.standardError.write(Data(usage.utf8))
  exit(64)
}
let recordings = try Recording.all(in: arguments[2])
switch arguments[1] {
case "features":
  for recording in recordings where recording.half == "tuning" { try Fitting.writeFeatures(of: recording) }
case "moments":
  for recording in recordings where recording.half != "test" { try Fitting.writeMoments(of: recording) }
case "words": try compareWords(recordings.filter { $0.half == arguments[3] })
default: try report(recordings.filter { $0.half == arguments[3] })
}

func report(_ recordings: [Recording]) throws {
  let dialogues = recordings.filter { !$0.phrases.isEmpty }
  let conditions =
    ["none"] + [20, 10, 5].flatMap { ratio in ["white", "pink", "babble"].map { "\($0)-\(ratio)" } }
  var cost = 0.0
  var seconds = 0.0

  print("### By noise, default settings\n")
  var table = Table([
    "noise", "turns", "start event: median", "90 %", "stated start: median error", "90 %", "missed",
    "end of turn: median", "90 %", "not ended", "cut-ins, pauses to 0.5 s", "to 0.8 s",
    "false turns a minute",
  ])
  for condition in conditions {
    var score = Score()
    for recording in dialogues where recording.noise == condition {
      let hearing = Hearing(try recording.samples, TurnThresholds())
      score.add(recording, hearing) { if case .endOfTurn = $0 { true } else { false } }
      cost += hearing.cost
    }
    seconds += score.seconds
    let errors = score.startErrors.map(abs)
    table.add([
      condition == "none" ? "none" : condition.replacing("-", with: " ") + " dB",
      "\(score.startDelays.count + score.missedStarts)", quantile(score.startDelays, 0.5),
      quantile(score.startDelays, 0.9),
      quantile(errors, 0.5), quantile(errors, 0.9), "\(score.missedStarts)", quantile(score.endDelays, 0.5),
      quantile(score.endDelays, 0.9), "\(score.missedEnds)", score.cutIns(0...0.5), score.cutIns(0.6...0.8),
      String(format: "%.2f", Double(score.falseTurns) / score.seconds * 60),
    ])
  }
  table.print()

  let lengths = [0.1, 0.2, 0.3, 0.4, 0.5, 0.65, 0.8]
  for (title, noises) in [("without noise", ["none"]), ("all noises", conditions)] {
    print("### Delay against cut-ins over thresholds, \(title)\n")
    var table = Table(
      ["event", "median delay", "90 %", "not ended"] + lengths.map { "cut-ins at \($0) s" } + ["to 0.5 s"])
    func row(_ name: String, _ thresholds: TurnThresholds, _ end: (TurnReport.Kind) -> Bool) throws {
      var score = Score()
      for recording in dialogues where noises.contains(recording.noise) {
        score.add(recording, Hearing(try recording.samples, thresholds), end: end)
      }
      table.add(
        [name, quantile(score.endDelays, 0.5), quantile(score.endDelays, 0.9), "\(score.missedEnds)"]
          + lengths.map { score.cutIns($0...$0) } + [score.cutIns(0...0.5)])
    }
    for threshold in [0.5, 0.6, 0.7, 0.8, 0.9] {
      try row("EndOfTurn at \(threshold)", TurnThresholds(endOfTurn: threshold)) {
        if case .endOfTurn = $0 { true } else { false }
      }
    }
    for eager in [0.3, 0.4, 0.5, 0.6] {
      let name = eager == 0.4 ? " (preset=low-latency)" : ""
      try row("EagerEndOfTurn at \(eager)\(name)", TurnThresholds(eager: eager, timeout: 6000)) {
        $0 == .eagerEndOfTurn
      }
    }
    table.print()
  }

  print("### Nobody speaks\n")
  table = Table(["sound", "minutes", "false turns", "a minute"])
  for recording in recordings where recording.phrases.isEmpty {
    var score = Score()
    let hearing = Hearing(try recording.samples, TurnThresholds())
    score.add(recording, hearing) { _ in false }
    cost += hearing.cost
    seconds += score.seconds
    table.add([
      recording.noise, String(format: "%.0f", score.seconds / 60), "\(score.falseTurns)",
      String(format: "%.2f", Double(score.falseTurns) / score.seconds * 60),
    ])
  }
  table.print()

  print("### Calibration, all noises\n")
  try calibration(dialogues).print()
  print(
    String(format: "Cost: %.4f %% of a core for each stream, %.0f s of audio.", 100 * cost / seconds, seconds)
  )
}
