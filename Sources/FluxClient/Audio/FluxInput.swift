internal import FluxGraph

/// Takes audio from the inlet to one session, or a session for each channel. On the context's loop, but for the word that there
/// is something to take.
final class FluxInput: @unchecked Sendable {
  // Unchecked: touched on the loop only.

  private let inlet: AudioInlet
  private let loop: any GraphLoop
  private let sessions: [FluxSession]
  private var isPumping = false
  private var hasEnded = false
  private var channel: [UInt8] = []

  init(_ inlet: AudioInlet, loop: any GraphLoop, sessions: [FluxSession]) {
    self.inlet = inlet
    self.loop = loop
    self.sessions = sessions
  }

  /// Begins to take audio. On the loop.
  func start() {
    for session in sessions { session.onWant = { [unowned self] in pump() } }
    // Raised on an audio thread for every chunk; many chunks make one turn of the loop.
    let signal = loop.signal { [weak self] in self?.pump() }
    inlet.onChange { signal.raise() }
    pump()
  }

  private func pump() {
    // A session that has room says so from within.
    guard !isPumping else { return }
    isPumping = true
    defer { isPumping = false }
    while !hasEnded, sessions.contains(where: { !$0.isOver }),
      sessions.allSatisfy({ $0.isOver || $0.wantsAudio })
    {
      switch inlet.read({ bytes, frames, position, _ in give(bytes, frames, position) }) {
      case .block: continue
      case .empty: return
      case .ended:
        hasEnded = true
        for session in sessions { session.endInput() }
      }
    }
  }

  private func give(_ bytes: UnsafeRawBufferPointer, _ frames: Int, _ position: Int64) {
    guard sessions.count > 1 else {
      sessions.first?.accept(bytes, frames: frames, position: position)
      return
    }
    let sampleSize = inlet.format.sample.byteCount
    let frameSize = sampleSize * sessions.count
    for (index, session) in sessions.enumerated() {
      channel.removeAll(keepingCapacity: true)
      var place = index * sampleSize
      for _ in 0..<frames {
        for offset in 0..<sampleSize { channel.append(bytes[place + offset]) }
        place += frameSize
      }
      channel.withUnsafeBytes { session.accept($0, frames: frames, position: position) }
    }
  }
}
