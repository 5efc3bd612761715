import FluxGraph
import Foundation
import Synchronization
import Testing

@testable import FluxGraphCLI
@testable import FluxGraphHost
@testable import GraphRuntime

/// What is shown of a running program.
@Suite struct ObservationTests {
  @Test("quantiles are off by an eighth at most, whatever the size")
  func quantiles() {
    var histogram = LatencyHistogram()
    #expect(histogram.quantile(0.5) == nil)
    for microseconds in 1...1_000 { histogram.record(.microseconds(microseconds)) }
    for (part, exact) in [(0.01, 10.0), (0.5, 500), (0.99, 990), (1, 1_000)] {
      let found = (histogram.quantile(part)?.seconds ?? 0) * 1e6
      #expect(found >= exact && found <= exact * 1.13, "\(part): \(found) for \(exact)")
    }
    #expect(histogram.count == 1_000 && abs(histogram.total.seconds - 0.5005) < 1e-9)
    // A count within a bound never says too much.
    for bound in [0.0001, 0.0005, 0.001, 0.01] {
      let within = histogram.count(within: .seconds(bound))
      let exact = UInt64(min(1_000, (bound * 1e6).rounded()))
      #expect(within <= exact && Double(within) >= Double(exact) * 0.87)
    }
    var other = LatencyHistogram()
    for value in [Duration.zero, .nanoseconds(1), .nanoseconds(-5), .seconds(100_000)] { other.record(value) }
    histogram.merge(other)
    #expect(histogram.count == 1_004 && histogram.count(within: .seconds(200_000)) == 1_004)
    #expect((histogram.quantile(1)?.seconds ?? 0) >= 100_000)
  }

  @Test("FLUXGRAPH_LOG chooses levels by category; what it cannot mean is told")
  func levels() {
    let settings = LogSettings("info, flux:debug,webhook:off", format: "json")
    #expect(settings.problems.isEmpty && settings.format == .json)
    #expect(settings.isEnabled(.info, category: "decode") && !settings.isEnabled(.debug, category: "decode"))
    #expect(settings.isEnabled(.debug, category: "flux"))
    #expect(!settings.isEnabled(.error, category: "webhook"))
    let usual = LogSettings(nil, format: nil)
    #expect(
      usual.isEnabled(.warning, category: "x") && !usual.isEnabled(.info, category: "x")
        && usual.format == nil)
    for wrong in ["loud", "flux:", ":info", "a:b:info", "flux:loud"] {
      #expect(LogSettings(wrong, format: nil).problems.count == 1, "\(wrong)")
    }
    #expect(LogSettings(nil, format: "yaml").problems.count == 1)
  }

  @Test("a line of the log is one line, as text and as JSON")
  func lines() throws {
    let lines = Mutex<[String]>([])
    let entry = LogEntry(
      level: .info, category: "flux", stage: "heard", time: WallTime(seconds: 0), message: "two\nlines \"x\"")
    for isJSON in [false, true] {
      ProgramLog(settings: LogSettings("debug", format: nil), isJSON: isJSON) { line in
        lines.withLock { $0.append(line) }
      }
      .write(entry)
    }
    let written = lines.withLock { $0 }
    #expect(written.allSatisfy { !$0.contains("\n") })
    #expect(written[0].hasPrefix("info: heard (flux): two"))
    let value = try JSONValue.parse(written[1])
    #expect(value["level"]?.stringValue == "info" && value["category"]?.stringValue == "flux")
    #expect(value["stage"]?.stringValue == "heard" && value["message"]?.stringValue == "two\nlines \"x\"")
  }

  @Test("labels and help are escaped, kinds are not mixed, and buckets add up")
  func text() {
    var text = PrometheusText()
    text.add("a_total", .counter, "back\\slash\nline", 1, labels: [("name", "q\"u\\o\nte")])
    text.add("a_total", .gauge, "another kind", 2)
    text.add("b", .gauge, "odd", .infinity)
    var histogram = LatencyHistogram()
    histogram.record(.milliseconds(2))
    histogram.record(.seconds(20))
    text.add("c_seconds", "slow", histogram, labels: [])
    let lines = text.text.split(separator: "\n").map(String.init)
    #expect(lines[0] == #"# HELP a_total back\\slash\nline"#)
    #expect(lines[2] == #"a_total{name="q\"u\\o\nte"} 1"# && !text.text.contains("a_total 2"))
    #expect(lines.contains("b +Inf"))
    #expect(
      lines.contains(#"c_seconds_bucket{le="0.001"} 0"#)
        && lines.contains(#"c_seconds_bucket{le="0.0025"} 1"#))
    #expect(lines.contains(#"c_seconds_bucket{le="+Inf"} 2"#) && lines.last == "c_seconds_count 2")
  }

  @Test("`help metrics` names every metric, and no other")
  func documented() {
    let observation = Observation(batch: { BatchProgress(total: 1, skipped: 0).states })
    observation.notices.count(Notice("reconnected", ""))
    var statistics = GraphStatistics()
    for kind in [PartReport.Kind.chain, .recogniser, .sink] {
      var part = PartReport(name: "p", kind: kind, stages: ["s"], location: "g:1:1")
      part.seconds = kind == .sink ? nil : 1
      part.chunks = kind == .chain ? 2 : 0
      part.queue = .init(waiting: 1, capacity: 2, highWater: 2)
      statistics.parts.append(part)
    }
    observation.add(statistics)
    func names(_ text: String, _ pattern: Regex<(Substring, Substring)>) -> Set<String> {
      Set(text.matches(of: pattern).map { String($0.output.1) })
    }
    let offered = names(observation.prometheus, #/# TYPE ([a-z_]+) /#)
    let listed = names(Help.text(for: "metrics"), #/\n  ([a-z_]+(?:_[a-z]+)) /#)
    #expect(offered == listed)
  }
}
