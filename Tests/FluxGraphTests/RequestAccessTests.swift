import FluxGraph
import Testing

@Suite struct RequestAccessTests {
  private func status(isPublic: Bool = false, _ headers: [(String, String)]) -> Int? {
    RequestAccess(isPublic: isPublic, option: "--public").refusal { name in
      headers.filter { $0.0.lowercased() == name.lowercased() }.map(\.1)
    }?.status
  }

  @Test("programs may ask, by the names of this machine; by other names only what is public")
  func hosts() {
    for host in ["localhost:8119", "127.0.0.1", "[::1]:1", "a.localhost"] {
      #expect(status([("host", host)]) == nil)
    }
    for host in ["evil.example", "evil.example:8119", "10.0.0.1", "0.0.0.0", "", "localhost@evil"] {
      #expect(status([("Host", host)]) == 421, "\(host)")
      #expect(status(isPublic: true, [("Host", host)]) == nil, "\(host)")
    }
    // HTTP/1.0, as simple probes speak it.
    #expect(status([]) == nil)
    #expect(status([("Host", "localhost"), ("Host", "localhost")]) == 400)
  }

  @Test(
    "pages of other sites may not, whether the server is public or not",
    arguments: [
      ["Origin": "https://evil.example"], ["Origin": "null"], ["Origin": "http://localhost:3000"],
      ["Origin": ""],
      ["Origin": "http://localhost:8119.evil.example"], ["Sec-Fetch-Site": "cross-site"],
      ["Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "websocket"],
      ["Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe"],
      ["Origin": "https://evil.example", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"],
    ])
  func sites(headers: [String: String]) {
    let headers = headers.map { ($0.key, $0.value) } + [("Host", "localhost:8119")]
    #expect(status(headers) == 403)
    #expect(status(isPublic: true, headers) == 403)
  }

  @Test(
    "the server's own pages may, programs that send its address as their origin, and links that are followed")
  func own() {
    let host = ("Host", "localhost:8119")
    #expect(status([host, ("Origin", "http://localhost:8119"), ("Sec-Fetch-Site", "same-origin")]) == nil)
    #expect(status([host, ("Origin", "HTTPS://LOCALHOST:8119")]) == nil)
    #expect(status([host, ("Sec-Fetch-Site", "none")]) == nil)
    #expect(
      status([
        host, ("Sec-Fetch-Site", "cross-site"), ("Sec-Fetch-Mode", "navigate"),
        ("Sec-Fetch-Dest", "document"),
      ]) == nil)
    #expect(status(isPublic: true, [("Host", "flux.example"), ("Origin", "https://flux.example")]) == nil)
    #expect(
      status(isPublic: true, [("Host", "flux.example"), ("Origin", "https://flux.example.org")]) == 403)
  }
}
