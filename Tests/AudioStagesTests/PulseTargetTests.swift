import FluxGraph
import Testing

@testable import AudioStages

@Suite("What a graph means by a device") struct PulseTargetTests {
  private static let inventory: PulseInventory = {
    var inventory = PulseInventory()
    inventory.sinks = [
      .init(
        index: 0, name: "alsa_output.hdmi", description: "HDMI", rate: 48_000, channels: 2,
        monitor: "hdmi.mon"),
      .init(
        index: 1, name: "alsa_output.usb", description: "USB HDMI Audio", rate: 44_100, channels: 2,
        monitor: "usb.mon"),
      .init(
        index: 2, name: "bluez", description: "Earphones", rate: 16_000, channels: 1, monitor: "bluez.mon"),
    ]
    inventory.sources = [
      .init(
        index: 0, name: "hdmi.mon", description: "Monitor", rate: 48_000, channels: 2,
        monitorOf: "alsa_output.hdmi"),
      .init(
        index: 1, name: "usb.mon", description: "Monitor", rate: 44_100, channels: 2,
        monitorOf: "alsa_output.usb"),
      .init(
        index: 2, name: "bluez.mon", description: "Monitor", rate: 16_000, channels: 1, monitorOf: "bluez"),
      .init(index: 3, name: "alsa_input", description: "Built-in microphone", rate: 48_000, channels: 2),
    ]
    inventory.playbacks = [
      .init(index: 0, application: "Firefox", binary: "firefox-esr", sink: 0),
      .init(index: 1, application: "Google Chrome", binary: "chrome", sink: 0),
      .init(index: 2, application: "Firefox", binary: "firefox-esr", sink: 1),
    ]
    inventory.defaultSink = "alsa_output.usb"
    inventory.defaultSource = "alsa_input"
    return inventory
  }()

  @Test(
    "the default, a name, a description, or a part of either",
    arguments: [
      (PulseTarget.defaultSource, "alsa_input"), (.defaultMonitor, "usb.mon"), (.monitor("HDMI"), "hdmi.mon"),
      (.monitor("hdmi"), "hdmi.mon"), (.monitor("usb"), "usb.mon"), (.monitor("ear"), "bluez.mon"),
      (.monitor("bluez.mon"), "bluez.mon"), (.source("alsa_input"), "alsa_input"),
      (.source("built-in"), "alsa_input"),
    ])
  func resolves(target: PulseTarget, name: String) throws {
    #expect(try target.source(in: Self.inventory).name == name)
  }

  @Test("what is not there is answered with what is, and what is ambiguous with the choice")
  func refusals() {
    #expect(
      message(.monitor("DisplayPort")).hasPrefix("no output is called \"DisplayPort\". There is \"HDMI\" ("))
    #expect(
      message(.monitor("alsa_output")).hasPrefix("more than one output is called \"alsa_output\". There are ")
    )
    #expect(message(.source("nothing")).contains("\"Built-in microphone\" (alsa_input)"))
    var bare = PulseInventory()
    #expect(message(.defaultSource, bare).hasPrefix("there is no microphone"))
    #expect(message(.defaultMonitor, bare) == "there is no output whose sound could be recorded")
    bare.defaultSink = "gone"
    #expect(message(.defaultMonitor, bare) == "there is no output whose sound could be recorded")
  }

  private func message(_ target: PulseTarget, _ inventory: PulseInventory = Self.inventory) -> String {
    do {
      return try target.source(in: inventory).name
    } catch {
      return error.description
    }
  }

  @Test("a program is meant by its name, a part of it, or the name of its file")
  func applications() {
    func indices(_ name: String) -> [UInt32] {
      PulseTarget.application(name).playbacks(in: Self.inventory).map(\.index)
    }
    #expect(indices("firefox") == [0, 2])
    #expect(indices("firefox-esr") == [0, 2])
    #expect(indices("chrome") == [1])
    #expect(indices("mpv").isEmpty)
  }

  @Test("a server that cannot be reached is explained by what is missing")
  func problems() {
    let refused: Int32 = 6
    func text(user: UInt32 = 1000, server: String? = nil, _ environment: [String: String]) -> String {
      PulseProblem(code: refused, server: server, user: user) { environment[$0] }.error.description
    }
    #expect(text([:]).contains("set XDG_RUNTIME_DIR=/run/user/1000, or PULSE_SERVER"))
    #expect(text(["XDG_RUNTIME_DIR": "/run/user/1000"]).contains("systemctl --user start pipewire-pulse"))
    #expect(text(user: 0, ["SUDO_USER": "me"]).contains("run fluxgraph without it"))
    #expect(
      text(["PULSE_SERVER": "tcp:desk"]).hasPrefix(
        "cannot reach the sound server at tcp:desk: connection refused"))
    #expect(text(server: "unix:/x", [:]).contains("unix:/x"))
    let denied = PulseProblem(code: 1, server: nil, user: 0) { _ in nil }.error
    #expect(denied.description.contains("refused this user") && denied.code == .unavailable)
  }

  @Test("follow and pinned exclude each other")
  func options() {
    var stage = PulseMonitor()
    let specification = StageSpecification(PulseMonitor.self)
    stage.options.follow = true
    #expect(specification.conflicts(in: stage).isEmpty)
    stage.options.pinned = true
    #expect(specification.conflicts(in: stage).map(\.code) == ["follow-and-pinned"])
  }
}
