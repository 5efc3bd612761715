internal import FluxGraph
internal import FluxGraphHost
internal import Platform

/// `fluxgraph tap`: prints what flows by a name of a running graph.
struct TapCommand {
  private let path: String
  private let name: String

  init(_ arguments: [String]) throws(UsageError) {
    let words = try ArgumentReader.words(arguments)
    guard words.count == 2 else {
      throw UsageError("`tap` wants the socket of a running graph and a name in it, such as `tap PATH heard`")
    }
    (path, name) = (words[0], words[1])
  }

  func run() throws(StageError) -> ExitCode {
    let connection = try ControlConnection(path)
    try connection.send(ControlProtocol.encode(tap: name))
    var received: [UInt8] = []
    // The first line says whether there is such a stream.
    var isFirst = true
    while true {
      let bytes = try connection.receive()
      if bytes.isEmpty { return .success }
      received += bytes
      while let end = received.firstIndex(of: UInt8(ascii: "\n")) {
        let line = Array(received[..<end])
        received.removeFirst(end + 1)
        if !isFirst {
          let text = String(decoding: line, as: UTF8.self)
          // Whoever reads has had enough.
          if !Terminal.output.write("\(lines: text)\n") { return .success }
        } else if let error = (try? JSONValue.parse(line))?["error"]?.stringValue {
          throw StageError(.unavailable, error)
        }
        isFirst = false
      }
    }
  }
}
