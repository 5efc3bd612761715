import FluxGraph

/// What passed over one connection with Flux, in order: to be replayed to any client.
///
/// As a file: JSON lines. The first says what it is and has the URL, without anything secret. Each other line is a
/// frame: who sent it (`from`), the audio the client had sent by then in seconds (`audio`), the time since the
/// connection was opened in seconds (`wall`), and either `text`, or `bytes` (their number) with `base64` or, where the
/// audio is not kept, `sha256`, or `close` (the code or null) with `reason`, or `lost` when the connection broke.
package struct FluxRecording: Equatable, Sendable {
  package enum Sender: String, Sendable {
    case client
    case server
  }

  package enum Content: Equatable, Sendable {
    case text(String)
    case binary(count: Int, Audio)
    case close(code: Int?, reason: String)
    case lost(reason: String)
  }

  /// What is known of the audio of a frame.
  package enum Audio: Equatable, Sendable {
    /// The bytes themselves, for whoever wants to hear them.
    case base64(String)
    /// The hash, in hexadecimal, of all audio of the connection up to the frame's end: where a client cuts its audio does not matter.
    case sha256(String)
    /// No more than how many bytes there were.
    case unknown
  }

  package struct Frame: Equatable, Sendable {
    package var sender: Sender
    package var audio: Double
    package var wall: Double
    package var content: Content

    package init(_ sender: Sender, audio: Double, wall: Double, _ content: Content) {
      self.sender = sender
      self.audio = audio
      self.wall = wall
      self.content = content
    }
  }

  package var url: String
  package var frames: [Frame] = []

  /// - Parameter url: as the client used it; what is no parameter of Flux is left out, because it may be a secret.
  package init(url: String) {
    let base = url.prefix { $0 != "?" }
    let items = url.dropFirst(base.count + 1).split(separator: "&").filter { item in
      FluxParameter.named(String(item.prefix { $0 != "=" })) != nil
    }
    self.url = base + (items.isEmpty ? "" : "?" + items.joined(separator: "&"))
  }

  /// All audio of the client, in seconds.
  package var audioSeconds: Double { frames.map(\.audio).max() ?? 0 }

  /// Whether the client ended the session.
  package var endsByClient: Bool {
    frames.contains { frame in
      guard frame.sender == .client, case .text(let text) = frame.content else { return false }
      return (try? ClientMessage(decoding: text)) == .closeStream
    }
  }
}

// MARK: - The file

extension FluxRecording {
  /// The first line.
  package var header: String {
    JSONValue.object([("fluxgraph", .string("recording")), ("v", JSONValue(1)), ("url", .string(url))])
      .serialized
  }

  /// Whether a file that begins with these bytes is a recording.
  package static func isRecording(_ beginning: [UInt8]) -> Bool {
    beginning.starts(with: Array(#"{"fluxgraph":"recording""#.utf8))
  }

  /// Reads a recording, or a capture: an object with `url`, the service's `frames` as texts, and `close`.
  package init(reading bytes: [UInt8]) throws(RecordingError) {
    if let value = try? JSONValue.parse(bytes), value["frames"] != nil {
      try self.init(capture: value)
      return
    }
    let lines = bytes.split(separator: UInt8(ascii: "\n"))
    guard let first = lines.first, let header = try? JSONValue.parse(Array(first)),
      header["fluxgraph"]?.stringValue == "recording", let url = header["url"]?.stringValue
    else { throw RecordingError(line: 1, problem: "is not the first of a recording") }
    guard header["v"]?.intValue == 1 else {
      throw RecordingError(line: 1, problem: "has another version than 1")
    }
    self.init(url: url)
    for (index, line) in lines.enumerated().dropFirst() {
      guard let value = try? JSONValue.parse(Array(line)), let frame = Frame(value) else {
        throw RecordingError(line: index + 1, problem: "is not a frame")
      }
      frames.append(frame)
    }
  }

  /// A capture has no times. A turn's message came when its audio had been heard, another one with the one before it.
  private init(capture: JSONValue) throws(RecordingError) {
    self.init(url: capture["url"]?.stringValue ?? "")
    var time = 0.0
    for (index, entry) in (capture["frames"]?.arrayValue ?? []).enumerated() {
      guard let text = entry.stringValue, let message = try? ServerMessage(decoding: text) else {
        throw RecordingError(line: nil, problem: "has a frame \(index) that is no message of the service")
      }
      if case .turnInfo(let info) = message { time = max(time, info.audioWindowEnd ?? time) }
      frames.append(Frame(.server, audio: time, wall: time, .text(text)))
    }
    let end = ClientMessage.closeStream.encoded
    frames.append(Frame(.client, audio: time, wall: time, .text(end)))
    let code = capture["close"]?["code"]?.intValue
    let reason = capture["close"]?["reason"]?.stringValue ?? ""
    frames.append(Frame(.server, audio: time, wall: time, .close(code: code, reason: reason)))
  }
}

extension FluxRecording.Frame {
  /// The frame's line.
  package var line: String {
    var members: [(String, JSONValue)] = [
      ("from", .string(sender.rawValue)), ("audio", JSONValue(rounded(audio))),
      ("wall", JSONValue(rounded(wall))),
    ]
    switch content {
    case .text(let text): members.append(("text", .string(text)))
    case .binary(let count, let audio):
      members.append(("bytes", JSONValue(count)))
      switch audio {
      case .base64(let text): members.append(("base64", .string(text)))
      case .sha256(let text): members.append(("sha256", .string(text)))
      case .unknown: break
      }
    case .close(let code, let reason):
      members += [("close", code.map { JSONValue($0) } ?? .null), ("reason", .string(reason))]
    case .lost(let reason): members.append(("lost", .string(reason)))
    }
    return JSONValue.object(members).serialized
  }

  fileprivate init?(_ value: JSONValue) {
    guard let sender = value["from"]?.stringValue.flatMap(FluxRecording.Sender.init),
      let audio = value["audio"]?.doubleValue, let wall = value["wall"]?.doubleValue, audio.isFinite,
      wall.isFinite
    else { return nil }
    let content: FluxRecording.Content
    if let text = value["text"]?.stringValue {
      content = .text(text)
    } else if let count = value["bytes"]?.intValue {
      guard count >= 0 else { return nil }
      let audio =
        value["base64"]?.stringValue.map(FluxRecording.Audio.base64)
        ?? value["sha256"]?.stringValue.map(FluxRecording.Audio.sha256)
      content = .binary(count: count, audio ?? .unknown)
    } else if let reason = value["lost"]?.stringValue {
      content = .lost(reason: reason)
    } else if let code = value["close"] {
      if let number = code.intValue, !(0...65_535 ~= number) { return nil }
      content = .close(code: code.intValue, reason: value["reason"]?.stringValue ?? "")
    } else {
      return nil
    }
    self.init(sender, audio: audio, wall: wall, content)
  }
}

/// Microseconds are enough.
private func rounded(_ seconds: Double) -> Double { (seconds * 1e6).rounded() / 1e6 }

/// What is wrong with the file of a recording.
package struct RecordingError: Error, Equatable, Sendable, CustomStringConvertible {
  package let line: Int?
  package let problem: String

  package var description: String { line.map { "Line \($0) \(problem)." } ?? "The capture \(problem)." }
}
