package import FluxGraph
internal import Glibc
package import GraphLanguage
internal import Platform

/// Looks up the secrets a graph names by file or program, when it runs and never before.
package struct SecretReader: Sendable {
  /// What programs that are asked must not see of it.
  private let secrets: SecretRegister

  package init(secrets: SecretRegister) {
    self.secrets = secrets
  }

  /// Longer than any key.
  private static let sizeLimit = 64 << 10
  /// What a password manager that asks a person may take.
  private static let limit = Duration.seconds(60)

  /// The secret. One line break at its end is how files and programs end a text, and no part of it; other white space around it
  /// is told as a mistake, and never taken off unasked.
  /// - Throws: `StageError`; it tells where the secret was looked for, and nothing of what was found. With code `refused` something
  ///   was found that can be no secret.
  package func secret(_ reference: SecretReference) async throws(StageError) -> Secret {
    switch reference {
    case .file(let path): return try Self.secret(inFile: path)
    case .program(let arguments):
      let bytes = try Self.output(of: arguments, reference, environment: secrets.childEnvironment)
      return try Self.secret(in: bytes, of: reference)
    }
  }

  /// The secret a file holds. The same as of any reference to it.
  package static func secret(inFile path: String) throws(StageError) -> Secret {
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
    let deadline = Instant.now().advanced(by: limit)
    var bytes: [UInt8] = []
    while try !readSome(of: child, into: &bytes, reference) {
      guard Instant.now() < deadline else {
        child.kill()
        throw StageError(.unavailable, "\(reference) took longer than \(limit.unitText)")
      }
    }
    let exit = child.wait(until: .now().advanced(by: limit))
    guard exit == .code(0) else {
      throw StageError(.unavailable, "\(reference) failed: the program ended \(exit)")
    }
    return bytes
  }

  /// Reads what has come within a moment; true at the end: when the output was closed, or the program has ended, whatever it has
  /// started and left behind.
  private static func readSome(
    of child: ChildProcess, into bytes: inout [UInt8], _ reference: SecretReference
  ) throws(StageError) -> Bool {
    var entry = pollfd(fd: child.output, events: Int16(POLLIN), revents: 0)
    let hasMore = poll(&entry, 1, 100) > 0
    if hasMore {
      var piece = [UInt8](repeating: 0, count: 4096)
      switch piece.withUnsafeMutableBytes(child.read) {
      case .bytes(let count): bytes += piece[..<count]
      case .end: return true
      case .notNow, .failed: break
      }
      guard bytes.count <= sizeLimit else {
        child.kill()
        throw StageError(
          .unavailable, "\(reference) printed more than \(ByteCount(sizeLimit)), which is no secret")
      }
      return false
    }
    guard !child.isStopped else {
      // It has the terminal, and would keep it.
      child.kill()
      throw StageError(.unavailable, "\(reference) was stopped while it asked")
    }
    return child.poll() != nil
  }
}

extension Plan {
  /// The plan with the secrets it names by file or program.
  package func withSecrets() async throws(StageError) -> Plan {
    let reader = SecretReader(secrets: secrets)
    return try await resolvingSecrets { reference throws(StageError) in try await reader.secret(reference) }
  }
}
