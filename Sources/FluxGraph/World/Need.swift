internal import Glibc

/// Something of the world a stage cannot do without, and how to look whether it is there.
///
/// All of a graph's needs are looked at before it opens, sends or makes anything: what is certain to fail then fails at once.
/// `fluxgraph check --world` shows the same. Looking changes nothing, and takes no longer than a disk or a local service does.
public struct Need: Sendable {
  /// What is done with a file.
  public enum FileUse: Sendable, Hashable {
    /// It is read; something is appended to it; it is written anew; it is a stage's own, which keeps others from it by itself.
    case read, appended, written, kept
  }

  /// The file it is about, and what is done with it: what one stage reads, another must not write.
  public let file: (path: String, use: FileUse)?
  private let body: @Sendable () throws(StageError) -> String

  /// A need.
  /// - Parameter look: looks for what is needed, and says in a few words what there is: "talk.wav can be read". It throws what the
  ///   graph is to fail with. Called on a thread that may block.
  public init(_ look: @escaping @Sendable () throws(StageError) -> String) {
    file = nil
    body = look
  }

  public init(
    _ path: String, _ use: FileUse, look: @escaping @Sendable () throws(StageError) -> String
  ) {
    file = (path, use)
    body = look
  }

  /// What there is.
  /// - Throws: `StageError` when it is not what is needed.
  public func look() throws(StageError) -> String { try body() }
}

extension Need {
  /// A file, pipe or device that can be read.
  public static func readableFile(_ path: String) -> Need {
    Need(path, .read) { () throws(StageError) in
      guard access(path, R_OK) == 0 else { throw .file("cannot open", path, errno) }
      guard !isDirectory(path) else {
        throw StageError(.inputOutput, "\(path) is a directory, not a file")
      }
      return "\(path) can be read"
    }
  }

  /// A file lines are appended to, which may be there already.
  public static func appendedFile(_ path: String) -> Need { outputFile(path, isKept: true, mayBeThere: true) }

  /// A file that is written anew.
  /// - Parameter overwrite: whether it may be there already.
  public static func newFile(_ path: String, overwrite: Bool) -> Need {
    outputFile(path, isKept: false, mayBeThere: overwrite)
  }

  private static func outputFile(_ path: String, isKept: Bool, mayBeThere: Bool) -> Need {
    Need(path, isKept ? .appended : .written) { () throws(StageError) in
      guard access(path, F_OK) == 0 else {
        var link = stat()
        if lstat(path, &link) == 0 {
          // A link to nothing, or to itself.
          guard mayBeThere else { throw .alreadyThere(path) }
          let goal = FilePlace.linked(path)
          guard lstat(goal, &link) != 0 else { throw .file("cannot write", path, ELOOP) }
          guard isDirectory(directory(of: goal)) else {
            throw StageError(.inputOutput, "\(path) leads to \(goal), and there is no directory for that")
          }
        }
        try lookForRoom(for: path, in: directory(of: path))
        return "\(path) can be made"
      }
      guard !isDirectory(path) else { throw .file("cannot write", path, EISDIR) }
      guard mayBeThere else { throw .alreadyThere(path) }
      // A pipe is not opened, which its reader would notice.
      let descriptor = isRegularFile(path) ? open(path, O_WRONLY | O_CLOEXEC | O_NONBLOCK) : -1
      guard descriptor >= 0 || !isRegularFile(path) && access(path, W_OK) == 0 else {
        throw .file("cannot write", path, errno)
      }
      if descriptor >= 0 { close(descriptor) }
      return isKept ? "\(path) can be written" : "\(path) will be replaced"
    }
  }

  /// A directory files can be made in, and which is made when it is not there.
  public static func writableDirectory(_ path: String) -> Need {
    Need { () throws(StageError) in
      try lookForRoom(for: path, in: path)
      return access(path, F_OK) == 0 ? "\(path) can be written to" : "\(path) can be made"
    }
  }

  /// Looks whether something that is not there could be made in a directory, which may have to be made as well.
  private static func lookForRoom(for path: String, in place: String) throws(StageError) {
    var place = place
    while access(place, F_OK) != 0, errno == ENOENT || errno == ENOTDIR, place != ".", place != "/" {
      place = directory(of: place)
    }
    guard isDirectory(place) else {
      throw StageError(.inputOutput, "cannot make \(path): \(place) is no directory")
    }
    guard access(place, W_OK | X_OK) == 0 else {
      throw .file("cannot make \(path): no file can be made in", place, errno)
    }
  }

  private static func isDirectory(_ path: String) -> Bool { mode(path) == S_IFDIR }

  private static func mode(_ path: String) -> mode_t {
    var state = stat()
    return stat(path, &state) == 0 ? state.st_mode & S_IFMT : 0
  }

  /// A program, by its path, or by its name in the directories of PATH.
  /// - Parameter directory: the directory it is started in, which relative paths are relative to.
  public static func program(_ name: String, in directory: String) -> Need {
    guard !name.contains("/") else {
      let path = Path(name).resolved(in: directory, home: nil)
      return Need(path, .read) { () throws(StageError) in
        guard access(path, X_OK) == 0, !isDirectory(path) else {
          throw StageError(.unavailable, "\(path) is no program: \(String(cString: strerror(errno)))")
        }
        return "\(path) can be run"
      }
    }
    return Need { () throws(StageError) in
      guard let found = programPath(of: name) else {
        throw StageError(
          .unavailable, "there is no program \(name)",
          help: "Install it, or give its path.")
      }
      return "\(found) can be run"
    }
  }

  /// A program, and the files its arguments name: a script it runs, sound it reads. What they are is not known, so that there need
  /// not be any.
  public static func programs(_ words: [String], in directory: String) -> [Need] {
    let files = words.dropFirst().map { Path($0).resolved(in: directory, home: nil) }.filter(isRegularFile)
    return [program(words[0], in: directory)] + files.map { path in Need(path, .read) { "\(path) is there" } }
  }

  /// An address to listen at, which nobody else does; one that a program is about to let go of is waited for.
  public static func listening(_ address: ServerAddress) -> Need {
    Need { () throws(StageError) in
      let end = Instant.now().advanced(by: patience)
      var problem = address.probe()
      while problem == EADDRINUSE, Instant.now() < end {
        usleep(10_000)
        problem = address.probe()
      }
      guard problem == 0 else {
        throw StageError(
          .unavailable,
          problem == EADDRINUSE
            ? "\(address) is in use by another program"
            : "cannot listen at \(address): \(String(cString: strerror(problem)))",
          help: problem == EADDRINUSE ? "Choose another port, or 0 for any that is free." : nil)
      }
      return "\(address) is free"
    }
  }
}

extension ServerAddress {
  /// What keeps this program from listening here, as an `errno`; 0 for nothing.
  fileprivate func probe() -> Int32 {
    let isIPv6 = host.contains(":")
    let descriptor = socket(isIPv6 ? AF_INET6 : AF_INET, Int32(SOCK_STREAM.rawValue) | O_CLOEXEC, 0)
    guard descriptor >= 0 else { return errno }
    defer { close(descriptor) }
    var on: Int32 = 1
    setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, socklen_t(MemoryLayout<Int32>.size))
    func attempt<Address>(_ address: Address) -> Int32 {
      withUnsafePointer(to: address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
          // Only listening finds another listener, where both may share the address.
          bind(descriptor, $0, socklen_t(MemoryLayout<Address>.size)) == 0 && listen(descriptor, 1) == 0
            ? 0 : errno
        }
      }
    }
    if isIPv6 {
      var address = sockaddr_in6()
      address.sin6_family = sa_family_t(AF_INET6)
      address.sin6_port = port.bigEndian
      inet_pton(AF_INET6, host, &address.sin6_addr)
      return attempt(address)
    }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    inet_pton(AF_INET, host, &address.sin_addr)
    return attempt(address)
  }
}
