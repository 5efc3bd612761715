internal import Glibc

/// Ends the program because the system has none left of what nothing works without: with a sentence and EX_UNAVAILABLE (69), not with a trap.
/// Nothing has been received yet that could be lost: such things are made at the start.
package func exhausted(_ what: String, _ problem: Int32) -> Never {
  let text = "fluxgraph: the system gives no further \(what): \(String(cString: strerror(problem)))\n"
  let help = "  help: raise its limits (`ulimit -a` shows them)\n"
  Array((text + help).utf8).withUnsafeBytes { _ = writeAll($0, to: STDERR_FILENO) }
  _exit(69)
}
