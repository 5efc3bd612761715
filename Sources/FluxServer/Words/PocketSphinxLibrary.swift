import Glibc

/// The functions of PocketSphinx (5prealpha, `libpocketsphinx.so.3`) that are used, found at run time: the
/// recogniser is optional, and so is its library.
struct PocketSphinxLibrary: Sendable {
  typealias Pointer = UnsafeMutableRawPointer

  let arguments: @convention(c) () -> Pointer?
  /// `cmd_ln_parse_r`: the configuration from an argument list; `cmd_ln_init` is variadic and out of Swift's reach.
  let parseArguments:
    @convention(c) (Pointer?, Pointer?, Int32, UnsafePointer<UnsafeMutablePointer<CChar>?>, Int32) -> Pointer?
  let freeArguments: @convention(c) (Pointer?) -> Int32
  let makeDecoder: @convention(c) (Pointer?) -> Pointer?
  let freeDecoder: @convention(c) (Pointer?) -> Int32
  let startUtterance: @convention(c) (Pointer) -> Int32
  let process: @convention(c) (Pointer, UnsafePointer<Int16>?, Int, Int32, Int32) -> Int32
  let endUtterance: @convention(c) (Pointer) -> Int32
  let firstSegment: @convention(c) (Pointer) -> Pointer?
  let nextSegment: @convention(c) (Pointer) -> Pointer?
  let segmentWord: @convention(c) (Pointer) -> UnsafePointer<CChar>?
  let segmentFrames:
    @convention(c) (Pointer, UnsafeMutablePointer<Int32>, UnsafeMutablePointer<Int32>) -> Void
  let segmentProbability:
    @convention(c) (
      Pointer, UnsafeMutablePointer<Int32>?, UnsafeMutablePointer<Int32>?, UnsafeMutablePointer<Int32>?
    ) -> Int32
  let logarithms: @convention(c) (Pointer) -> Pointer?
  /// `logmath_exp`: a log probability of the decoder's own base as a number from 0 to 1.
  let exponential: @convention(c) (Pointer?, Int32) -> Double
  private let setLogFile: @convention(c) (Pointer?) -> Void

  /// Binds the libraries; throws one plain sentence if they are not there.
  init() throws(PocketSphinxError) {
    let base = try Self.load("libsphinxbase.so.3")
    let main = try Self.load("libpocketsphinx.so.3")
    arguments = try Self.symbol("ps_args", in: main)
    parseArguments = try Self.symbol("cmd_ln_parse_r", in: base)
    freeArguments = try Self.symbol("cmd_ln_free_r", in: base)
    makeDecoder = try Self.symbol("ps_init", in: main)
    freeDecoder = try Self.symbol("ps_free", in: main)
    startUtterance = try Self.symbol("ps_start_utt", in: main)
    process = try Self.symbol("ps_process_raw", in: main)
    endUtterance = try Self.symbol("ps_end_utt", in: main)
    firstSegment = try Self.symbol("ps_seg_iter", in: main)
    nextSegment = try Self.symbol("ps_seg_next", in: main)
    segmentWord = try Self.symbol("ps_seg_word", in: main)
    segmentFrames = try Self.symbol("ps_seg_frames", in: main)
    segmentProbability = try Self.symbol("ps_seg_prob", in: main)
    logarithms = try Self.symbol("ps_get_logmath", in: main)
    exponential = try Self.symbol("logmath_exp", in: base)
    setLogFile = try Self.symbol("err_set_logfp", in: base)
    let setMessageCallback: @convention(c) (Pointer?, Pointer?) -> Void =
      try Self.symbol("err_set_callback", in: base)
    setMessageCallback(nil, nil)
  }

  /// Keeps the calling thread from writing pages of settings to stderr; the messages proper are off for all threads.
  func silenceThisThread() {
    setLogFile(nil)
  }

  private static func load(_ name: String) throws(PocketSphinxError) -> Pointer {
    // Never closed: the library stays for the life of the process.
    guard let handle = dlopen(name, RTLD_NOW | RTLD_LOCAL) else { throw .libraryMissing(name) }
    return handle
  }

  private static func symbol<Function>(_ name: String, in library: Pointer) throws(PocketSphinxError)
    -> Function
  {
    guard let address = dlsym(library, name) else { throw .libraryUnsuitable(name) }
    return unsafeBitCast(address, to: Function.self)
  }
}

/// Why PocketSphinx cannot be used.
package enum PocketSphinxError: Error, Equatable, CustomStringConvertible {
  case libraryMissing(String)
  case libraryUnsuitable(String)
  case modelMissing(String)
  case modelUnusable(String)

  package var description: String {
    switch self {
    case .libraryMissing(let name):
      "The local recogniser is not installed: there is no \(name) (on Debian: libpocketsphinx3)."
    case .libraryUnsuitable(let symbol):
      "The installed PocketSphinx is not the one expected: it has no function \(symbol)."
    case .modelMissing(let path):
      "The local recogniser has no model: there is no \(path) (on Debian: pocketsphinx-en-us)."
    case .modelUnusable(let path):
      "PocketSphinx cannot load the model in \(path)."
    }
  }
}
