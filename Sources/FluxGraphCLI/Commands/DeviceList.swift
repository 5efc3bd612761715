internal import AudioStages
internal import FluxGraph
internal import Platform

/// A sound server's devices and programs as people and programs read them, each with a graph that listens to it.
struct DeviceList {
  let inventory: PulseInventory

  var text: String {
    var text = "outputs, for what this computer plays\n"
    let sinks = inventory.sinks.map { sink in
      row(sink, isDefault: sink.name == inventory.defaultSink, line(for: sink))
    }
    text += table(sinks, "none")
    text += "\nmicrophones\n"
    let sources = inventory.sources.filter { $0.monitorOf == nil }.map { source in
      row(source, isDefault: source.name == inventory.defaultSource, line(for: source))
    }
    text += table(sources, "none")
    text += "\nprograms that play\n"
    let playbacks = inventory.playbacks.map { playback in
      row(
        false, playback.application, playback.title, playback.rate, playback.channels, state(of: playback),
        line(for: playback))
    }
    text += table(playbacks, "none")
    if !(sinks + sources).isEmpty { text += "\n* the default\n" }
    return text
  }

  var json: JSONValue {
    .object([
      ("server", .string(inventory.server)),
      ("outputs", .array(inventory.sinks.map(json(sink:)))),
      ("sources", .array(inventory.sources.map(json(source:)))),
      ("applications", .array(inventory.playbacks.map(json(playback:)))),
    ])
  }

  // MARK: - Graph lines

  private func line(for sink: PulseInventory.Sink) -> String {
    if sink.name == inventory.defaultSink { return "monitor | flux | stdout" }
    let isUnique = inventory.sinks.filter { $0.description == sink.description }.count == 1
    return "monitor \(quotedText(isUnique ? sink.description : sink.name)) | flux | stdout"
  }

  private func line(for source: PulseInventory.Source) -> String {
    if let sink = inventory.sink(named: source.monitorOf) { return line(for: sink) }
    if source.name == inventory.defaultSource { return "mic | flux | stdout" }
    return "pulse device=\(quotedText(source.name)) | flux | stdout"
  }

  private func line(for playback: PulseInventory.Playback) -> String {
    "app \(quotedText(playback.application)) | flux | stdout"
  }

  private func state(of playback: PulseInventory.Playback) -> String {
    if playback.isMuted { return "muted" }
    return playback.isPaused ? "paused" : "playing"
  }

  // MARK: - Text

  private struct Row {
    var columns: [String]
    var detail: String
  }

  private func row(_ device: some PulseDevice, isDefault: Bool, _ line: String) -> Row {
    row(
      isDefault, device.description, device.name, device.rate, device.channels,
      device.isMuted ? "muted" : device.state.rawValue, line)
  }

  private func row(
    _ isDefault: Bool, _ title: String, _ detail: String, _ rate: Int, _ channels: Int, _ state: String,
    _ line: String
  ) -> Row {
    Row(
      columns: [
        (isDefault ? "* " : "  ") + title.onOneLine, AudioFormat.text(rate: rate, channels: channels), state,
        line.writtenOut,
      ],
      detail: detail.onOneLine)
  }

  private func table(_ rows: [Row], _ none: String) -> String {
    if rows.isEmpty { return "  \(none)\n" }
    let widths = (0..<3).map { column in rows.map { displayColumns($0.columns[column]) }.max() ?? 0 }
    var text = ""
    for row in rows {
      for (column, width) in widths.enumerated() { text += row.columns[column].padded(to: width) + "  " }
      text += row.columns[3] + "\n"
      if !row.detail.isEmpty { text += "    \(row.detail)\n" }
    }
    return text
  }

  // MARK: - JSON

  private func json(sink: PulseInventory.Sink) -> JSONValue {
    .object(
      common(sink) + [
        ("default", .bool(sink.name == inventory.defaultSink)), ("monitor", .string(sink.monitor)),
        ("graph", .string(line(for: sink))),
      ])
  }

  private func json(source: PulseInventory.Source) -> JSONValue {
    .object(
      common(source) + [
        ("default", .bool(source.name == inventory.defaultSource)),
        ("monitor_of", source.monitorOf.map(JSONValue.string) ?? .null),
        ("graph", .string(line(for: source))),
      ])
  }

  private func json(playback: PulseInventory.Playback) -> JSONValue {
    .object(
      common(
        playback.application, playback.title, playback.rate, playback.channels, state(of: playback),
        playback.isMuted) + [
          ("binary", playback.binary.map(JSONValue.string) ?? .null),
          ("output", inventory.sink(playback.sink).map { .string($0.name) } ?? .null),
          ("graph", .string(line(for: playback))),
        ])
  }

  private func common(_ device: some PulseDevice) -> [(String, JSONValue)] {
    common(
      device.name, device.description, device.rate, device.channels, device.state.rawValue, device.isMuted)
  }

  private func common(
    _ name: String, _ description: String, _ rate: Int, _ channels: Int, _ state: String, _ isMuted: Bool
  ) -> [(String, JSONValue)] {
    [
      ("name", .string(name)), ("description", .string(description)), ("rate", JSONValue(rate)),
      ("channels", JSONValue(channels)), ("state", .string(state)), ("muted", .bool(isMuted)),
    ]
  }
}

extension AudioFormat {
  /// "48k stereo".
  fileprivate static func text(rate: Int, channels: Int) -> String {
    "\(SampleRate(rate)) \(channelText(channels))"
  }
}
