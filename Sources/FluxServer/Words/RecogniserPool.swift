internal import Platform
import Synchronization

/// The threads that recognise, and how many decoders may exist.
final class RecogniserPool: Sendable {
  struct Refusal: Error {
    var reason: String
  }

  private struct State {
    /// Streams with a job to do, in the order they get a thread.
    var line: [PocketSphinxStream] = []
    var threads: [NamedThread] = []
    var isStopped = false
  }

  private let library: PocketSphinxLibrary
  private let model: String
  private let threadCount: Int
  private let mostDecoders: Int
  private let state = Monitor(State())
  private let decoders = Mutex(0)
  /// PocketSphinx says nothing about loading two models at once.
  private let loading = Mutex(())

  init(library: PocketSphinxLibrary, model: String, threads: Int, decoders: Int) {
    self.library = library
    self.model = model
    threadCount = threads
    mostDecoders = decoders
  }

  func enqueue(_ stream: PocketSphinxStream) {
    state.withLock { state in
      guard !state.isStopped else { return }
      state.line.append(stream)
      if state.threads.count < threadCount {
        let name = "words-\(state.threads.count)"
        if let thread = NamedThread(trying: name, { [self] in work() }) { state.threads.append(thread) }
      }
    }
    state.signal()
  }

  private enum Turn {
    case work(PocketSphinxStream)
    case stop
  }

  private func work() {
    while case .work(let stream) = nextTurn() {
      guard stream.work() else { continue }
      state.withLock { $0.line.append(stream) }
      state.signal()
    }
  }

  private func nextTurn() -> Turn {
    state.wait { state in
      if state.isStopped { return .stop }
      return state.line.isEmpty ? nil : .work(state.line.removeFirst())
    }
  }

  /// Ends the threads after the block each is working on, and waits for them.
  func stop() {
    let threads = state.withLock { state in
      state.isStopped = true
      state.line = []
      defer { state.threads = [] }
      return state.threads
    }
    state.broadcast()
    for thread in threads { thread.join() }
  }

  func takeDecoder() throws(Refusal) -> PocketSphinxDecoder {
    let isFree = decoders.withLock { count in
      guard count < mostDecoders else { return false }
      count += 1
      return true
    }
    guard isFree else {
      throw Refusal(reason: "All \(mostDecoders) local recognisers are in use: speech is shown as [speech].")
    }
    let made = loading.withLock { _ in
      Result { () throws(PocketSphinxError) in try PocketSphinxDecoder(library: library, model: model) }
    }
    switch made {
    case .success(let decoder):
      return decoder
    case .failure(let error):
      returnDecoder()
      throw Refusal(reason: error.description)
    }
  }

  func returnDecoder() {
    decoders.withLock { $0 -= 1 }
  }
}
