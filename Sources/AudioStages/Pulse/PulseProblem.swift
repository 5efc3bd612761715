internal import CPulse
internal import FluxGraph
internal import Glibc

/// Why a sound server could not be reached, in words that say what to do.
struct PulseProblem: Sendable {
  /// One of libpulse's `PA_ERR_…`.
  var code: Int32
  /// The server's address as given; nil for the usual one.
  var server: String?
  /// The user's id, and the environment that decides where the server is looked for.
  var user: UInt32
  var environment: @Sendable (String) -> String?

  /// The problem of this process.
  init(code: Int32, server: String?) {
    self.init(code: code, server: server, user: getuid()) { name in
      getenv(name).map { String(cString: $0) }
    }
  }

  init(
    code: Int32, server: String?, user: UInt32, environment: @escaping @Sendable (String) -> String?
  ) {
    self.code = code
    self.server = server
    self.user = user
    self.environment = environment
  }

  /// What libpulse calls the error.
  static func text(_ code: Int32) -> String {
    String(cString: pa_strerror(code)).lowercased()
  }

  var error: StageError {
    let address = server ?? environment("PULSE_SERVER")
    let place = address.map { "the sound server at \($0)" } ?? "a sound server"
    if code == Int32(PA_ERR_ACCESS.rawValue) || code == Int32(PA_ERR_AUTHKEY.rawValue) {
      return StageError(
        .unavailable, "\(place) refused this user",
        help: "Run fluxgraph as the user whose sound it is, or give it that user's PULSE_COOKIE")
    }
    let reason = Self.text(code)
    if address != nil {
      return StageError(
        .unavailable, "cannot reach \(place): \(reason)",
        help: "Check the address, and that a server runs there: `pactl info`")
    }
    return StageError(.unavailable, "cannot reach \(place): \(reason)", help: help)
  }

  private var help: String {
    if environment("SUDO_USER") != nil && user == 0 {
      return "With sudo the user's sound is out of reach: run fluxgraph without it"
    }
    guard let directory = environment("XDG_RUNTIME_DIR"), !directory.isEmpty else {
      return
        "There is no session here, as under cron, su or a system unit: set XDG_RUNTIME_DIR=/run/user/\(user), or "
        + "PULSE_SERVER to the server's address, such as unix:/run/user/\(user)/pulse/native"
    }
    return
      "Start one with `systemctl --user start pipewire-pulse` or `systemctl --user start pulseaudio`, or set "
      + "PULSE_SERVER to its address"
  }
}
