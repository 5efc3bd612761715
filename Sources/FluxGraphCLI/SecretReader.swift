internal import FluxGraph
internal import Glibc
internal import Platform

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
    let child: ChildProcess
    do throws(ChildProcessError) {
      child = try ChildProcess(
        starting: arguments, directory: ".", environment: environment, input: .none, asks: true)
    } catch {
      throw StageError(.unavailable, "\(reference) cannot be run: \(String(cString: strerror(error.code)))")
    }
    let bytes = read(child.output, until: Instant.now().advanced(by: limit))
    if bytes == nil { child.kill() }
    let exit = child.wait(until: .now.advanced(by: limit))
    guard let bytes else {
      throw StageError(.unavailable, "\(reference) took longer than \(limit.unitText), or printed too much")
    }
    guard exit == .code(0) else {
      throw StageError(.unavailable, "\(reference) failed: the program ended \(exit)")
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
      if count > 0 { bytes += piece[..<count] } else if errno != EINTR && errno != EAGAIN { return nil }
    }
  }
}
