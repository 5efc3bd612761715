import Glibc

/// One PocketSphinx decoder: about 95 MB, loaded in a third of a second, used by one thread at a time.
///
/// A decoder adapts to what it hears (cepstral mean), so it serves one stream and is not passed on: the same
/// audio gives the same words.
final class PocketSphinxDecoder {
  private let library: PocketSphinxLibrary
  private let decoder: PocketSphinxLibrary.Pointer
  private var isInUtterance = false
  private var utteranceStart = 0

  /// - Parameter model: a directory as Debian's `pocketsphinx-en-us` installs it.
  init(library: PocketSphinxLibrary, model: String) throws(PocketSphinxError) {
    let acoustic = model + "/en-us"
    let language = model + "/en-us.lm.bin"
    let dictionary = model + "/cmudict-en-us.dict"
    for path in [acoustic, language, dictionary] where access(path, R_OK) != 0 { throw .modelMissing(path) }
    // The server cuts speech from silence itself; a decoder doing so again would shift the times of the
    // words.
    let arguments = [
      "fluxgraph", "-hmm", acoustic, "-lm", language, "-dict", dictionary, "-remove_silence", "no",
    ]
    // The strings stay for as long as the configuration may refer to them.
    var pointers: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) }
    defer { for pointer in pointers { free(pointer) } }
    pointers.append(nil)
    library.silenceThisThread()
    let configuration = library.parseArguments(nil, library.arguments(), Int32(arguments.count), pointers, 1)
    guard let configuration else { throw .modelUnusable(model) }
    let made = library.makeDecoder(configuration)
    _ = library.freeArguments(configuration)
    guard let made else { throw .modelUnusable(model) }
    self.library = library
    decoder = made
  }

  deinit {
    _ = library.freeDecoder(decoder)
  }

  /// Takes the next block of a segment and returns the segment's words so far; after its last block, the settled ones.
  func hear(_ block: SpeechBlock) -> [RecognisedWord] {
    if block.begins {
      abandon()
      utteranceStart = block.start
      isInUtterance = library.startUtterance(decoder) >= 0
    }
    guard isInUtterance else { return [] }
    _ = block.samples.withUnsafeBufferPointer {
      library.process(decoder, $0.baseAddress, $0.count, 0, 0)
    }
    guard block.ends else { return words(areSettled: false) }
    _ = library.endUtterance(decoder)
    isInUtterance = false
    return words(areSettled: true)
  }

  func abandon() {
    guard isInUtterance else { return }
    _ = library.endUtterance(decoder)
    isInUtterance = false
  }

  /// - Parameter areSettled: whether the last pass has run, without which no word has a posterior
  ///   probability; until then each counts one half.
  private func words(areSettled: Bool) -> [RecognisedWord] {
    var words: [RecognisedWord] = []
    var base: Int32?
    var next = library.firstSegment(decoder)
    while let segment = next {
      var first: Int32 = 0
      var last: Int32 = 0
      library.segmentFrames(segment, &first, &last)
      // Frames are counted through the whole stream; the first segment is always the utterance's first frame.
      let origin = base ?? first
      base = origin
      if let name = library.segmentWord(segment), let text = Self.spoken(String(cString: name)) {
        let start = AudioClock.seconds(utteranceStart)
        let probability =
          areSettled
          ? library.exponential(
            library.logarithms(decoder), library.segmentProbability(segment, nil, nil, nil)) : 0.5
        words.append(
          RecognisedWord(
            text: text, start: start + Double(first - origin) / 100,
            end: start + Double(last + 1 - origin) / 100,
            confidence: min(max(probability, 0), 1)))
      }
      next = library.nextSegment(segment)
    }
    return words
  }

  /// The word without the mark of an alternative pronunciation, `read(2)`; `nil` for silence, fillers and noises.
  static func spoken(_ name: String) -> String? {
    guard let first = name.first, !"<[+".contains(first) else { return nil }
    guard name.last == ")", let bracket = name.lastIndex(of: "("), bracket > name.startIndex else {
      return name
    }
    return String(name[..<bracket])
  }
}
