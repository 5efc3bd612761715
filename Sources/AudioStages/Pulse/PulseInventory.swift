/// What devices that record and devices that play have in common.
package protocol PulseDevice {
  /// The name the server knows it by, and the one people do.
  var name: String { get }
  var description: String { get }
  /// Frames a second, in Hz.
  var rate: Int { get }
  var channels: Int { get }
  var state: PulseInventory.State { get }
  var isMuted: Bool { get }
}

/// What a sound server has: devices that record, devices that play, programs that play. A value, read at one moment.
package struct PulseInventory: Sendable, Equatable {
  /// Whether a device is at work.
  package enum State: String, Sendable, Hashable {
    case running, idle, suspended
  }

  /// A device sound can be recorded from: a microphone, or the monitor of an output.
  package struct Source: PulseDevice, Sendable, Equatable {
    package var index: UInt32
    package var name: String
    package var description: String
    /// Frames a second, in Hz.
    package var rate: Int
    package var channels: Int
    package var state = State.idle
    package var isMuted = false
    /// The name of the output whose sound this is; nil for a microphone.
    package var monitorOf: String?
  }

  /// An output: a device that plays.
  package struct Sink: PulseDevice, Sendable, Equatable {
    package var index: UInt32
    package var name: String
    package var description: String
    package var rate: Int
    package var channels: Int
    package var state = State.idle
    package var isMuted = false
    /// The name of the source that gives what this output plays.
    package var monitor: String
  }

  /// One stream a program plays.
  package struct Playback: Sendable, Equatable {
    package var index: UInt32
    /// The program as it calls itself.
    package var application: String
    /// The name of the program's file.
    package var binary: String?
    /// What is being played, as the program calls it.
    package var title = ""
    /// The index of the output it plays to.
    package var sink: UInt32
    package var rate = 48_000
    package var channels = 2
    package var isPaused = false
    package var isMuted = false
  }

  /// What the server calls itself: "pulseaudio 16.1", "PulseAudio (on PipeWire 1.2.7)".
  package var server = ""
  package var defaultSource: String?
  package var defaultSink: String?
  package var sources: [Source] = []
  package var sinks: [Sink] = []
  package var playbacks: [Playback] = []

  package init() {}

  package func source(named name: String?) -> Source? { sources.first { $0.name == name } }
  package func sink(named name: String?) -> Sink? { sinks.first { $0.name == name } }
  package func sink(_ index: UInt32) -> Sink? { sinks.first { $0.index == index } }

  /// What people call a source.
  package func title(of source: Source) -> String {
    guard let sink = sink(named: source.monitorOf) else { return source.description }
    return "the monitor of \(sink.description)"
  }
}
