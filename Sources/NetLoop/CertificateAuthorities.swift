import Glibc

/// Where libcurl finds the certificate authorities it trusts, as the environment asks for it.
///
/// The `curl` program reads these variables (curl(1), ENVIRONMENT); the library does not, so we do.
struct CertificateAuthorities: Hashable, Sendable {
  /// A PEM file; nil means libcurl's built-in one.
  var file: String?
  /// A directory of hashed PEM files the user named; nil means the user named none.
  var directory: String?

  init(file: String? = nil, directory: String? = nil) {
    self.file = file
    self.directory = directory
  }

  /// `CURL_CA_BUNDLE`, or else `SSL_CERT_FILE` and `SSL_CERT_DIR`; an empty variable counts as unset.
  init(variable: (String) -> String?) {
    func value(_ name: String) -> String? { variable(name).flatMap { $0.isEmpty ? nil : $0 } }
    if let bundle = value("CURL_CA_BUNDLE") {
      self.init(file: bundle)
    } else {
      self.init(file: value("SSL_CERT_FILE"), directory: value("SSL_CERT_DIR"))
    }
  }

  static func fromEnvironment() -> CertificateAuthorities {
    CertificateAuthorities { name in getenv(name).map { String(cString: $0) } }
  }

  /// The ones for a request that may name a file of its own, which then is the only source.
  func overridden(by file: String?) -> CertificateAuthorities {
    guard let file else { return self }
    return CertificateAuthorities(file: file)
  }
}
