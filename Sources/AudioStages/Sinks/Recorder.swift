internal import FluxGraph
internal import Synchronization

/// Takes samples from the audio thread to the files on the disk thread.
final class Recorder: @unchecked Sendable {
  // Unchecked: `files`, `trouble`, `timer` and `endsAt` are used on the disk thread only, `lost` on the
  // audio thread only, `drain` set in `init`; the rest is atomic or constant.

  /// How long a source that can wait does so for a disk that takes nothing.
  private static let patience = Duration.seconds(30)
  /// How long the end waits for one, and for one that does not even say that it takes nothing.
  private static let lastPatience = Duration.seconds(2)
  private static let lastSilence = Duration.seconds(6)
  /// How often it is looked whether the disk thread still comes back, while somebody waits for that.
  private static let interval = Duration.seconds(2)

  private let settings: RecordingFiles.Settings
  /// nil before the first file was opened.
  private var files: RecordingFiles?
  private let ring: RecordingRing
  private let context: StageContext
  /// Bytes worth a trip to the disk.
  private let portion: Int
  /// Has the disk thread write what there is.
  private var drain: (any GraphSignal)?
  private let wantsRoom = Atomic<Bool>(false)
  /// Nothing more will be written.
  private let isClosing = Atomic<Bool>(false)
  /// All that was written, silence included, is in the ring.
  private let isEnding = Atomic<Bool>(false)
  private let isDone = Atomic<Bool>(false)
  private let hasFailed = Atomic<Bool>(false)
  private let failure = Mutex<(any Error)?>(nil)
  /// The file that is being written.
  private let place = Mutex<String?>(nil)
  private var trouble = WritingTrouble()
  private var timer: (any GraphTimer)?
  /// When the end is no longer put off, once it has begun to be.
  private var endsAt: Instant?
  private var lost = 0
  /// How often the disk thread has come back.
  private let visits = Atomic<Int>(0)
  /// Whether it is being looked whether it does.
  private let isWatched = Atomic<Bool>(false)

  init(_ settings: RecordingFiles.Settings, _ context: StageContext) {
    self.settings = settings
    self.context = context
    let format = settings.format
    // A disk may take its time for as long as this.
    ring = RecordingRing(frames: 8 * format.rate, frameSize: format.bytesPerFrame)
    portion = format.rate / 4 * format.bytesPerFrame
    drain = context.disk.signal { [weak self] in self?.work() }
  }

  private var format: AudioFormat { settings.format }

  // MARK: - The audio thread

  /// Has the first file opened. A disk may take its time for that, too, and nothing on this thread waits for it.
  func begin() throws {
    drain?.raise()
    // Where the disk thread is the caller's own, it is done by now.
    try throwFailure()
  }

  var hasRoom: Bool {
    if ring.count <= ring.capacity / 8 * 7 || hasFailed.load(ordering: .acquiring) { return true }
    wantsRoom.store(true, ordering: .sequentiallyConsistent)
    watch()
    return ring.count <= ring.capacity / 8 * 7
  }

  /// Ends it when the disk thread does not come back while somebody waits for it. Any thread.
  /// - Parameter silence: for how long it has not.
  private func watch(silence: Duration = .zero) {
    guard !isWatched.exchange(true, ordering: .sequentiallyConsistent) else { return }
    let began = visits.load(ordering: .acquiring)
    _ = context.loop.schedule(at: context.clock.now().advanced(by: Self.interval)) { [weak self] in
      guard let self else { return }
      isWatched.store(false, ordering: .sequentiallyConsistent)
      if isDone.load(ordering: .acquiring) || hasFailed.load(ordering: .acquiring) { return }
      let isEnding = isClosing.load(ordering: .sequentiallyConsistent)
      guard isEnding || wantsRoom.load(ordering: .sequentiallyConsistent) else { return }
      let silence = visits.load(ordering: .acquiring) == began ? silence + Self.interval : .zero
      if silence >= (isEnding ? Self.lastSilence : Self.patience) { return fail(after: silence) }
      watch(silence: silence)
    }
  }

  private func fail(after silence: Duration) {
    let seconds = Double(ring.count / format.bytesPerFrame) / Double(format.rate)
    var error = DiskSilence(path: place.withLock { $0 }, time: silence).stageError
    error.message += "; the last \(fixedText(seconds, digits: 2)) s of audio could not be written"
    fail(error)
  }

  /// Nothing more is written.
  private func fail(_ problem: StageError) {
    failure.withLock { $0 = $0 ?? problem }
    hasFailed.store(true, ordering: .releasing)
    isDone.store(true, ordering: .releasing)
    context.wake()
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
        severity: .warning, loss: .init(audio: seconds)))
  }

  func finish() throws -> Bool {
    if isDone.load(ordering: .acquiring) {
      try throwFailure()
      return true
    }
    isClosing.store(true, ordering: .sequentiallyConsistent)
    if ring.payDebt() {
      wantsRoom.store(true, ordering: .sequentiallyConsistent)
    } else {
      isEnding.store(true, ordering: .sequentiallyConsistent)
    }
    drain?.raise()
    watch()
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
    defer { visits.add(1, ordering: .releasing) }
    let ends = isEnding.load(ordering: .sequentiallyConsistent)
    if !hasFailed.load(ordering: .relaxed), let files = opened() {
      var problem: StageError?
      ring.read { bytes in
        let (taken, failed) = files.append(bytes)
        problem = problem ?? failed
        return taken
      }
      if ends, problem == nil { problem = files.finish() }
      note(problem)
    }
    guard timer == nil else { return }
    if ends { isDone.store(true, ordering: .releasing) }
    if wantsRoom.exchange(false, ordering: .sequentiallyConsistent) || ends { context.wake() }
  }

  /// The files, of which the first is opened now if none was.
  private func opened() -> RecordingFiles? {
    if let files { return files }
    do throws(StageError) {
      let opened = try RecordingFiles(settings, context) { [self] path in place.withLock { $0 = path } }
      files = opened
      return opened
    } catch {
      fail(error)
      return nil
    }
  }

  /// Has what could not be written tried again, as long as that makes sense.
  private func note(_ problem: StageError?) {
    let now = context.clock.now()
    if let notice = trouble.note(problem, now: now) { context.notice(notice) }
    timer?.cancel()
    timer = nil
    guard let problem else { return }
    let isClosing = isClosing.load(ordering: .sequentiallyConsistent)
    if isClosing, endsAt == nil { endsAt = now.advanced(by: Self.lastPatience) }
    // A source that waits cannot do so for ever; one that cannot has its losses counted.
    let waits = wantsRoom.load(ordering: .sequentiallyConsistent)
    let end = endsAt ?? (waits ? trouble.since?.advanced(by: Self.patience) : nil)
    guard let end, now >= end else {
      let pause = Duration.milliseconds(isClosing ? 200 : 1000)
      timer = context.loop.schedule(at: now.advanced(by: pause)) { [weak self] in self?.drain?.raise() }
      return
    }
    failure.withLock { $0 = $0 ?? problem }
    hasFailed.store(true, ordering: .releasing)
    _ = files?.finish()
    context.wake()
  }
}
