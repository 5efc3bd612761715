internal import FluxGraph
internal import GraphRuntime

/// Writes metrics in Prometheus' text exposition format, version 0.0.4. Families come in the order they are first added.
struct PrometheusText {
  enum Kind: String { case counter, gauge, histogram }

  private struct Family {
    var help: String
    var kind: Kind
    var lines: [String] = []
  }

  /// Bounds of the histogram's buckets, in seconds.
  static let bounds = [
    0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
  ]

  private var names: [String] = []
  private var families: [String: Family] = [:]

  /// Adds a value.
  mutating func add(
    _ name: String, _ kind: Kind, _ help: String, _ value: Double,
    labels: [(name: String, value: String)] = []
  ) {
    declare(name, kind, help)
    // What is another kind under the same name is left out: the format has no place for it.
    guard families[name]?.kind == kind else { return }
    families[name]?.lines.append("\(name)\(Self.text(of: labels)) \(Self.text(of: value))")
  }

  /// Adds a histogram of durations, in seconds.
  mutating func add(
    _ name: String, _ help: String, _ histogram: LatencyHistogram, labels: [(name: String, value: String)]
  ) {
    declare(name, .histogram, help)
    var lines: [String] = []
    for bound in Self.bounds {
      let count = histogram.count(within: .seconds(bound))
      lines.append("\(name)_bucket\(Self.text(of: labels + [("le", Self.text(of: bound))])) \(count)")
    }
    lines.append("\(name)_bucket\(Self.text(of: labels + [("le", "+Inf")])) \(histogram.count)")
    lines.append("\(name)_sum\(Self.text(of: labels)) \(Self.text(of: histogram.total.seconds))")
    lines.append("\(name)_count\(Self.text(of: labels)) \(histogram.count)")
    families[name]?.lines += lines
  }

  /// Makes a family known that has no value yet.
  mutating func declare(_ name: String, _ kind: Kind, _ help: String) {
    guard families[name] == nil else { return }
    names.append(name)
    families[name] = Family(help: help, kind: kind)
  }

  var text: String {
    var text = ""
    for name in names {
      guard let family = families[name] else { continue }
      let help = family.help.replacing("\\", with: "\\\\").replacing("\n", with: "\\n")
      text += "# HELP \(name) \(help)\n# TYPE \(name) \(family.kind.rawValue)\n"
      for line in family.lines { text += line + "\n" }
    }
    return text
  }

  private static func text(of labels: [(name: String, value: String)]) -> String {
    if labels.isEmpty { return "" }
    let pairs = labels.map { name, value in
      let escaped = value.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"").replacing(
        "\n", with: "\\n")
      return "\(name)=\"\(escaped)\""
    }
    return "{" + pairs.joined(separator: ",") + "}"
  }

  private static func text(of value: Double) -> String {
    if value.isNaN { return "NaN" }
    if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
    if value == value.rounded(), abs(value) < 1e15 { return String(Int64(value)) }
    return "\(value)"
  }
}
