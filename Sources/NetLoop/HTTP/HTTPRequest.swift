import CCurl
import Platform

/// A header line of a request or response.
package struct HTTPHeader: Hashable, Sendable {
  package var name: String
  package var value: String

  package init(_ name: String, _ value: String) {
    self.name = name
    self.value = value
  }
}

/// An HTTP request over `http` or `https`. Certificates are always verified.
package struct HTTPRequest: Hashable, Sendable {
  package var method: String
  package var url: String
  /// Sent as they are; with a redirect to another host, only those that say nothing of the sender.
  package var headers: [HTTPHeader]
  package var body: [UInt8]
  /// From the start of the transfer to its last byte; nil for a stream without end.
  package var timeout: Duration?
  /// For name lookup, proxy, TCP and TLS, counted from the transfer's turn to begin.
  package var connectTimeout: Duration
  /// Whether HTTP/2 is spoken with a server that offers it under TLS. Not for a response that is to be held up.
  package var allowsHTTP2: Bool
  /// 0 delivers a redirect as the response.
  package var maximumRedirects: Int
  /// A longer response body ends the transfer with ``NetError/Code/bodyTooLarge``; `Int.max` for streams.
  package var maximumBodySize: Int
  /// Whether a response is complete with its head, and its body only a remark: one that is too long, breaks off or takes longer
  /// than a second does not count. For ``EventLoop/response(for:)``.
  package var isHeadEnough = false
  /// Whether `ICY 200 OK` is taken for `HTTP/1.0 200 OK`: old radio stations answer so.
  package var acceptsRadio: Bool
  /// See ``ConnectRequest/authorityFile``.
  package var authorityFile: String?
  /// See ``ConnectRequest/proxy``; plain `http` is sent through the proxy without a tunnel.
  package var proxy: String?

  package init(
    method: String = "GET", url: String, headers: [HTTPHeader] = [], body: [UInt8] = [],
    timeout: Duration? = .seconds(30), connectTimeout: Duration = .seconds(10), allowsHTTP2: Bool = false,
    maximumRedirects: Int = 0, maximumBodySize: Int = 1 << 20, acceptsRadio: Bool = false,
    authorityFile: String? = nil, proxy: String? = nil
  ) {
    self.method = method
    self.url = url
    self.headers = headers
    self.body = body
    self.timeout = timeout
    self.connectTimeout = connectTimeout
    self.allowsHTTP2 = allowsHTTP2
    self.maximumRedirects = maximumRedirects
    self.maximumBodySize = maximumBodySize
    self.acceptsRadio = acceptsRadio
    self.authorityFile = authorityFile
    self.proxy = proxy
  }

  /// Host and port of the URL, or nil when it is not an `http` or `https` URL.
  var peer: String? { parts?.target?.description }

  private var parts: CurlURL? {
    CurlURL(url).flatMap { ["http", "https"].contains($0.scheme) && $0.target?.port != nil ? $0 : nil }
  }

  /// Why the request cannot be sent, nil if it can. A line break in a header would begin another header.
  var flaw: String? {
    func isToken(_ text: String) -> Bool {
      !text.isEmpty
        && text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && !"()<>@,;:\\\"/[]?={}".utf8.contains($0) }
    }
    if peer == nil { return "The URL of the request is not an http or https URL." }
    if !isToken(method) { return "The method of the request to \(peer ?? "") is not an HTTP method." }
    for header in headers {
      if !isToken(header.name) { return "\(header.name.debugDescription) is not the name of an HTTP header." }
      if header.value.utf8.contains(where: { ($0 < 0x20 && $0 != 0x09) || $0 == 0x7F }) {
        return "The value of the HTTP header \(header.name) has a control character."
      }
    }
    return nil
  }

  /// - Throws: ``NetError`` when the URL is none, or the environment or `authorityFile` names what cannot be used.
  func route(_ loop: EventLoop) throws(NetError) -> ConnectionRoute {
    guard let parts, let target = parts.target, let port = target.port else {
      throw NetError(.invalidRequest, "The URL of the request is not an http or https URL.")
    }
    return try ConnectionRoute(
      isSecure: parts.scheme == "https", host: target.host, port: port, proxy: proxy, isTunnelled: false,
      authorityFile: authorityFile, loop)
  }

  func makeHandle(_ route: ConnectionRoute) -> CurlEasy? {
    guard let easy = CurlEasy() else { return nil }
    easy.set(CURLOPT_URL, url)
    setMethod(of: easy)
    easy.setHeaders(headerLines)
    easy.setTimeout(CURLOPT_CONNECTTIMEOUT_MS, connectTimeout)
    if allowsHTTP2 {
      easy.set(CURLOPT_HTTP_VERSION, Int(CURL_HTTP_VERSION_2TLS))
      // Requests share the one connection that is being made, if it turns out that they can.
      easy.set(CURLOPT_PIPEWAIT, 1)
    }
    // Ends a transfer whose Content-Length says it is too large before it begins, in the middle of the head; 0 would mean no
    // limit.
    if !isHeadEnough { easy.set(CURLOPT_MAXFILESIZE_LARGE, offset: max(1, maximumBodySize)) }
    // What a proxy says to CONNECT is not part of the response.
    easy.set(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1)
    if acceptsRadio { easy.acceptStatusLine("ICY ") }
    route.apply(to: easy)
    return easy
  }

  private func setMethod(of easy: CurlEasy) {
    switch method {
    case "GET" where body.isEmpty: easy.set(CURLOPT_HTTPGET, 1)
    case "HEAD": easy.set(CURLOPT_NOBODY, 1)
    default:
      if !body.isEmpty || method == "POST" || method == "PUT" || method == "PATCH" {
        easy.set(CURLOPT_POSTFIELDSIZE_LARGE, offset: body.count)
        body.withUnsafeBytes { bytes in
          // Copied; the pointer is not kept, and not written through.
          easy.set(CURLOPT_COPYPOSTFIELDS, pointer: UnsafeMutableRawPointer(mutating: bytes.baseAddress))
        }
        if body.isEmpty { easy.set(CURLOPT_COPYPOSTFIELDS, "") }
      }
      // Named only where needed: a named method would also survive a 303 redirect.
      if method != "POST" { easy.set(CURLOPT_CUSTOMREQUEST, method) }
    }
  }

  private var headerLines: [String] {
    // libcurl takes "Name;" for a header without a value and "Name:" for one not to be sent.
    var lines = headers.map { $0.value.isEmpty ? "\($0.name);" : "\($0.name): \($0.value)" }
    // It would wait a second for a server's consent to a long body, and call every body a form.
    for name in ["Expect", "Content-Type"]
    where !headers.contains(where: { $0.name.lowercased() == name.lowercased() }) {
      lines.append("\(name):")
    }
    return lines
  }
}

/// Status and headers of a response.
package struct HTTPResponseHead: Hashable, Sendable {
  package var status: Int
  /// In the order and spelling of the server.
  package var headers: [HTTPHeader]

  package init(status: Int, headers: [HTTPHeader]) {
    self.status = status
    self.headers = headers
  }

  /// The first value of a header; names compare without regard to case.
  package func value(of name: String) -> String? {
    headers.first { $0.name.lowercased() == name.lowercased() }?.value
  }
}

/// A whole response.
package struct HTTPResponse: Hashable, Sendable {
  package var head: HTTPResponseHead
  package var body: [UInt8]

  package init(head: HTTPResponseHead, body: [UInt8]) {
    self.head = head
    self.body = body
  }

  package var status: Int { head.status }
}
