import Testing

@testable import HTTPCore

@Suite("Digests of the handshake")
struct HandshakeVectorTests {
  @Test("the vectors of RFC 3174 §7.3")
  func secureHash() {
    func digest(_ text: String) -> String { hexadecimal(SHA1.hash(Array(text.utf8))) }
    #expect(digest("abc") == "a9993e364706816aba3e25717850c26c9cd0d89d")
    #expect(
      digest("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq")
        == "84983e441c3bd26ebaae4aa1f95129e5e54670f1")
    #expect(
      digest(String(repeating: "01234567", count: 80)) == "dea356a2cddd90c7a7ecedc5ebb563934f460452")
    #expect(digest("") == "da39a3ee5e6b4b0d3255bfef95601890afd80709")
  }

  @Test("the test vectors of RFC 4648 §10")
  func base64() {
    for (text, encoded) in [
      ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("fooba", "Zm9vYmE="),
      ("foobar", "Zm9vYmFy"),
    ] {
      #expect(Base64.encode(Array(text.utf8)) == encoded)
      #expect(Base64.isEncoding(encoded, ofByteCount: text.utf8.count))
    }
    for malformed in ["Zg", "Zg=", "Zh==", "Z===", "Zm9*", "Zg==Zg=="] {
      #expect(!Base64.isEncoding(malformed, ofByteCount: 1), "\(malformed)")
    }
  }

  @Test("the accept value of RFC 6455 §1.3")
  func accept() {
    #expect(WebSocketKey.accept("dGhlIHNhbXBsZSBub25jZQ==") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
    let nonce: (UInt64, UInt64) = (0x7468_6520_7361_6D70, 0x6C65_206E_6F6E_6365)
    #expect(WebSocketKey.key(nonce) == "dGhlIHNhbXBsZSBub25jZQ==")
  }
}
