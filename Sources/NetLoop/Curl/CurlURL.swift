import CCurl
import Platform

/// A URL as libcurl reads it, so that what is decided of it here is what libcurl does with it: it writes `0x7f.1` as
/// `127.0.0.1`, for instance.
final class CurlURL {
  private let parts: OpaquePointer

  /// nil for what libcurl takes for no URL. Schemes it does not speak are let through.
  /// - Parameter defaultScheme: what a URL without a scheme is taken for; without one such a URL is none.
  init?(_ text: String, defaultScheme: String? = nil) {
    guard !text.utf8.contains(where: { $0 <= 0x20 || $0 == 0x7F }), let parts = curl_url() else { return nil }
    self.parts = parts
    let whole = defaultScheme == nil || text.contains("://") ? text : "\(defaultScheme ?? "")://\(text)"
    guard curl_url_set(parts, CURLUPART_URL, whole, UInt32(CURLU_NON_SUPPORT_SCHEME)) == CURLUE_OK else {
      return nil
    }
  }

  deinit { curl_url_cleanup(parts) }

  /// Goes where a redirect leads (RFC 3986 §5.2); false when that is no URL.
  func follow(_ location: String) -> Bool {
    !location.utf8.contains { $0 <= 0x20 || $0 >= 0x7F }
      && curl_url_set(parts, CURLUPART_URL, location, UInt32(CURLU_NON_SUPPORT_SCHEME)) == CURLUE_OK
  }

  func part(_ part: CURLUPart, _ flags: Int32 = 0) -> String? {
    var text: UnsafeMutablePointer<CChar>?
    guard curl_url_get(parts, part, &text, UInt32(flags)) == CURLUE_OK, let text else { return nil }
    defer { curl_free(text) }
    return String(cString: text)
  }

  /// In lower case.
  var scheme: String { part(CURLUPART_SCHEME) ?? "" }
  var text: String? { part(CURLUPART_URL) }
  var port: UInt16? { part(CURLUPART_PORT).flatMap { UInt16($0) } }

  /// Without the brackets of an IPv6 address.
  var host: String? {
    guard let host = part(CURLUPART_HOST), !host.isEmpty else { return nil }
    return host.hasPrefix("[") ? String(host.dropFirst().dropLast()) : host
  }

  /// Without what may be secret: user, password, query and fragment.
  var shown: String {
    guard let copy = curl_url_dup(parts) else { return "" }
    defer { curl_url_cleanup(copy) }
    for part in [CURLUPART_USER, CURLUPART_PASSWORD, CURLUPART_QUERY, CURLUPART_FRAGMENT] {
      curl_url_set(copy, part, nil, 0)
    }
    var text: UnsafeMutablePointer<CChar>?
    guard curl_url_get(copy, CURLUPART_URL, &text, 0) == CURLUE_OK, let text else { return "" }
    defer { curl_free(text) }
    return String(String(cString: text).prefix(200))
  }

  /// Host and port, the scheme's own port where none is given.
  var target: HostAndPort? {
    host.map { HostAndPort(host: $0, port: part(CURLUPART_PORT, CURLU_DEFAULT_PORT).flatMap { UInt16($0) }) }
  }
}
