internal import FluxGraph
internal import Glibc

/// Looks up the secrets a graph names by file or program, when it runs and never before.
struct SecretReader: Sendable {
  /// What programs that are asked must not see of it.
  let secrets: SecretRegister

  /// Longer than any key.
  private static let sizeLimit = 64 << 10
  /// What a password manager that asks a person may take.
  private static let limit = Duration.seconds(60)

  /// The secret. One line break at its end is how files and programs end a text, and no part of it; other white space around it
  /// is told as a mistake, and never taken off unasked.
  /// - Throws: `StageError`; it tells where the secret was looked for, and nothing of what was found. With code `refused` something
  ///   was found that can be no secret.
  func secret(_ reference: SecretReference) async throws(StageError) -> Secret {
    switch reference {
    case .file(let path): return try Self.secret(inFile: path)
    case .program(let arguments):
      let bytes = try Self.output(of: arguments, reference, environment: secrets.childEnvironment)
      return try Self.secret(in: bytes, of: reference)
    }
  }

  /// The secret a file holds. The same as of any reference to it.
  static func secret(inFile path: String) throws(StageError) -> Secret {
    try secret(in: try InputFile.read(atHome(path), limit: sizeLimit), of: .file(path))
  }

  private static func secret(
    in content: [UInt8], of reference: SecretReference
  ) throws(StageError) -> Secret {
    var bytes = content
    if bytes.last == UInt8(ascii: "\n") { bytes.removeLast() }
    if bytes.last == UInt8(ascii: "\r") { bytes.removeLast() }
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw StageError(
        .refused, "\(reference) gives no text: what it gives is not UTF-8", help: "A key is plain text.")
    }
    if let problem = SecretProblem(text, for: .keeping) { throw problem.failure("\(reference)") }
    return Secret(text)
  }

  private static func atHome(_ path: String) -> String {
    guard path.hasPrefix("~/"), let home = getenv("HOME") else { return path }
    return String(cString: home) + path.dropFirst()
  }

  /// What a program prints. It has this program's terminal, to ask on.
  private static func output(
    of arguments: [String], _ reference: SecretReference, environment: [String: String]
  ) throws(StageError) -> [UInt8] {
    var ends: [Int32] = [-1, -1]
    guard pipe(&ends) == 0 else { throw failure(reference, errno) }
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    defer { close(ends[0]) }
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO)
    var words = arguments.map { strdup($0) } + [nil]
    var variables = environment.map { strdup("\($0)=\($1)") } + [nil]
    defer { for word in words + variables { free(word) } }
    var process = pid_t()
    let code = posix_spawnp(&process, arguments[0], &actions, nil, &words, &variables)
    close(ends[1])
    guard code == 0 else { throw failure(reference, code) }
    let bytes = read(ends[0], until: Instant.now().advanced(by: limit))
    if bytes == nil { kill(process, SIGKILL) }
    var status: Int32 = 0
    while waitpid(process, &status, 0) < 0, errno == EINTR {}
    guard let bytes else {
      throw StageError(.unavailable, "\(reference) took longer than \(limit.unitText), or printed too much")
    }
    guard status == 0 else {
      throw StageError(
        .unavailable, "\(reference) failed: the program ended with status \(status >> 8 & 0xFF)")
    }
    return bytes
  }

  /// What comes until the other end is closed; nil when that takes too long, or too much comes.
  private static func read(_ descriptor: Int32, until deadline: Instant) -> [UInt8]? {
    var bytes: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 4096)
    while true {
      let left = deadline.duration(since: .now()).seconds
      var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
      guard left > 0, bytes.count <= sizeLimit else { return nil }
      guard poll(&entry, 1, Int32(left * 1000) + 1) > 0 else { continue }
      let count = Glibc.read(descriptor, &piece, piece.count)
      if count == 0 { return bytes }
      if count > 0 { bytes += piece[..<count] } else if errno != EINTR { return nil }
    }
  }

  private static func failure(_ reference: SecretReference, _ code: Int32) -> StageError {
    StageError(.unavailable, "\(reference) cannot be run: \(String(cString: strerror(code)))")
  }
}
