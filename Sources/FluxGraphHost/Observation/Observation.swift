internal import EventStages
package import FluxGraph
internal import Glibc
internal import GraphRuntime
internal import Synchronization

/// Everything that is known of a running program from outside: what `--stats`, `--metrics` and SIGUSR1 show.
package final class Observation: Sendable {
  let notices = NoticeMeter()
  /// What stages measure themselves.
  package let metrics: MetricsRegistry
  let connections = ConnectionMeter()
  private let began = Instant.now()
  private let beganAt = WallTime.now()
  private let graphs = Mutex<[ObjectIdentifier: RunningGraph]>([:])
  private let ended = Mutex(GraphStatistics())
  /// The inputs of a batch by what has become of them; nil for a single graph.
  private let batch: (@Sendable () -> [(state: String, count: Int)])?

  package init(
    metrics: MetricsRegistry = MetricsRegistry(),
    batch: (@Sendable () -> [(state: String, count: Int)])? = nil
  ) {
    self.metrics = metrics
    self.batch = batch
  }

  func began(_ graph: RunningGraph) { graphs.withLock { $0[ObjectIdentifier(graph)] = graph } }

  /// Keeps what a graph has done, and lets go of it.
  func ended(_ graph: RunningGraph) {
    graphs.withLock { $0[ObjectIdentifier(graph)] = nil }
    add(graph.statistics)
  }

  /// Adds what graphs that have ended have done.
  func add(_ statistics: GraphStatistics) { ended.withLock { $0.merge(statistics) } }

  /// Whether a graph is under way.
  package var isRunning: Bool { graphs.withLock { !$0.isEmpty } }

  /// The graphs that run.
  var running: [RunningGraph] { graphs.withLock { Array($0.values) } }

  /// What all graphs have done.
  var statistics: GraphStatistics {
    var all = ended.withLock { $0 }
    for graph in graphs.withLock({ Array($0.values) }) { all.merge(graph.statistics) }
    return all
  }

  var elapsed: Double { Instant.now().duration(since: began).seconds }

  // MARK: - Summary

  /// What `--stats` prints.
  var summary: [(name: String, text: String, value: JSONValue)] {
    let statistics = statistics
    let latency = statistics.latency
    let queue = statistics.parts.filter { $0.queue != nil }.max {
      ($0.queue?.fullness ?? 0) < ($1.queue?.fullness ?? 0)
    }
    let elapsed = elapsed
    let factor = elapsed > 0 ? statistics.seconds / elapsed : 0
    func milliseconds(_ part: Double) -> Double? {
      latency.quantile(part).map { ($0.seconds * 1_000_000).rounded() / 1000 }
    }
    var lines: [(String, String, JSONValue)] = [
      ("audio_seconds", positionText(statistics.seconds), JSONValue(rounded(statistics.seconds))),
      ("realtime_factor", "\(fixedText(factor, digits: 2))x", JSONValue(rounded(factor))),
      ("chunks", "\(statistics.chunks)", JSONValue(statistics.chunks)),
      ("turns", "\(statistics.turns)", JSONValue(statistics.turns)),
    ]
    if let queue, let report = queue.queue {
      lines.append(
        (
          "queue_high_water", "\(report.highWater) of \(report.capacity), in front of \(queue.name)",
          JSONValue(report.highWater)
        ))
    }
    lines += [
      (
        "dropped",
        "\(fixedText(statistics.droppedSeconds, digits: 2)) s of audio, \(statistics.droppedEvents) events",
        .object([
          ("audio_seconds", JSONValue(rounded(statistics.droppedSeconds))),
          ("events", JSONValue(statistics.droppedEvents)),
        ])
      ), ("reconnects", "\(notices.number(of: "reconnected"))", JSONValue(notices.number(of: "reconnected"))),
    ]
    let balances = DeliveryBalance.all(metrics.samples)
    if !balances.isEmpty {
      lines.append(
        (
          "deliveries", balances.map { "\($0.stage): \($0.balance.text)" }.joined(separator: "; "),
          .object(balances.map { ($0.stage, .object($0.balance.members)) })
        ))
    }
    if let median = milliseconds(0.5), let late = milliseconds(0.99) {
      lines.append(
        (
          "event_latency",
          "p50 \(fixedText(median, digits: 3)) ms, p99 \(fixedText(late, digits: 3)) ms, of \(latency.count) written",
          .object([
            ("p50_ms", JSONValue(median)), ("p99_ms", JSONValue(late)),
            ("count", JSONValue(Int(latency.count))),
          ])
        ))
    }
    return lines.map { (name: $0.0, text: $0.1, value: $0.2) }
  }

  /// The summary as lines of text, or as one JSON object.
  package func summaryText(asJSON: Bool) -> String {
    if asJSON {
      let members =
        [("v", JSONValue(1)), ("event", JSONValue("Statistics"))] + summary.map { ($0.name, $0.value) }
      return JSONValue.object(members).serialized
    }
    let width = summary.map(\.name.count).max() ?? 0
    return summary.map { line in
      line.name.replacing("_", with: " ") + String(repeating: " ", count: width + 2 - line.name.count)
        + line.text
    }.joined(separator: "\n")
  }

  // MARK: - Snapshot

  /// What SIGUSR1 prints: a line for each part.
  package func snapshot(asJSON: Bool) -> String {
    let statistics = statistics
    if asJSON {
      let parts = statistics.parts.map { JSONValue.object($0.members) }
      return JSONValue.object([
        ("v", JSONValue(1)), ("event", "Snapshot"), ("time", .string(WallTime.now().rfc3339)),
        ("turns", JSONValue(statistics.turns)), ("parts", .array(parts)),
      ]).serialized
    }
    let rows =
      [["part", "state", "position", "queue", "most", "dropped", "stages"]] + statistics.parts.map(\.columns)
    let widths = rows[0].indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
    let lines = rows.map { row in
      row.enumerated().map { index, text in
        index == row.count - 1 ? text : text + String(repeating: " ", count: widths[index] - text.count)
      }.joined(separator: "  ")
    }
    return lines.joined(separator: "\n")
  }

  // MARK: - Metrics

  /// All metrics in Prometheus' format; their names are listed by `fluxgraph help metrics`.
  var prometheus: String {
    var text = PrometheusText()
    text.add(
      "fluxgraph_build_info", .gauge, "The program's version; always 1.", 1,
      labels: [("version", FluxGraphVersion.text)])
    text.add("fluxgraph_uptime_seconds", .gauge, "Seconds since the start.", elapsed)
    let statistics = statistics
    text.add(
      "fluxgraph_graphs_running", .gauge, "Graphs under way: 1, or as many as a batch runs at a time.",
      Double(graphs.withLock { $0.count }))
    text.add("fluxgraph_turns_total", .counter, "Turns that have ended.", Double(statistics.turns))
    addParts(statistics.parts, &text)
    let counts = connections.counts
    text.add("fluxgraph_connections", .gauge, "WebSockets to Flux that are open.", Double(counts.open))
    text.add(
      "fluxgraph_connections_opened_total", .counter, "WebSockets to Flux that were opened.",
      Double(counts.opened))
    text.add(
      "fluxgraph_connections_failed_total", .counter, "Attempts to open one that failed or were refused.",
      Double(counts.failed))
    text.add(
      "fluxgraph_reconnects_total", .counter, "Sessions that went on over another connection.",
      Double(notices.number(of: "reconnected")))
    text.declare("fluxgraph_notices_total", .counter, "Notices by their words.")
    for entry in notices.all {
      text.add(
        "fluxgraph_notices_total", .counter, "Notices by their words.", Double(entry.count),
        labels: [("notice", entry.notice)])
    }
    for (state, count) in batch?() ?? [] {
      text.add(
        "fluxgraph_batch_inputs", .gauge, "Inputs of the batch by what has become of them.", Double(count),
        labels: [("state", state)])
    }
    addProcess(&text)
    for sample in metrics.samples {
      text.add(
        "fluxgraph_stage_\(sample.name)", sample.kind == .counter ? .counter : .gauge, sample.help,
        sample.value,
        labels: [("category", sample.category), ("stage", sample.stage)])
    }
    return SecretRegister.program.masked(text.text)
  }

  private func addParts(_ parts: [PartReport], _ text: inout PrometheusText) {
    for part in parts {
      let labels = [("part", part.name), ("location", part.location), ("kind", part.kind.rawValue)].map {
        (name: $0.0, value: $0.1)
      }
      for state in PartReport.State.allCases {
        text.add(
          "fluxgraph_part_state", .gauge, "1 for the state a part of the graph is in.",
          part.state == state ? 1 : 0, labels: labels + [("state", state.rawValue)])
      }
      if let seconds = part.seconds {
        text.add(
          "fluxgraph_audio_seconds_total", .counter, "Seconds of audio that have gone through a part.",
          seconds, labels: labels)
        text.add(
          "fluxgraph_dropped_audio_seconds_total", .counter,
          "Seconds of audio dropped because a part did not keep up.", part.droppedSeconds, labels: labels)
      }
      if part.chunks > 0 {
        text.add(
          "fluxgraph_chunks_total", .counter, "Chunks made for Flux.", Double(part.chunks), labels: labels)
      }
      if let queue = part.queue {
        text.add(
          "fluxgraph_queue_waiting", .gauge, "Blocks or events that wait in front of a part.",
          Double(queue.waiting), labels: labels)
        text.add(
          "fluxgraph_queue_capacity", .gauge, "Blocks or events there is room for in front of a part.",
          Double(queue.capacity), labels: labels)
        text.add(
          "fluxgraph_queue_high_water", .gauge, "The most that ever waited in front of a part.",
          Double(queue.highWater), labels: labels)
      }
      if part.kind == .sink {
        text.add(
          "fluxgraph_dropped_events_total", .counter, "Events dropped because a sink did not keep up.",
          Double(part.droppedEvents), labels: labels)
        text.add(
          "fluxgraph_event_latency_seconds",
          "Time from an event's arrival in front of a sink until it was written.", part.latency,
          labels: labels)
      }
    }
  }

  /// The names Prometheus' own client libraries give to what every process has.
  private func addProcess(_ text: inout PrometheusText) {
    text.add(
      "process_start_time_seconds", .gauge, "When the process began, in seconds since 1970.", beganAt.seconds)
    var usage = rusage()
    if getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage) == 0 {
      let times = [usage.ru_utime, usage.ru_stime].map { Double($0.tv_sec) + Double($0.tv_usec) * 1e-6 }
      text.add("process_cpu_seconds_total", .counter, "Seconds of processor time.", times[0] + times[1])
    }
    if let bytes = try? InputFile.read("/proc/self/statm", limit: 4096) {
      let pages = String(decoding: bytes, as: UTF8.self).split(separator: " ").compactMap { Double($0) }
      if pages.count > 1 {
        text.add(
          "process_resident_memory_bytes", .gauge, "Memory in use, in bytes.",
          pages[1] * Double(sysconf(Int32(_SC_PAGESIZE))))
      }
    }
  }
}

private func rounded(_ number: Double) -> Double { (number * 1000).rounded() / 1000 }

extension PartReport.Queue {
  /// The most that waited as a part of what there is room for.
  fileprivate var fullness: Double { capacity == 0 ? 0 : Double(highWater) / Double(capacity) }
}

extension PartReport {
  /// The row of a table for people.
  fileprivate var columns: [String] {
    var dropped = "-"
    if kind == .sink {
      dropped = "\(droppedEvents)"
    } else if queue != nil {
      dropped = "\(fixedText(droppedSeconds, digits: 2)) s"
    }
    let position = kind == .sink ? "\(latency.count) events" : seconds.map { positionText($0) } ?? "-"
    return [
      name, state.rawValue, position, queue.map { "\($0.waiting)/\($0.capacity)" } ?? "-",
      queue.map { "\($0.highWater)" } ?? "-", dropped, stages.joined(separator: " | "),
    ]
  }

  /// The same for programs.
  fileprivate var members: [(String, JSONValue)] {
    var members: [(String, JSONValue)] = [
      ("name", .string(name)), ("kind", .string(kind.rawValue)), ("state", .string(state.rawValue)),
      ("location", .string(location)), ("stages", .array(stages.map(JSONValue.string))),
    ]
    if let seconds { members.append(("seconds", JSONValue(rounded(seconds)))) }
    if let queue {
      members.append(
        (
          "queue",
          .object([
            ("waiting", JSONValue(queue.waiting)), ("capacity", JSONValue(queue.capacity)),
            ("high_water", JSONValue(queue.highWater)),
          ])
        ))
    }
    if kind == .sink {
      members += [("events", JSONValue(Int(latency.count))), ("dropped_events", JSONValue(droppedEvents))]
    } else {
      members.append(("dropped_seconds", JSONValue(rounded(droppedSeconds))))
    }
    return members
  }
}
