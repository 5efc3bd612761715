import CCurl
import FluxGraph
import Glibc

/// Where libcurl finds the certificate authorities it trusts, as a request or the environment asks for it.
///
/// OpenSSL and the `curl` program read these variables (curl(1), ENVIRONMENT); libcurl does not, so we do.
struct CertificateAuthorities: Hashable, Sendable {
  /// A path, and who names it.
  struct Place: Hashable, Sendable {
    var path: String
    /// The variable's name, or `ca=`.
    var namedBy: String
  }

  /// A PEM file; nil means libcurl's built-in one.
  var file: Place?
  /// Directories of hashed PEM files with colons between them; nil means that none is named.
  var directory: Place?

  init(file: Place? = nil, directory: Place? = nil) {
    self.file = file
    self.directory = directory
  }

  /// `SSL_CERT_FILE`, or else `CURL_CA_BUNDLE`, and `SSL_CERT_DIR`; an empty variable counts as unset.
  ///
  /// The `curl` program has it the other way about. Systems that set all of them would then hide the one a user adds.
  init(variable: (String) -> String?) {
    func place(_ name: String) -> Place? {
      variable(name).flatMap { $0.isEmpty ? nil : Place(path: $0, namedBy: name) }
    }
    self.init(file: place("SSL_CERT_FILE") ?? place("CURL_CA_BUNDLE"), directory: place("SSL_CERT_DIR"))
  }

  /// The ones for a request that may name a file of its own, which then is the only source.
  func overridden(by file: String?) -> CertificateAuthorities {
    guard let file else { return self }
    return CertificateAuthorities(file: Place(path: file, namedBy: "ca="))
  }

  /// What is wrong with the paths; nil when they can be read. OpenSSL itself says nothing of a directory that is not there.
  var flaw: NetworkFailure? {
    if let file, let problem = Self.problem(file.path, isDirectory: false) {
      return Self.unusable(file, problem)
    }
    guard let directory else { return nil }
    // It is usual to list directories that some machines do not have.
    let problems = directory.path.split(separator: ":").map { Self.problem(String($0), isDirectory: true) }
    guard let first = problems.first, let first, problems.allSatisfy({ $0 != nil }) else { return nil }
    return Self.unusable(directory, first)
  }

  /// The file was read, and libcurl found nothing in it that it can use.
  var emptyFile: NetworkFailure? { file.map { Self.unusable($0, "it holds no certificates in PEM form") } }

  private static func unusable(_ place: Place, _ problem: String) -> NetworkFailure {
    NetworkFailure(
      .authorityFile,
      "The certificate authorities that \(place.namedBy) names, \(place.path), cannot be used: \(problem).")
  }

  private static func problem(_ path: String, isDirectory: Bool) -> String? {
    var status = stat()
    guard stat(path, &status) == 0 else { return String(cString: strerror(errno)) }
    guard isDirectory == (status.st_mode & S_IFMT == S_IFDIR) else {
      return isDirectory ? "it is no directory" : "it is a directory"
    }
    return access(path, isDirectory ? R_OK | X_OK : R_OK) == 0 ? nil : String(cString: strerror(errno))
  }
}

extension CurlEasy {
  /// Trusts these authorities, also of an `https` proxy.
  func trust(_ authorities: CertificateAuthorities) {
    let (builtInFile, builtInDirectory) = (string(CURLINFO_CAINFO), string(CURLINFO_CAPATH))
    if let file = authorities.file {
      set(CURLOPT_CAINFO, file.path)
      set(CURLOPT_PROXY_CAINFO, file.path)
    }
    let file = authorities.file?.path ?? builtInFile
    let directory = authorities.directory?.path
    // libcurl keeps the parsed authorities for the next connection only when no directory is set, and Debian's has one by
    // default, with the same authorities as its file: 15 ms and 0.8 MiB per connection.
    let addsNothing = directory == nil || (directory == builtInDirectory && file == builtInFile)
    let isCleared = file != nil && addsNothing
    guard isCleared || directory != nil else { return }
    set(CURLOPT_CAPATH, isCleared ? nil : directory)
    set(CURLOPT_PROXY_CAPATH, isCleared ? nil : directory)
  }
}
