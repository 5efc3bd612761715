internal import FluxGraph
internal import Glibc

/// `fluxgraph ctl`: gives a command to a running graph.
struct ControlCommand {
  struct Arguments {
    var path: String
    var isJSON = false
    var request: ControlProtocol.Request

    init(_ arguments: [String]) throws(UsageError) {
      var reader = ArgumentReader(arguments, known: ["--json"])
      var words: [String] = []
      while let argument = reader.next() {
        if argument == "--json" {
          isJSON = true
        } else if argument.hasPrefix("-") {
          throw reader.unknown(argument)
        } else {
          words.append(argument)
        }
      }
      guard words.count >= 2 else {
        throw UsageError("`ctl` wants the socket of a running graph and a command, such as `ctl PATH status`")
      }
      path = words.removeFirst()
      let commands = ["end-turn", "set", "status"]
      let stage = commands.contains(words[0]) || words.count == 1 ? nil : words.removeFirst()
      let word = words.removeFirst()
      switch word {
      case "end-turn": request = .init(stage: stage, command: .endTurn)
      case "status": request = .init(stage: stage, command: .status)
      case "set":
        var settings: [StageCommand.Setting] = []
        for word in words {
          guard let equals = word.firstIndex(of: "="), equals > word.startIndex else {
            throw UsageError("`set` wants NAME=VALUE, such as `eot_threshold=0.9`")
          }
          settings.append(.init(String(word[..<equals]), String(word[word.index(after: equals)...])))
        }
        guard !settings.isEmpty else {
          throw UsageError("`set` wants NAME=VALUE, such as `eot_threshold=0.9`")
        }
        words = []
        request = .init(stage: stage, command: .set(settings))
      default:
        throw UsageError("`ctl` knows no command `\(word)`", candidates: commands, given: word)
      }
      guard words.isEmpty else { throw UsageError("`\(word)` takes no `\(words[0])`") }
    }
  }

  private let arguments: Arguments

  init(_ arguments: Arguments) {
    self.arguments = arguments
  }

  func run() -> ExitCode {
    do throws(StageError) {
      let answer = try exchange(ControlProtocol.encode(arguments.request))
      guard let value = try? JSONValue.parse(answer) else {
        throw StageError(.unavailable, "\(arguments.path) gave no answer that can be read")
      }
      if let error = value["error"]?.stringValue { throw StageError(.unavailable, error) }
      if arguments.isJSON {
        Terminal.output.write(String(decoding: answer, as: UTF8.self))
      }
      var isGood = true
      for answer in value["answers"]?.arrayValue ?? [] {
        let line = "\(answer["stage"]?.stringValue ?? ""): \(answer["message"]?.stringValue ?? "")\n"
        let isAccepted = answer["ok"]?.boolValue ?? false
        isGood = isGood && isAccepted
        if !arguments.isJSON { (isAccepted ? Terminal.output : Terminal.error).write(line) }
      }
      return isGood ? .success : .failure(.unavailable)
    } catch {
      Terminal.error.write("error: \(error)\n")
      return .failure(error.code)
    }
  }

  /// Sends a line and reads the answer to its end.
  private func exchange(_ request: String) throws(StageError) -> [UInt8] {
    let descriptor = try connect()
    defer { close(descriptor) }
    var time = timeval(tv_sec: 10, tv_usec: 0)
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &time, socklen_t(MemoryLayout<timeval>.size))
    setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &time, socklen_t(MemoryLayout<timeval>.size))
    var rest = Array(request.utf8)[...]
    while !rest.isEmpty {
      let sent = rest.withUnsafeBytes { send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
      guard sent > 0 else { throw failure(errno) }
      rest = rest.dropFirst(sent)
    }
    var answer: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 4096)
    while answer.count < 1 << 20 {
      let count = recv(descriptor, &buffer, buffer.count, 0)
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else { throw failure(errno) }
      if count == 0 { break }
      answer.append(contentsOf: buffer[..<count])
    }
    return answer
  }

  private func connect() throws(StageError) -> Int32 {
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    let bytes = Array(arguments.path.utf8)
    guard !bytes.isEmpty, bytes.count < MemoryLayout.size(ofValue: address.sun_path) else {
      throw StageError(.unavailable, "\(arguments.path) cannot be the path of a socket")
    }
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
    let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { throw failure(errno) }
    let status = withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        Glibc.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
    guard status == 0 else {
      let error = errno
      close(descriptor)
      throw failure(error)
    }
    return descriptor
  }

  private func failure(_ error: Int32) -> StageError {
    switch error {
    case ENOENT, ECONNREFUSED:
      StageError(
        .unavailable, "no graph takes commands at \(arguments.path)",
        help: "Start one with `run --control \(arguments.path)`.")
    default: StageError(.unavailable, "\(arguments.path): \(String(cString: strerror(error)))")
    }
  }
}
