import Platform
import Testing

@Suite struct IPAddressTests {
  @Test("loopback is 127.0.0.0/8 and ::1, however they are written")
  func loopback() {
    for text in [
      "127.0.0.1", "127.255.255.254", "::1", "0:0:0:0:0:0:0:1", "::ffff:127.0.0.1", "::ffff:7f00:1",
    ] {
      #expect(IPAddress(text)?.isLoopback == true, "\(text)")
    }
    for text in ["128.0.0.1", "126.255.255.255", "::2", "::", "0.0.0.0", "::127.0.0.1", "fe80::1"] {
      #expect(IPAddress(text)?.isLoopback == false, "\(text)")
    }
    for text in ["localhost", "127.1", "127.0.0.1.", "[::1]", "", "127.0.0.1:80", "::1%lo", "٣.0.0.1"] {
      #expect(IPAddress(text) == nil, "\(text)")
    }
    #expect(IPAddress("0.0.0.0")?.isUnspecified == true && IPAddress("::")?.isUnspecified == true)
    #expect(IPAddress("::ffff:10.1.2.3") == IPAddress("10.1.2.3"))
  }

  @Test("a block holds the addresses that begin like it")
  func blocks() throws {
    func isWithin(_ address: String, _ network: String, _ bits: Int) throws -> Bool {
      try #require(IPAddress(address)).isWithin(#require(IPAddress(network)), bits: bits)
    }
    #expect(try isWithin("10.1.2.3", "10.0.0.0", 8) && !isWithin("11.1.2.3", "10.0.0.0", 8))
    #expect(try isWithin("192.168.5.255", "192.168.4.0", 23) && !isWithin("192.168.6.0", "192.168.4.0", 23))
    #expect(try isWithin("1.2.3.4", "1.2.3.4", 32) && !isWithin("1.2.3.5", "1.2.3.4", 32))
    #expect(try isWithin("9.9.9.9", "1.2.3.4", 0) && !isWithin("::9", "1.2.3.4", 0))
    #expect(try isWithin("fd12::1", "fd00::", 8) && !isWithin("fe00::1", "fd00::", 8))
    #expect(
      try isWithin("2001:db8:0:1::f", "2001:db8:0:1::", 64)
        && !isWithin("2001:db8:0:2::", "2001:db8:0:1::", 64))
    #expect(
      try isWithin("2001:db8::ff", "2001:db8::f0", 124) && !isWithin("2001:db8::ef", "2001:db8::f0", 124))
  }
}

@Suite struct HostAndPortTests {
  @Test("a host stands alone or before a port, an IPv6 address in brackets")
  func reading() {
    #expect(HostAndPort("Example.COM.:80") == HostAndPort(host: "example.com", port: 80))
    #expect(HostAndPort("[::1]:8090") == HostAndPort(host: "::1", port: 8090))
    #expect(HostAndPort("[::1]") == HostAndPort(host: "::1", port: nil))
    #expect(HostAndPort("a:")?.port == nil && HostAndPort("a:")?.host == "a")
    #expect(HostAndPort("[::1]:80")?.description == "[::1]:80")
    for text in [
      "", ":80", "a:x", "a:70000", "::1", "a:1:2", "[::1", "::1]", "[a]", "[]", "[::1]x", "a b", "u@a", "a/b",
      "a:-1", ".",
      "127.0.0.1:80@evil", "a:٣",
    ] {
      #expect(HostAndPort(text) == nil, "\(text)")
    }
  }

  @Test("the names below localhost are this machine, those that only contain it are not")
  func loopback() {
    for text in ["localhost", "LocalHost:1", "a.localhost", "localhost.", "127.0.0.2:1", "[::1]"] {
      #expect(HostAndPort(text)?.isLoopback == true, "\(text)")
    }
    for text in [
      "localhost.evil.example", "notlocalhost", "127.0.0.1.evil.example", "10.0.0.1", "0.0.0.0", "[::2]",
    ] {
      #expect(HostAndPort(text)?.isLoopback == false, "\(text)")
    }
  }
}
