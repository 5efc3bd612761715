import CCurl
import FluxGraph
import Glibc

extension NetworkFailure {
  /// Translates the failure of a transfer or connect.
  init(_ code: CURLcode, of easy: CurlEasy, by route: ConnectionRoute) {
    if let proxy = route.proxy, let error = NetworkFailure(code, of: easy, by: route, proxy) {
      self = error
      return
    }
    let message = easy.message(for: code)
    let peer = route.place
    switch code {
    case CURLE_COULDNT_RESOLVE_HOST:
      self.init(
        .nameNotFound, "The host of \(peer) was not found; check its name and the network (\(message)).")
    case CURLE_COULDNT_CONNECT:
      self.init(connecting: Int32(easy.long(CURLINFO_OS_ERRNO)), peer: peer, message: message)
    case CURLE_OPERATION_TIMEDOUT:
      self.init(.timedOut, "\(peer) did not answer in time (\(message)).")
    case CURLE_PEER_FAILED_VERIFICATION:
      self.init(verification: easy.long(CURLINFO_SSL_VERIFYRESULT), by: route, message: message)
    case CURLE_SSL_CACERT_BADFILE:
      self =
        route.authorities.emptyFile
        ?? NetworkFailure(
          .authorityFile, "The certificate authorities for \(peer) cannot be used: \(message).")
    case CURLE_SSL_CONNECT_ERROR:
      self.init(
        .handshake, "The TLS handshake with \(peer) failed; is it a TLS server at that port? (\(message))")
    case CURLE_SEND_ERROR, CURLE_RECV_ERROR, CURLE_GOT_NOTHING, CURLE_PARTIAL_FILE:
      self.init(.connectionLost, "The connection to \(peer) was lost (\(message)).")
    case CURLE_FILESIZE_EXCEEDED:
      self.init(.bodyTooLarge, "The answer of \(peer) is larger than allowed.")
    case CURLE_URL_MALFORMAT, CURLE_UNSUPPORTED_PROTOCOL:
      self.init(.badRequest, "The address of \(peer) cannot be used (\(message)).")
    default:
      self.init(.other(code.rawValue), "The exchange with \(peer) failed (\(message)).")
    }
  }

  private init(connecting error: Int32, peer: String, message: String) {
    switch error {
    case ECONNREFUSED:
      self.init(
        .connectionRefused, "\(peer) refused the connection; does a server listen there? (\(message))")
    case EHOSTUNREACH, ENETUNREACH, ENETDOWN, EHOSTDOWN:
      self.init(.unreachable, "\(peer) cannot be reached; check the network (\(message)).")
    case ETIMEDOUT:
      self.init(.timedOut, "\(peer) did not answer in time (\(message)).")
    case ECONNRESET:
      self.init(.connectionLost, "The connection to \(peer) was lost (\(message)).")
    case EMFILE, ENFILE:
      self.init(.system(error), "There are too many open files to connect to \(peer); raise ulimit -n.")
    default:
      self.init(.other(CURLE_COULDNT_CONNECT.rawValue), "There is no connection to \(peer) (\(message)).")
    }
  }

  /// - Parameter result: OpenSSL's verification result (X509_STORE_CTX_get_error(3)), 0 when the chain is good.
  private init(verification result: Int, by route: ConnectionRoute, message: String) {
    let peer = route.place
    switch result {
    case 2, 18, 19, 20, 21, 27:
      self.init(
        .certificate(.unknownAuthority),
        "The certificate of \(peer) comes from an authority that is not trusted here, as those of company networks that "
          + "look into connections do\(unusedDirectory(route)); if you trust it, name its PEM file with `ca=FILE` or "
          + "SSL_CERT_FILE (\(message)).")
    case 10:
      self.init(
        .certificate(.expired),
        "The certificate of \(peer) has expired; its owner has to renew it (\(message)).")
    case 9:
      self.init(
        .certificate(.notYetValid),
        "The certificate of \(peer) is not valid yet; check this machine's clock (\(message)).")
    // libcurl compares the name by itself, before it looks at the chain: the result is still 0 or 1 (unset) then.
    case 0, 1, 62, 64:
      self.init(
        .certificate(.wrongHost),
        "The certificate of \(peer) is for another host; check the name in the address (\(message)).")
    default:
      self.init(.certificate(.other), "The certificate of \(peer) was not accepted (\(message)).")
    }
  }
}

/// Certificates are found in a directory by the names of their files only.
private func unusedDirectory(_ route: ConnectionRoute) -> String {
  guard let directory = route.authorities.directory, directory.path != "/etc/ssl/certs" else { return "" }
  return " (in \(directory.namedBy), files need the names that `openssl rehash` gives them)"
}
