import Foundation
import Testing

/// A PulseAudio server of the test's own: headless, with a socket in a folder of its own, null sinks and nothing else.
final class PulseDaemon: @unchecked Sendable {
  // Unchecked: a test uses its server from one task at a time.

  /// The server and its command-line clients. Tests that need them are skipped where they are not installed, for the tests
  /// must run anywhere; with FLUXGRAPH_REQUIRE_PEERS=1 they run and fail instead.
  static let isUsable =
    ProcessInfo.processInfo.environment["FLUXGRAPH_REQUIRE_PEERS"] == "1"
    || ["pulseaudio", "pactl", "pacat", "parec"].allSatisfy { path(of: $0) != nil }

  struct Failure: Error { var message: String }

  let folder: URL
  /// The server's address.
  var address: String { "unix:\(folder.path)/native" }
  private var process: ChildProcess?
  private var players: [ChildProcess] = []
  private let sinks: [String]

  /// Starts a server with these sinks, such as `a rate=48000 channels=2`. The first one is the default.
  init(sinks: [String]) throws {
    self.sinks = sinks
    folder = FileManager.default.temporaryDirectory.appendingPathComponent(
      "pulse-\(UUID().uuidString.prefix(8))")
    try FileManager.default.createDirectory(
      at: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
    try start()
  }

  deinit {
    kill()
    // Players end with their server.
    for player in players { player.wait() }
    try? FileManager.default.removeItem(at: folder)
  }

  /// Starts the server, and waits until it answers.
  func start() throws {
    var script =
      ".fail\nload-module module-native-protocol-unix socket=\(folder.path)/native auth-anonymous=1\n"
    for sink in sinks { script += "load-module module-null-sink format=s16le sink_name=\(sink)\n" }
    let first = sinks[0].prefix { $0 != " " }
    script += "set-default-sink \(first)\nset-default-source \(first).monitor\n"
    let file = folder.appendingPathComponent("test.pa")
    try Data(script.utf8).write(to: file)
    process = try launch(
      "pulseaudio",
      [
        "-n", "--file=\(file.path)", "--daemonize=no", "--exit-idle-time=-1", "--disallow-exit",
        "--use-pid-file=no", "--realtime=no", "--high-priority=no", "--log-level=error",
      ])
    for _ in 0..<200 {
      if (try? control("info")) != nil { return }
      usleep(50_000)
    }
    throw Failure(message: "pulseaudio did not start within 10 s")
  }

  /// Ends the server as a crash would.
  func kill() {
    process?.signal(SIGKILL)
    process?.wait()
    process = nil
  }

  /// Has the server stand still, as on a machine that is far too busy.
  func pause() { process?.signal(SIGSTOP) }
  func resume() { process?.signal(SIGCONT) }

  /// Runs `pactl`, and gives what it prints.
  @discardableResult
  func control(_ command: String) throws -> String {
    let process = try launch("pactl", command.split(separator: " ").map(String.init))
    let text = process.text()
    guard process.wait() == 0 else { throw Failure(message: "pactl \(command) failed") }
    return text
  }

  /// Plays 16-bit samples to a sink, as a program of this name.
  @discardableResult
  func play(
    _ samples: [Int16], rate: Int, channels: Int, to sink: String, as name: String = "player",
    latency: Int? = nil
  ) throws -> ChildProcess {
    let file = folder.appendingPathComponent("\(UUID().uuidString).raw")
    try samples.withUnsafeBytes { try Data($0).write(to: file) }
    let player = try launch(
      "pacat",
      [
        "--playback", "--raw", "--format=s16le", "--rate=\(rate)", "--channels=\(channels)",
        "--device=\(sink)",
        "--client-name=\(name)", "--property=application.name=\(name)",
      ] + (latency.map { ["--latency-msec=\($0)"] } ?? []) + [file.path])
    players.append(player)
    return player
  }

  /// Records 16-bit samples from a source with `parec` into a file.
  func record(_ source: String, rate: Int, channels: Int, to file: URL) throws -> ChildProcess {
    try launch(
      "parec",
      [
        "--raw", "--format=s16le", "--rate=\(rate)", "--channels=\(channels)", "--device=\(source)",
        "--latency-msec=20", file.path,
      ])
  }

  private func launch(_ program: String, _ arguments: [String]) throws -> ChildProcess {
    var environment = ProcessInfo.processInfo.environment
    for name in ["PULSE_RUNTIME_PATH", "PULSE_STATE_PATH", "XDG_RUNTIME_DIR", "HOME"] {
      environment[name] = folder.path
    }
    environment["PULSE_SERVER"] = address
    return try ChildProcess(program, arguments, environment: environment)
  }

  private static func path(of program: String) -> String? {
    let folders = ProcessInfo.processInfo.environment["PATH"]?.split(separator: ":") ?? []
    return folders.map { "\($0)/\(program)" }.first { FileManager.default.isExecutableFile(atPath: $0) }
  }
}
