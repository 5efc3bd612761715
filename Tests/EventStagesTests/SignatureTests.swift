import FluxGraph
import Foundation
import TestSupport
import Testing

@testable import EventStages

@Suite struct SignatureTests {
  private func hex(_ bytes: [UInt8]) -> String {
    bytes.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
  }

  @Test("SHA-256 gives the hashes of FIPS 180-4's examples")
  func examples() {
    #expect(
      hex(SHA256.hash(Array("abc".utf8)))
        == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
    #expect(
      hex(SHA256.hash(Array("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq".utf8)))
        == "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1")
    #expect(hex(SHA256.hash([])) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
  }

  @Test("HMAC-SHA-256 gives the codes of RFC 4231")
  func authentication() {
    let cases: [(key: [UInt8], data: [UInt8], code: String)] = [
      (
        [UInt8](repeating: 0x0B, count: 20), Array("Hi There".utf8),
        "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"
      ),
      (
        Array("Jefe".utf8), Array("what do ya want for nothing?".utf8),
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
      ),
      (
        [UInt8](repeating: 0xAA, count: 131),
        Array("Test Using Larger Than Block-Size Key - Hash Key First".utf8),
        "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"
      ),
    ]
    for example in cases {
      #expect(hex(SHA256.authenticationCode(example.data, key: example.key)) == example.code)
    }
  }

  @Test("CRC-32C gives the check value of its catalogue entry")
  func checksum() {
    #expect(CRC32C.checksum(Array("123456789".utf8)[...]) == 0xE306_9283)
  }

  @Test(
    "a secret that is none of Standard Webhooks is refused",
    arguments: ["", "whsec_", "whsec_c2hvcnQ=", "not base64!"])
  func secrets(text: String) {
    #expect(throws: StageError.self) { try WebhookSigner(SigningSecrets(secrets: [Secret(text)])) }
  }

  // The peers' Python has standardwebhooks and hashlib.
  @Test("standardwebhooks accepts signatures under each of several secrets", .enabled(if: Peers.havePython))
  func standardWebhooks() throws {
    let secrets = (1...3).map { number in
      "whsec_" + Data((0..<32).map { UInt8($0 * number) }).base64EncodedString()
    }
    let signer = try WebhookSigner(SigningSecrets(secrets: secrets.map(Secret.init)))
    var lines = ""
    for length in 0...130 {
      let body = #"{"text":""# + String(repeating: "é", count: length) + "\"}"
      let headers = signer.headers(id: "msg_\(length)", body: Array(body.utf8), at: .now())
      let fields = headers.map { ($0.name, JSONValue.string($0.value)) }
      lines += JSONValue.object([("headers", .object(fields)), ("body", .string(body))]).serialized + "\n"
    }
    let script = """
      import json, sys
      from standardwebhooks.webhooks import Webhook
      count = 0
      for line in sys.stdin:
          message = json.loads(line)
          for secret in sys.argv[1:]:
              Webhook(secret).verify(message["body"], message["headers"])
              count += 1
      print(count)
      """
    #expect(try Peers.python(script, secrets, input: lines) == "393\n")
  }
}
