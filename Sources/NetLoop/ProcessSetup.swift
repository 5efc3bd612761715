import CCurl
import Glibc

/// What a loop needs of the whole process, done once however many loops there are.
enum ProcessSetup {
  /// Whether libcurl could be initialised.
  static let succeeded: Bool = {
    // A peer that went away is an error of the call that writes to it, not a reason to end the process.
    signal(SIGPIPE, SIG_IGN)
    var limit = rlimit()
    if getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0, limit.rlim_cur < limit.rlim_max {
      limit.rlim_cur = limit.rlim_max
      _ = setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    }
    return CCurl_global_init() == CURLE_OK
  }()
}
