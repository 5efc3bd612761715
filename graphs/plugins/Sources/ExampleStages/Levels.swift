public import FluxGraph
import Foundation
import Synchronization

/// The stage `levels`: how loud it was, second by second, as a table.
public struct Levels: AudioSink {
  public static let description = StageDescription<Levels>(
    "levels", "Writes how loud each second is, as a table.",
    details:
      "A line for each second: its number, the mean level and the peak, in decibels of full scale. A file that is there is replaced.",
    examples: ["file talk.wav | levels talk.tsv", "call = mic; call | flux | stdout; call | levels mic.tsv"]
  ) {
    Option("path", \Levels.path, "The file.", positional: true, required: true)
  }

  public var path = Path("")
  private var table: LevelTable?
  private var context: StageContext?
  private var second = LevelTable.Second(number: 0)
  private var left = 0
  private var format = AudioFormat(.f32le, rate: 1, channels: 1)
  private var isEnding = false

  public init() {}

  public var accepts: AudioRequirement { .float }

  public mutating func prepare(format: AudioFormat, _ context: StageContext) throws {
    self.context = context
    self.format = format
    left = format.rate
    table = LevelTable(path: context.resolve(path))
  }

  public mutating func write(_ audio: borrowing AudioBuffer) throws {
    if let failure = table?.failure { throw failure }
    let samples = audio.readOnlyFloats
    for frame in 0..<audio.frameCount {
      for channel in 0..<format.channels { second.add(samples[frame * format.channels + channel]) }
      left -= 1
      if left == 0 { endSecond() }
    }
  }

  /// Files are for the disk thread, once a second.
  private mutating func endSecond() {
    if let table, let context {
      context.disk.submit { [second] in table.write(second) }
    }
    second = LevelTable.Second(number: second.number + 1)
    left = format.rate
  }

  public mutating func finish() throws -> Bool {
    guard let table, let context else { return true }
    if !isEnding {
      isEnding = true
      if left < format.rate { endSecond() }
      // Behind all that was handed over.
      context.disk.submit {
        table.close()
        context.wake()
      }
    }
    if let failure = table.failure { throw failure }
    return table.isClosed
  }
}

/// A file of levels. The disk thread writes it, the audio thread asks how it fares.
private final class LevelTable: Sendable {
  struct Second: Sendable {
    var number: Int
    private var sum = 0.0
    private var count = 0
    private var peak: Float = 0

    init(number: Int) {
      self.number = number
    }

    mutating func add(_ sample: Float) {
      sum += Double(sample * sample)
      count += 1
      peak = max(peak, abs(sample))
    }

    var line: String {
      let mean = (sum / Double(max(1, count))).squareRoot()
      return "\(number)\t\(Self.decibels(mean))\t\(Self.decibels(Double(peak)))\n"
    }

    private static func decibels(_ amplitude: Double) -> String {
      amplitude > 0 ? fixedText(max(-200, 20 * log10(amplitude)), digits: 1) : "-inf"
    }
  }

  private let path: String
  private let file = Mutex<FileHandle?>(nil)
  private let hasFailed = Atomic<Bool>(false)
  private let hasClosed = Atomic<Bool>(false)

  init(path: String) {
    self.path = path
  }

  var isClosed: Bool { hasClosed.load(ordering: .acquiring) }
  var failure: StageError? {
    hasFailed.load(ordering: .acquiring) ? StageError(.inputOutput, "\(path) cannot be written") : nil
  }

  func write(_ second: Second) {
    file.withLock { file in
      if file == nil {
        _ = FileManager.default.createFile(atPath: path, contents: nil)
        file = FileHandle(forWritingAtPath: path)
      }
      do {
        guard let file else { throw CocoaError(.fileNoSuchFile) }
        try file.write(contentsOf: Data(second.line.utf8))
      } catch {
        hasFailed.store(true, ordering: .releasing)
      }
    }
  }

  func close() {
    file.withLock { try? $0?.close() }
    hasClosed.store(true, ordering: .releasing)
  }
}
