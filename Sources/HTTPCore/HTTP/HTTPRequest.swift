/// A plain HTTP request, over `http` or `https`. Certificates are always verified.
public struct HTTPRequest: Sendable, Hashable {
  /// `GET`, `POST` or another.
  public var method: String
  /// `http://` or `https://`.
  public var url: String
  /// Headers beside those the client sends by itself; with a redirect to another host, only those that say nothing of the sender.
  public var headers: HTTPHeaders
  /// The body; empty for none.
  public var body: [UInt8]
  /// The time for everything together; nil for a stream without an end.
  public var timeout: Duration?
  /// The largest response body accepted, in bytes; more ends the transfer with a failure.
  public var maximumBodySize: Int
  /// A PEM file of certificate authorities to trust instead of the system's.
  public var certificateAuthorities: String?
  /// Whether status and headers are the answer, and its body only a remark, of which no more is given than came in a second.
  public var isHeadEnough = false
  /// For name lookup, proxy, TCP and TLS, counted from the transfer's turn to begin.
  package var connectTimeout = Duration.seconds(10)
  /// Whether HTTP/2 is spoken with a server that offers it under TLS. Not for a response that is to be held up.
  package var allowsHTTP2 = false
  /// 0 delivers a redirect as the response.
  package var maximumRedirects = 0
  /// Whether `ICY 200 OK` is taken for `HTTP/1.0 200 OK`: old radio stations answer so.
  package var acceptsRadio = false
  /// The proxy in the place of the one the environment names; plain `http` is sent through it without a tunnel.
  package var proxy: String?

  public init(
    method: String = "GET", url: String, headers: HTTPHeaders = [], body: [UInt8] = [],
    timeout: Duration? = .seconds(20), maximumBodySize: Int = 1 << 20, certificateAuthorities: String? = nil
  ) {
    self.method = method
    self.url = url
    self.headers = headers
    self.body = body
    self.timeout = timeout
    self.maximumBodySize = maximumBodySize
    self.certificateAuthorities = certificateAuthorities
  }
}
