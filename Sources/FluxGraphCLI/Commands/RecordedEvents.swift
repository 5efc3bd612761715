internal import FluxClient
internal import FluxGraph
internal import FluxGraphHost
internal import FluxProtocol

/// Reads recorded events: one JSON object a line, each an event as `jsonl` writes it, or a message of Flux as it came.
struct RecordedEvents {
  /// Longer recordings make no tests.
  private static let sizeLimit = 64 << 20

  static func read(_ path: String) throws(StageError) -> [Event] {
    try parse(try InputFile.read(path, limit: sizeLimit), name: path)
  }

  static func parse(_ bytes: [UInt8], name: String) throws(StageError) -> [Event] {
    var events: [Event] = []
    var recording = RecordedTurns()
    for (index, line) in bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
      .enumerated()
    {
      let isBlank = line.allSatisfy { $0 == 0x20 || $0 == 0x09 || $0 == 0x0D }
      if isBlank { continue }
      let place = "\(name):\(index + 1)"
      do {
        let json = try JSONValue.parse(Array(line))
        if json["v"] != nil {
          events.append(try Event(json: json))
        } else {
          events += try recording.events(of: String(decoding: line, as: UTF8.self))
        }
      } catch let error as JSONError {
        throw StageError(.badInput, "\(place): this is no JSON: \(error)")
      } catch {
        throw StageError(.badInput, "\(place): this line \(error)")
      }
    }
    return events + recording.finish()
  }
}
