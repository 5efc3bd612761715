import CCurl
import Glibc

/// What a loop needs of the whole process, done once however many loops there are.
enum ProcessSetup {
  /// Whether libcurl could be initialised.
  static let succeeded: Bool = {
    // A peer that went away is an error of the call that writes to it, not a reason to end the process.
    signal(SIGPIPE, SIG_IGN)
    raiseDescriptorLimit()
    return CCurl_global_init() == CURLE_OK
  }()

  /// How many descriptors the process may have, after asking for as many as it can get.
  static let descriptorLimit = raiseDescriptorLimit()

  @discardableResult
  private static func raiseDescriptorLimit() -> Int {
    var limit = rlimit()
    guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return 1024 }
    if limit.rlim_cur < limit.rlim_max {
      let lower = limit.rlim_cur
      limit.rlim_cur = limit.rlim_max
      if setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) != 0 { limit.rlim_cur = lower }
    }
    return Int(clamping: limit.rlim_cur)
  }
}
