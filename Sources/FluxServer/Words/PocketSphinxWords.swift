import Glibc
import Synchronization

/// Words from PocketSphinx, if it is installed: recognised on threads of their own, `words-0` and up.
///
/// Each stream has its own decoder, loaded when the stream begins and freed with it. Threads take blocks from the streams in turn,
/// so that a talkative stream does not hold up the others. What a stream hears and how it is cut alone decide the words.
package final class PocketSphinxWords: WordSource {
  /// Where Debian's `pocketsphinx-en-us` puts its model.
  package static let standardModel = "/usr/share/pocketsphinx/model/en-us"

  private let pool: RecogniserPool

  /// - Parameters:
  ///   - model: a directory with `en-us`, `en-us.lm.bin` and `cmudict-en-us.dict`.
  ///   - threads: how many recognise at once.
  ///   - decoders: how many streams may have a decoder at once; one takes about 95 MB, and a fifth of a core
  ///     in uninterrupted speech.
  package init(
    model: String = PocketSphinxWords.standardModel, threads: Int = PocketSphinxWords.processors,
    decoders: Int = min(6 * PocketSphinxWords.processors, 24)
  ) throws(PocketSphinxError) {
    let library = try PocketSphinxLibrary()
    guard access(model, R_OK) == 0 else { throw .modelMissing(model) }
    pool = RecogniserPool(
      library: library, model: model, threads: max(threads, 1), decoders: max(decoders, 1))
  }

  package static var processors: Int { max(Int(sysconf(Int32(_SC_NPROCESSORS_ONLN))), 1) }

  /// A decoder is in this process and does not hang; a busy machine may give it little time.
  package var patience: Duration { .seconds(60) }

  package func open(answer: @escaping @Sendable (WordAnswer) -> Void) -> any WordStream {
    PocketSphinxStream(pool: pool, answer: answer)
  }

  package func stop() {
    pool.stop()
  }

  deinit {
    pool.stop()
  }
}
