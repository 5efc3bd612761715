internal import FluxGraph
internal import Glibc

/// `fluxgraph tap`: prints what flows by a name of a running graph.
struct TapCommand {
  private let path: String
  private let name: String

  init(_ arguments: [String]) throws(UsageError) {
    var reader = ArgumentReader(arguments, known: [])
    var words: [String] = []
    while let argument = reader.next() {
      if argument.hasPrefix("-") { throw reader.unknown(argument) }
      words.append(argument)
    }
    guard words.count == 2 else {
      throw UsageError("`tap` wants the socket of a running graph and a name in it, such as `tap PATH heard`")
    }
    (path, name) = (words[0], words[1])
  }

  func run() -> ExitCode {
    do throws(StageError) {
      let connection = try ControlConnection(path)
      try connection.send(ControlProtocol.encode(tap: name))
      var first: [UInt8]? = []
      while true {
        let bytes = try connection.receive()
        if bytes.isEmpty { return .success }
        guard var head = first else {
          // Whoever reads has had enough.
          if !write(bytes) { return .success }
          continue
        }
        // The first line says whether there is such a stream.
        head += bytes
        first = head
        guard let end = head.firstIndex(of: UInt8(ascii: "\n")) else { continue }
        if let error = (try? JSONValue.parse(Array(head[..<end])))?["error"]?.stringValue {
          throw StageError(.unavailable, error)
        }
        first = nil
        if !write(Array(head[(end + 1)...])) { return .success }
      }
    } catch {
      Terminal.error.write("error: \(error)\n")
      return .failure(error.code)
    }
  }

  private func write(_ bytes: [UInt8]) -> Bool {
    var written = 0
    while written < bytes.count {
      let count = bytes[written...].withUnsafeBytes { Glibc.write(STDOUT_FILENO, $0.baseAddress, $0.count) }
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else { return false }
      written += count
    }
    return true
  }
}
