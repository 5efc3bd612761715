internal import Glibc
internal import Platform

/// Cuts what a program prints into lines of bounded length and number.
package struct OutputLines {
  private static let longestLine = 500
  private static let linesPerSecond = 10

  private var line: [UInt8] = []
  private var second = Instant(nanoseconds: 0)
  private var count = 0
  /// Whether the program has closed its end.
  package private(set) var hasEnded = false

  package init() {}

  /// Reads what is there, and cuts it into lines; none from a descriptor below 0.
  package mutating func read(_ descriptor: Int32) -> [String] {
    guard descriptor >= 0 else { return [] }
    var bytes = [UInt8](repeating: 0, count: 4096)
    var lines: [String] = []
    // Enough for what a program says at once; one that never stops must not keep the thread.
    for _ in 0..<16 {
      let transferred = bytes.withUnsafeMutableBytes { readSome(descriptor, into: $0) }
      if transferred == .end {
        hasEnded = true
        take(&lines)
      }
      guard case .bytes(let length) = transferred else { break }
      for byte in bytes[..<length] {
        if byte == UInt8(ascii: "\n") {
          take(&lines)
        } else if line.count < Self.longestLine {
          line.append(byte)
        }
      }
    }
    let now = Instant.now()
    if now.duration(since: second) >= .seconds(1) {
      second = now
      count = 0
    }
    count += lines.count
    let surplus = min(lines.count, max(0, count - Self.linesPerSecond))
    guard surplus > 0 else { return lines }
    return lines.dropLast(surplus) + ["… and \(surplus) more lines"]
  }

  private mutating func take(_ lines: inout [String]) {
    let text = String(decoding: line, as: UTF8.self).onOneLine
    line.removeAll(keepingCapacity: true)
    if text.contains(where: { !$0.isWhitespace }) { lines.append(text) }
  }
}
