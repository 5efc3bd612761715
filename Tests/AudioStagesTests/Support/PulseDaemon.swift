import Foundation
import Testing

/// A PulseAudio server of the test's own: headless, with a socket in a folder of its own, null sinks and nothing else.
final class PulseDaemon: @unchecked Sendable {
  // Unchecked: a test uses its server from one task at a time.

  /// The server and its command-line clients. Tests that need them are skipped where they are not installed, for the tests
  /// must run anywhere; with FLUXGRAPH_REQUIRE_PEERS=1 they run and fail instead.
  static let isUsable =
    ProcessInfo.processInfo.environment["FLUXGRAPH_REQUIRE_PEERS"] == "1"
    || ["pulseaudio", "pactl", "pacat"].allSatisfy { path(of: $0) != nil }

  struct Failure: Error { var message: String }

  let folder: URL
  /// The server's address.
  var address: String { "unix:\(folder.path)/native" }
  private var process: Process?
  private var players: [Process] = []
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
    for player in players where player.isRunning { player.terminate() }
    kill()
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
    guard let process, process.isRunning else { return }
    Foundation.kill(process.processIdentifier, SIGKILL)
    process.waitUntilExit()
  }

  /// Has the server stand still, as on a machine that is far too busy.
  func pause() { if let process { Foundation.kill(process.processIdentifier, SIGSTOP) } }
  func resume() { if let process { Foundation.kill(process.processIdentifier, SIGCONT) } }

  /// Runs `pactl`, and gives what it prints.
  @discardableResult
  func control(_ command: String) throws -> String {
    let output = Pipe()
    let process = try launch("pactl", command.split(separator: " ").map(String.init), output: output)
    let text = output.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    guard process.terminationStatus == 0 else { throw Failure(message: "pactl \(command) failed") }
    return String(decoding: text, as: UTF8.self)
  }

  /// Plays 16-bit samples to a sink, as a program of this name.
  @discardableResult
  func play(
    _ samples: [Int16], rate: Int, channels: Int, to sink: String, as name: String = "player"
  ) throws -> Process {
    let file = folder.appendingPathComponent("\(UUID().uuidString).raw")
    try samples.withUnsafeBytes { try Data($0).write(to: file) }
    let player = try launch(
      "pacat",
      [
        "--playback", "--raw", "--format=s16le", "--rate=\(rate)", "--channels=\(channels)",
        "--device=\(sink)",
        "--client-name=\(name)", "--property=application.name=\(name)", file.path,
      ])
    players.append(player)
    return player
  }

  private func launch(_ program: String, _ arguments: [String], output: Pipe? = nil) throws -> Process {
    guard let path = Self.path(of: program) else { throw Failure(message: "\(program) is not installed") }
    let process = Process()
    process.executableURL = URL(fileURLWithPath: path)
    process.arguments = arguments
    var environment = ProcessInfo.processInfo.environment
    for name in ["PULSE_RUNTIME_PATH", "PULSE_STATE_PATH", "XDG_RUNTIME_DIR", "HOME"] {
      environment[name] = folder.path
    }
    environment["PULSE_SERVER"] = address
    process.environment = environment
    process.standardOutput = output ?? FileHandle.nullDevice
    process.standardError = FileHandle.nullDevice
    process.standardInput = FileHandle.nullDevice
    try process.run()
    return process
  }

  private static func path(of program: String) -> String? {
    let folders = ProcessInfo.processInfo.environment["PATH"]?.split(separator: ":") ?? []
    return folders.map { "\($0)/\(program)" }.first { FileManager.default.isExecutableFile(atPath: $0) }
  }
}
