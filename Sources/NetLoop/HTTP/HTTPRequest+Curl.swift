import CCurl
import FluxGraph
import Platform

extension HTTPRequest {
  /// Host and port of the URL, or nil when it is not an `http` or `https` URL.
  var peer: String? { parts?.target?.description }

  private var parts: CurlURL? {
    CurlURL(url).flatMap { ["http", "https"].contains($0.scheme) && $0.target?.port != nil ? $0 : nil }
  }

  /// Why the request cannot be sent, nil if it can. A line break in a header would begin another header.
  var flaw: String? {
    if peer == nil { return "The URL of the request is not an http or https URL." }
    if !isToken(method) { return "The method of the request to \(peer ?? "") is not an HTTP method." }
    for header in headers {
      if !isToken(header.name) { return "\(header.name.debugDescription) is not the name of an HTTP header." }
      if !header.value.utf8.allSatisfy(isValueByte) {
        return "The value of the HTTP header \(header.name) has a control character."
      }
    }
    return nil
  }

  /// - Throws: ``NetworkFailure`` when the URL is none, or the environment or `certificateAuthorities` names what cannot be used.
  func route(_ loop: EventLoop) throws(NetworkFailure) -> ConnectionRoute {
    guard let parts, let target = parts.target, let port = target.port else {
      throw NetworkFailure(.badRequest, "The URL of the request is not an http or https URL.")
    }
    return try ConnectionRoute(
      isSecure: parts.scheme == "https", host: target.host, port: port, proxy: proxy, isTunnelled: false,
      authorityFile: certificateAuthorities, loop)
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
    where headers[name] == nil {
      lines.append("\(name):")
    }
    return lines
  }
}
