import CCurl
import Glibc

/// Owns one libcurl easy handle with the options every connection and transfer of ours has. Loop thread only.
///
/// Freed by `deinit`, which must come after ``CurlMulti/remove(_:)``.
final class CurlEasy {
  let handle: UnsafeMutableRawPointer
  private let errorText: UnsafeMutablePointer<CChar>
  private var headers: UnsafeMutablePointer<curl_slist>?
  private var statusAliases: UnsafeMutablePointer<curl_slist>?
  /// Freed after the handle that uses it.
  private var cache: ConnectionCache?

  /// Nil when there is no memory.
  init?() {
    guard let handle = curl_easy_init() else { return nil }
    self.handle = handle
    errorText = .allocate(capacity: Int(CURL_ERROR_SIZE))
    errorText.initialize(repeating: 0, count: Int(CURL_ERROR_SIZE))
    set(CURLOPT_ERRORBUFFER, pointer: errorText)
    set(CURLOPT_NOSIGNAL, 1)
    // Without it, giving up during a name lookup waits for the lookup.
    set(CURLOPT_QUICK_EXIT, 1)
    set(CURLOPT_PROTOCOLS_STR, "http,https")
    set(CURLOPT_REDIR_PROTOCOLS_STR, "http,https")
    // ALPN could choose HTTP/2, over which a byte connection cannot be upgraded.
    set(CURLOPT_HTTP_VERSION, Int(CURL_HTTP_VERSION_1_1))
    set(CURLOPT_SSL_VERIFYPEER, 1)
    set(CURLOPT_SSL_VERIFYHOST, 2)
    // Children started at the same moment inherit nothing.
    _ = CCurl_setopt_opensocket_callback(handle) { _, _, address in
      guard let address else { return CURL_SOCKET_BAD }
      return socket(
        address.pointee.family, address.pointee.socktype | Int32(SOCK_CLOEXEC.rawValue),
        address.pointee.protocol)
    }
    // libcurl writes to the standard output when nobody takes what a proxy or server says.
    _ = CCurl_setopt_write_callback(handle, CURLOPT_WRITEFUNCTION) { _, size, count, _ in size * count }
  }

  deinit {
    curl_easy_cleanup(handle)
    curl_slist_free_all(headers)
    curl_slist_free_all(statusAliases)
    errorText.deallocate()
  }

  // MARK: - Options

  // The result of setting an option is ignored where the value is ours: the options exist since libcurl 7.87.

  func set(_ option: CURLoption, _ value: Int) {
    _ = CCurl_setopt_long(handle, option, value)
  }

  func set(_ option: CURLoption, offset value: Int) {
    _ = CCurl_setopt_offset(handle, option, value)
  }

  func set(_ option: CURLoption, pointer value: UnsafeMutableRawPointer?) {
    _ = CCurl_setopt_pointer(handle, option, value)
  }

  /// libcurl copies the text.
  func set(_ option: CURLoption, _ value: String?) {
    _ = CCurl_setopt_string(handle, option, value)
  }

  /// Adds header lines to the request.
  func setHeaders(_ lines: [String]) {
    for line in lines {
      // On failure the list is left as it was.
      if let longer = curl_slist_append(headers, line) { headers = longer }
    }
    _ = CCurl_setopt_list(handle, CURLOPT_HTTPHEADER, headers)
  }

  /// Keeps the connection in this cache instead of the multi handle's.
  func use(_ cache: ConnectionCache) {
    self.cache = cache
    set(CURLOPT_SHARE, pointer: cache.handle)
  }

  /// Takes answers that begin with `beginning` for HTTP/1.0.
  func acceptStatusLine(_ beginning: String) {
    if let longer = curl_slist_append(statusAliases, beginning) { statusAliases = longer }
    _ = CCurl_setopt_list(handle, CURLOPT_HTTP200ALIASES, statusAliases)
  }

  /// Goes through this proxy and no other, whatever libcurl would find in the environment.
  func use(_ proxy: Proxy?) {
    set(CURLOPT_PROXY, proxy?.url ?? "")
    set(CURLOPT_NOPROXY, "")
  }

  /// Rounded up, because 0 would mean libcurl's default of five minutes.
  func setTimeout(_ option: CURLoption, _ timeout: Duration) {
    set(option, Int(clamping: min(max(1, timeout.millisecondsRoundedUp), Int64(Int32.max))))
  }

  // MARK: - Facts

  func long(_ info: CURLINFO) -> Int {
    var value = 0
    return CCurl_getinfo_long(handle, info, &value) == CURLE_OK ? value : 0
  }

  func string(_ info: CURLINFO) -> String? {
    var value: UnsafePointer<CChar>?
    guard CCurl_getinfo_string(handle, info, &value) == CURLE_OK, let value else { return nil }
    return String(cString: value)
  }

  /// The descriptor of a `CONNECT_ONLY` connection, nil when there is none.
  var activeSocket: Int32? {
    var value: curl_socket_t = -1
    guard CCurl_getinfo_socket(handle, CURLINFO_ACTIVESOCKET, &value) == CURLE_OK, value >= 0 else {
      return nil
    }
    return value
  }

  /// What libcurl says about a failure, in its words.
  func message(for code: CURLcode) -> String {
    let text = String(cString: errorText)
    return text.isEmpty ? String(cString: curl_easy_strerror(code)) : text
  }
}
