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

  func start(_ path: String, _ arguments: [String]) throws -> Program {
    try Program(path, arguments, .init(environment: environment.mapValues { $0 }))
  }
}

/// What the computer plays and hears.
@Suite(
  .timeLimit(.minutes(2)),
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
