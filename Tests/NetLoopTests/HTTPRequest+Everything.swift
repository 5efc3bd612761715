import HTTPCore

extension HTTPRequest {
  /// A request with everything that can be said of one.
  init(
    method: String = "GET", url: String, headers: HTTPHeaders = [], body: [UInt8] = [],
    timeout: Duration? = .seconds(30), connectTimeout: Duration = .seconds(10), allowsHTTP2: Bool = false,
    maximumRedirects: Int = 0, maximumBodySize: Int = 1 << 20, acceptsRadio: Bool = false,
    authorityFile: String? = nil, proxy: String? = nil
  ) {
    self.init(
      method: method, url: url, headers: headers, body: body, timeout: timeout,
      maximumBodySize: maximumBodySize, certificateAuthorities: authorityFile)
    self.connectTimeout = connectTimeout
    self.allowsHTTP2 = allowsHTTP2
    self.maximumRedirects = maximumRedirects
    self.acceptsRadio = acceptsRadio
    self.proxy = proxy
  }
}
