package import FluxGraph
internal import Synchronization

/// The stage `wav`: records audio.
package struct Wav: AudioSink {
  package static let description = StageDescription<Wav>(
    "wav", "Records audio into WAV files.",
    details: """
      A recording can be played at any time, while it runs and after a crash. The path may have the fields `{date}`, \
      `{clock}`, `{start}` (seconds since the recording's first sample) and `{stream}` (the name of the stage); directories \
      are made as needed. `rotate` begins another file after a time, a size, or whichever comes first, without losing a \
      sample; names that come again get a number. Files beyond 4 GiB are written as RF64. What is there already is not \
      overwritten, unless `overwrite` says so.
      """,
    examples: [
      "tone noise duration=1s | wav noise.wav overwrite",
      "stdin live | wav recordings/{date}-{clock}.wav rotate=[1h, 2GB]",
    ]
  ) {
    Option("path", \Wav.path, "The file.", positional: true, required: true)
    Option("format", \Wav.format, "How samples are stored.")
    Option("rotate", \Wav.rotate, "When another file begins.")
    Option("overwrite", \Wav.overwrite, "A file that is there is replaced.")
  }

  package enum Samples: String, OptionEnumeration {
    case s16le, f32le
  }

  /// A limit on a file.
  package enum Limit: OptionValue, Hashable {
    case duration(Duration)
    case size(ByteCount)

    package static var optionType: OptionType { .either(.duration, .byteCount) }

    package static func parse(_ value: GraphValue) throws(OptionError) -> Limit {
      if let size = try? ByteCount.parse(value) {
        guard size.bytes >= 4096 else { throw OptionError(.outOfRange, "must be at least 4096B") }
        return .size(size)
      }
      let duration = try Duration.parse(value)
      guard duration >= .milliseconds(100) else { throw OptionError(.outOfRange, "must be at least 100ms") }
      return .duration(duration)
    }

    package var graphText: String? {
      switch self {
      case .duration(let duration): duration.graphText
      case .size(let size): size.graphText
      }
    }
  }

  private static let fields = ["date", "clock", "start", "stream"]

  package var path = PathTemplate(Template.empty)
  package var format = Samples.s16le
  package var rotate: [Limit] = []
  package var overwrite = false
  private var recorder: Recorder?

  package init() {}

  package var accepts: AudioRequirement { AudioRequirement(sample: format == .s16le ? .s16le : .f32le) }

  package func validate() throws(OptionConflict) {
    if let field = path.template.fieldNames.first(where: { !Self.fields.contains($0) }) {
      throw OptionConflict(
        code: "unknown-field", "a recording has no field `\(field)`", options: ["path"],
        help: "there are {date}, {clock}, {start} and {stream}")
    }
  }

  package mutating func prepare(format: AudioFormat, _ context: StageContext) throws {
    let began = context.clock.wallTime()
    let template = path
    var limit = Int.max
    for entry in rotate {
      switch entry {
      case .duration(let duration): limit = min(limit, max(1, format.frames(in: duration)))
      // The header's 100 bytes count as well.
      case .size(let size): limit = min(limit, max(1, (size.bytes - 100) / format.bytesPerFrame))
      }
    }
    let files = try RecordingFiles(
      .init(
        format: format,
        path: { _, start in
          let time = WallTime(seconds: began.seconds + start).local
          let place = context.resolve(
            template.rendered { field in
              switch field {
              case "date": .text(time.date)
              case "clock": .text(time.clock)
              case "start": .number((start * 1000).rounded() / 1000)
              case "stream": .text(context.name)
              default: nil
              }
            })
          context.log.info("records \(format) to \(place)")
          return place
        }, mayOverwrite: overwrite, frameLimit: limit))
    recorder = Recorder(files, format, context)
  }

  package var hasRoom: Bool { recorder?.hasRoom ?? true }
  package mutating func write(_ audio: borrowing AudioBuffer) throws { try recorder?.write(audio) }
  package mutating func finish() throws -> Bool { try recorder?.finish() ?? true }
}

/// Takes samples from the audio thread to the files on the disk thread.
private final class Recorder: @unchecked Sendable {
  // Unchecked: `files` is used on the disk thread only, `lost` on the audio thread only, `drain` set in `init`; the rest is
  // atomic or constant.
  private let files: RecordingFiles
  private let ring: RecordingRing
  private let context: StageContext
  private let format: AudioFormat
  /// Bytes worth a trip to the disk.
  private let portion: Int
  /// Has the disk thread write what there is.
  private var drain: (any GraphSignal)?
  private let wantsRoom = Atomic<Bool>(false)
  private let isEnding = Atomic<Bool>(false)
  private let isDone = Atomic<Bool>(false)
  private let hasFailed = Atomic<Bool>(false)
  private let failure = Mutex<(any Error)?>(nil)
  private var lost = 0

  init(_ files: RecordingFiles, _ format: AudioFormat, _ context: StageContext) {
    self.files = files
    self.context = context
    self.format = format
    // A disk may take its time for as long as this.
    ring = RecordingRing(frames: 8 * format.rate, frameSize: format.bytesPerFrame)
    portion = format.rate / 4 * format.bytesPerFrame
    drain = context.disk.signal { [weak self] in self?.work() }
  }

  // MARK: - The audio thread

  var hasRoom: Bool {
    if ring.count <= ring.capacity / 2 || hasFailed.load(ordering: .acquiring) { return true }
    wantsRoom.store(true, ordering: .sequentiallyConsistent)
    return ring.count <= ring.capacity / 2
  }

  func write(_ audio: borrowing AudioBuffer) throws {
    try throwFailure()
    let refused = audio.withBytes { ring.write($0) }
    if refused > 0 {
      lost += refused
    } else if lost > 0 {
      tellLoss()
    }
    if ring.count >= portion { drain?.raise() }
  }

  private func tellLoss() {
    let seconds = Double(lost / format.bytesPerFrame) / Double(format.rate)
    lost = 0
    context.notice(
      Notice(
        "gap",
        "\(fixedText(seconds, digits: 2)) s of audio were lost because the disk did not keep up; they are silence in the recording",
        severity: .warning))
  }

  func finish() throws -> Bool {
    if isDone.load(ordering: .acquiring) {
      try throwFailure()
      return true
    }
    if ring.payDebt() {
      wantsRoom.store(true, ordering: .sequentiallyConsistent)
    } else {
      isEnding.store(true, ordering: .sequentiallyConsistent)
    }
    drain?.raise()
    // Where the disk thread is the caller's own, it is done by now.
    guard isDone.load(ordering: .acquiring) else { return false }
    try throwFailure()
    return true
  }

  private func throwFailure() throws {
    guard hasFailed.load(ordering: .acquiring) else { return }
    if let failure = failure.withLock({ $0 }) { throw failure }
  }

  // MARK: - The disk thread

  private func work() {
    let ends = isEnding.load(ordering: .sequentiallyConsistent)
    do {
      if !hasFailed.load(ordering: .relaxed) {
        try ring.read { try files.append($0) }
        if ends { try files.finish() }
      }
    } catch {
      failure.withLock { $0 = error }
      hasFailed.store(true, ordering: .releasing)
      try? files.finish()
      context.wake()
    }
    if ends {
      isDone.store(true, ordering: .releasing)
      context.wake()
    } else if wantsRoom.exchange(false, ordering: .sequentiallyConsistent) {
      context.wake()
    }
  }
}
