import Glibc

/// Where libcurl finds the certificate authorities it trusts, as the environment asks for it.
///
/// The `curl` program reads these variables (curl(1), ENVIRONMENT); the library does not, so we do.
struct CertificateAuthorities: Hashable, Sendable {
  /// A PEM file; nil means libcurl's built-in one.
  var file: String?
  /// A directory of hashed PEM files the user named; nil means the user named none.
  var directory: String?

  /// `CURL_CA_BUNDLE`, or else `SSL_CERT_FILE` and `SSL_CERT_DIR`.
  static func fromEnvironment() -> CertificateAuthorities {
    func variable(_ name: String) -> String? {
      guard let value = getenv(name), value.pointee != 0 else { return nil }
      return String(cString: value)
    }
    if let bundle = variable("CURL_CA_BUNDLE") { return CertificateAuthorities(file: bundle) }
    return CertificateAuthorities(file: variable("SSL_CERT_FILE"), directory: variable("SSL_CERT_DIR"))
  }

  /// The ones for a request that may name a file of its own, which then is the only source.
  func overridden(by file: String?) -> CertificateAuthorities {
    guard let file else { return self }
    return CertificateAuthorities(file: file)
  }
}
