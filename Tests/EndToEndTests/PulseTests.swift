import Foundation
import Testing

/// A PulseAudio server of the tests' own, headless, with one null sink that is called Speakers.
private final class SoundServer: Sendable {
  private let folder: Folder
  private let server: Program
  let environment: [String: String]

  static let isThere =
    ProcessInfo.processInfo.environment["FLUXGRAPH_REQUIRE_PEERS"] == "1"
    || ["pulseaudio", "pactl", "pacat", "ffmpeg"].allSatisfy {
      FileManager.default.isExecutableFile(atPath: "/usr/bin/\($0)")
    }

  init() async throws {
    let folder = try Folder()
    try FileManager.default.setAttributes([.posixPermissions: 0o700], ofItemAtPath: folder.path)
    try folder.write(
      """
      .fail
      load-module module-native-protocol-unix socket=\(folder.path)/native auth-anonymous=1
      load-module module-null-sink sink_name=speakers rate=48000 channels=2 sink_properties=device.description=Speakers
      set-default-sink speakers
      set-default-source speakers.monitor

      """, to: "test.pa")
    var environment = ["PULSE_SERVER": "unix:\(folder.path)/native"]
    for name in ["PULSE_RUNTIME_PATH", "PULSE_STATE_PATH", "XDG_RUNTIME_DIR", "HOME"] {
      environment[name] = folder.path
    }
    server = try Program(
      "/usr/bin/pulseaudio",
      [
        "-n", "--file=\(folder.path("test.pa"))", "--daemonize=no", "--exit-idle-time=-1", "--disallow-exit",
        "--use-pid-file=no", "--realtime=no", "--high-priority=no", "--log-level=error",
      ], .init(environment: environment.mapValues { $0 }, limit: 90))
    self.folder = folder
    self.environment = environment
    for _ in 0..<100 {
      if try await run("/usr/bin/pactl", ["info"]).status == 0 { return }
      try await Task.sleep(for: .milliseconds(50))
    }
    Issue.record("pulseaudio did not start")
  }

  func run(_ path: String, _ arguments: [String]) async throws -> Program.Outcome {
    try await Program.run(path, arguments, .init(environment: environment.mapValues { $0 }))
  }

  /// Ends the server as a crash would.
  func stop() { server.signal(SIGKILL) }

  func start(_ path: String, _ arguments: [String]) throws -> Program {
    try Program(path, arguments, .init(environment: environment.mapValues { $0 }))
  }
}

/// A PipeWire server of the tests' own, which speaks PulseAudio's protocol.
private final class PipeWireServer: Sendable {
  static let isThere =
    ProcessInfo.processInfo.environment["FLUXGRAPH_REQUIRE_PEERS"] == "1"
    || ["pipewire", "wireplumber", "pipewire-pulse", "dbus-run-session", "pactl", "pacat"].allSatisfy {
      FileManager.default.isExecutableFile(atPath: "/usr/bin/\($0)")
    }

  private let folder: Folder
  private let process: Program
  let environment: [String: String]

  init() async throws {
    folder = try Folder()
    try FileManager.default.setAttributes([.posixPermissions: 0o700], ofItemAtPath: folder.path)
    let script = Peers.packageRoot.appending(path: "Tests/EndToEndTests/Peers/pipewire.sh").path
    process = try Program(
      "/bin/sh", [script, folder.path],
      .init(holdsInput: true, environment: ["DBUS_SESSION_BUS_ADDRESS": nil], limit: 90))
    environment = [
      "PULSE_SERVER": "unix:\(folder.path)/pulse/native", "XDG_RUNTIME_DIR": folder.path, "HOME": folder.path,
    ]
    _ = try await process.line(containing: "ready")
  }

  /// Ends the server and all that belongs to it.
  func stop() async throws {
    process.endInput()
    _ = try await process.outcome()
  }
}

/// What the computer plays and hears.
@Suite(
  .timeLimit(.minutes(10)),
  .enabled(if: SoundServer.isThere && Peers.areThere, "needs PulseAudio and ffmpeg"))
struct PulseTests {
  @Test("`devices` lists outputs, microphones and programs, each with a graph that can be run")
  func devices() async throws {
    let server = try await SoundServer()
    let player = try server.start(
      "/usr/bin/pacat", ["--playback", "--raw", "--property=application.name=Player", "/dev/zero"])
    while try await server.run("/usr/bin/pactl", ["list", "short", "sink-inputs"]).output.isEmpty {}
    let text = try await Fluxgraph.command(["devices"], environment: server.environment)
    #expect(text.status == 0)
    #expect(text.output.contains("* Speakers  48k stereo  "), "\(text.output)")
    #expect(text.output.contains("monitor | flux | stdout"))
    #expect(text.output.contains("app \"Player\" | flux | stdout"))
    let json = try await Fluxgraph.command(["devices", "--format", "json"], environment: server.environment)
    let list = try JSONDecoder().decode(List.self, from: Data(json.output.utf8))
    #expect(list.outputs.map(\.name) == ["speakers"] && list.applications.map(\.name) == ["Player"])
    for graph in list.outputs.map(\.graph) + list.applications.map(\.graph) {
      #expect(try await Fluxgraph.command(["check", "-e", graph]).status == 0)
    }
    player.signal(SIGKILL)
  }

  private struct List: Decodable {
    struct Entry: Decodable {
      var name: String
      var graph: String
    }
    var outputs: [Entry]
    var applications: [Entry]
  }

  @Test("without a server, what to do about it is said")
  func noServer() async throws {
    let folder = try Folder()
    let environment = ["XDG_RUNTIME_DIR": folder.path, "HOME": folder.path]
    let outcome = try await Fluxgraph.run("monitor | null", environment: environment)
    outcome.expectFailure(69, saying: "cannot reach a sound server", "systemctl --user start")
    let devices = try await Fluxgraph.command(["devices"], environment: environment)
    devices.expectFailure(69, saying: "cannot reach a sound server")
  }

  @Test(
    "`devices --watch` prints the list at every change, tells that the server has gone, and ends with Ctrl-C")
  func watch() async throws {
    let server = try await SoundServer()
    let program = try Program(
      Fluxgraph.path, ["devices", "--watch", "--format", "json"], Fluxgraph.surroundings(server.environment))
    _ = try await program.line(containing: #""name":"speakers""#)
    _ = try await server.run(
      "/usr/bin/pactl",
      [
        "load-module", "module-null-sink", "sink_name=headphones",
        "sink_properties=device.description=Headphones",
      ])
    let line = try await program.line(containing: "headphones")
    let list = try JSONDecoder().decode(List.self, from: Data(line.utf8))
    #expect(list.outputs.map(\.graph).contains(#"monitor "Headphones" | flux | stdout"#), "\(line)")
    server.stop()
    _ = try await program.errorLine(containing: "the sound server has gone; waiting for it")
    program.signal(SIGINT)
    let outcome = try await program.outcome()
    #expect(outcome.status == 0, "\(outcome.errors)")
  }

  @Test(
    "PipeWire's server is listened to as PulseAudio's is: a monitor, one program, the default",
    .enabled(if: PipeWireServer.isThere, "needs PipeWire"))
  func pipeWire() async throws {
    let server = try await PipeWireServer()
    let devices = try await Fluxgraph.command(["devices"], environment: server.environment)
    #expect(devices.output.contains("monitor | flux | stdout"), "\(devices.output)\(devices.errors)")
    let sound = try Folder()
    try await Peers.shell(
      "ffmpeg -nostdin -v error -f lavfi -i sine=440:sample_rate=48000 -t 3 -ac 2 -f s16le tone.raw",
      in: sound.path)
    let program = try Program(
      Fluxgraph.path,
      ["run", "-e", "monitor | wav all.wav; app Player | wav player.wav; app Nobody | wav nobody.wav"],
      Fluxgraph.surroundings(server.environment, directory: sound.path))
    _ = try await program.errorLine(containing: "monitor: listening to the monitor of")
    let player = try await Program.run(
      "/usr/bin/pacat",
      [
        "--playback", "--raw", "--rate=48000", "--channels=2", "--property=application.name=Player",
        sound.path("tone.raw"),
      ], .init(environment: server.environment.mapValues { $0 }))
    #expect(player.status == 0, "\(player.errors)")
    _ = try await program.errorLine(containing: "app: Player has stopped playing")
    program.signal(SIGINT)
    let outcome = try await program.outcome()
    #expect(outcome.status == 0, "\(outcome.errors)")
    #expect(outcome.errors.contains("app: listening to Player"), "\(outcome.errors)")
    for (name, isSounding) in [("all", true), ("player", true), ("nobody", false)] {
      try await Peers.shell("ffmpeg -nostdin -v error -i \(name).wav -f s16le \(name).raw", in: sound.path)
      let samples = [UInt8](try sound.bytes(of: "\(name).raw"))
      #expect(samples.count > 3 * 192_000)
      #expect(samples.contains { $0 != 0 } == isSounding, "\(name)")
    }
    try await server.stop()
  }

  @Test("with neither a session nor a home, as under cron, the message says what to set")
  func noSession() async throws {
    let surroundings = Program.Surroundings(
      environment: [
        "XDG_RUNTIME_DIR": nil, "HOME": nil, "PULSE_SERVER": nil, "DBUS_SESSION_BUS_ADDRESS": nil,
      ])
    for arguments in [["run", "-e", "mic | null"], ["run", "-e", "app firefox | null"], ["devices"]] {
      let outcome = try await Program.run(Fluxgraph.path, arguments, surroundings)
      outcome.expectFailure(69, saying: "cannot reach a sound server")
      #expect(outcome.errors.contains("set XDG_RUNTIME_DIR=/run/user/\(getuid())"), "\(outcome.errors)")
    }
    var sudo = surroundings
    sudo.environment["SUDO_USER"] = "somebody"
    let outcome = try await Program.run(Fluxgraph.path, ["devices"], sudo)
    if getuid() == 0 { #expect(outcome.errors.contains("run fluxgraph without it"), "\(outcome.errors)") }
  }

  @Test("the meeting's graph hears both sides, and both have one beginning")
  func meeting() async throws {
    let server = try await SoundServer()
    let sound = try Folder()
    let dialogue = Peers.packageRoot.appending(path: "graphs/audio/dialogue.opus").path
    try await Peers.shell(
      "ffmpeg -v error -i '\(dialogue)' -t 7 -af adelay=500:all=1,apad=pad_dur=3 -ar 48000 -ac 2 -f s16le talk.raw",
      in: sound.path)
    let graph = Peers.packageRoot.appending(path: "graphs/meeting.graph").path
    let program = try Program(
      Fluxgraph.path, ["run", graph, "--set", "endpoint=local"],
      Fluxgraph.surroundings(server.environment))
    _ = try await program.errorLine(containing: "monitor: listening to the monitor of Speakers")
    let player = try await server.run(
      "/usr/bin/pacat", ["--playback", "--raw", "--rate=48000", "--channels=2", sound.path("talk.raw")])
    #expect(player.status == 0)
    program.signal(SIGINT)
    let outcome = try await program.outcome()
    #expect(outcome.status == 0, "\(outcome.errors)")
    // The default source is the same monitor here: what "them" says is also what "me" says.
    #expect(outcome.output.contains("] me: ") && outcome.output.contains("] them: "), "\(outcome.output)")
    outcome.expectNoCrash()
  }
}
