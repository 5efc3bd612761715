import FluxGraph
import Foundation
import Testing

@Suite struct SecretRegisterTests {
  private static let key = "dg_4f1c/9+b7 =e2"

  private func register(_ secrets: String...) -> SecretRegister {
    let register = SecretRegister()
    for secret in secrets { register.add(Secret(secret)) }
    return register
  }

  @Test(
    "a secret is found in every form it is taken along in",
    arguments: [
      key, "Token \(key)", "https://h/x?k=dg_4f1c%2F9%2Bb7%20%3De2&y", "k=dg_4f1c%2f9%2bb7+%3de2",
      #"{"message":"dg_4f1c/9+b7 =e2"}"#, #"{"message":"dg_4f1c\/9+b7 =e2"}"#,
      "<b>dg_4f1c&#47;9&#43;b7 &#61;e2</b>", "<b>dg_4f1c&#x2F;9&#x2B;b7 &#x3D;e2</b>",
      "/path/dg_4f1c/9%2Bb7%20%3De2", Array(key.utf8).hexadecimal, Array(key.utf8).hexadecimal.uppercased(),
      Data(key.utf8).base64EncodedString(), Data("user:\(key)".utf8).base64EncodedString(),
      Data("us:\(key)x".utf8).base64EncodedString(), Data("\(key):".utf8).base64EncodedString(),
    ])
  func forms(_ text: String) {
    let masked = register(Self.key).masked("before \(text) behind")
    #expect(masked.hasPrefix("before ") && masked.hasSuffix(" behind") && masked.contains("•••"), "\(masked)")
    for part in ["4f1c", "b7", "e2", "ZGdf", "RnX"] { #expect(!masked.contains(part), "\(masked)") }
  }

  @Test("quotes and line breaks in a secret do not hide it inside a JSON text")
  func json() {
    let masked = register("pass\"w\\ord1").masked(JSONValue.string("it is pass\"w\\ord1!").serialized)
    #expect(masked == "\"it is •••!\"")
  }

  @Test("one that was cut off by a message's limit is found all the same, and what only begins alike is not")
  func cut() {
    let register = register("0123456789abcdef0123456789abcdef")
    #expect(register.masked("key 0123456789abcdef0123 …") == "key ••• …")
    #expect(register.masked("key 0123456789abcd") == "key 0123456789abcd")
  }

  @Test("a short one is found where it stands alone, a very short one never")
  func short() {
    let register = register("test", "abc")
    #expect(register.masked("the latest test: abc, test.") == "the latest •••: abc, •••.")
  }

  @Test("one that holds another is masked whole")
  func nested() {
    #expect(register("hunter2-long", "hunter2-longer-still").masked("=hunter2-longer-still=") == "=•••=")
  }

  @Test(
    "the password and the token of an address are secret, and the rest of it is not",
    arguments: [
      ("https://me:hunter22@example.com/a", "https://•••@example.com/a"),
      ("https://t0ken-0f-m1ne@example.com/a", "https://•••@example.com/a"),
      ("wss://h/v2?model=flux&api_key=s3cr3t-1&x=y", "wss://h/v2?model=flux&api_key=•••&x=y"),
      ("https://b/a.wav?X-Amz-Signature=0aF9%2Bq&z=1", "https://b/a.wav?X-Amz-Signature=•••&z=1"),
      ("https://example.com/a?room=seven", "https://example.com/a?room=seven"),
      ("http:me:hunter22@example.com/a", "http:•••@example.com/a"),
      ("http://me:hunt/er22@example.com/a", "http://•••@example.com/a"),
    ])
  func addresses(text: String, seen: String) {
    let register = SecretRegister()
    register.add(addressesIn: "ffmpeg -i '\(text)'")
    #expect(register.masked(text) == seen)
  }

  @Test("the credentials of a header are secret by themselves, those of Basic also decoded")
  func headers() {
    let register = SecretRegister()
    register.add(header: "Authorization: Bearer t0ken-0f-m1ne")
    register.add(header: "X-Room-Key:  seven-eleven")
    register.add(header: "Authorization: Basic " + Data("me:hunter22".utf8).base64EncodedString())
    #expect(register.masked("Bearer t0ken-0f-m1ne") == "Bearer •••")
    #expect(register.masked("the key seven-eleven is wrong") == "the key ••• is wrong")
    #expect(register.masked("user me, password hunter22") == "user me, password •••")
  }

  @Test(
    "children get no variable that is a secret or holds one, and keep their way to programs and the network")
  func children() {
    let register = register("hunter22-long", "abcd")
    register.withhold(variable: "SHORT")
    register.add(addressesIn: "http://me:pr0xy-pass@proxy:3128", isWithheld: false)
    let left = register.withoutSecrets([
      "DEEPGRAM_API_KEY": "x", "SHORT": "ab", "KEY": "hunter22-long",
      "HEADER": "Authorization: Token hunter22-long", "FOUR": "abcd",
      "OTHER": "abcdef", "PATH": "/opt/hunter22-long/bin", "http_proxy": "http://me:pr0xy-pass@proxy:3128",
      "BASIC": Data("u:hunter22-long".utf8).base64EncodedString(), "HOME": "/home/me",
    ])
    #expect(left.keys.sorted() == ["HOME", "OTHER", "PATH", "http_proxy"])
    #expect(register.masked("no answer of me:pr0xy-pass@proxy") == "no answer of •••@proxy")
  }

  @Test("a notice is masked with its details, and the event it gives back is not")
  func notices() {
    let register = register("hunter22-long")
    let notice = register.masked(
      Notice.undeliverable(
        ["transcript": "hunter22-long"], reason: "hunter22-long is no key", body: "hunter22-long",
        stream: "crm"))
    let details = Dictionary(uniqueKeysWithValues: notice.details.map { ($0.name, $0.value) })
    #expect(notice.message == "••• is no key" && details["reason"]?.stringValue == "••• is no key")
    #expect(details["original"]?["transcript"]?.stringValue == "hunter22-long")
    #expect(details["body"]?.stringValue == "hunter22-long")
  }
}

@Suite struct SecretProblemTests {
  @Test(
    "what people bring along with a secret is told as that",
    arguments: [
      ("", "is empty"), ("abc\n", "ends with a line break"), ("abc\r\n", "ends with a line break"),
      (" abc", "begins with a blank"), ("abc\t", "ends with a tab"),
      ("\u{FEFF}abc", "begins with a byte order mark"),
      ("abc\u{200B}", "ends with an invisible character"), ("\u{A0}abc", "begins with a blank"),
      ("\"abc\"", "stands in quotes"), ("'abc'", "stands in quotes"), ("“abc”", "stands in quotes"),
    ])
  func problems(text: String, message: String) {
    for use in [SecretProblem.Use.keeping, .header, .key] {
      #expect(SecretProblem(text, for: use)?.message == message)
    }
  }

  @Test("what may be inside depends on what it is for, and the place is told")
  func inside() {
    #expect(SecretProblem("ab\ncd", for: .keeping) == nil && SecretProblem("a b", for: .header) == nil)
    #expect(SecretProblem("ab\ncd", for: .header)?.message.hasSuffix("the 3rd of 5") == true)
    #expect(SecretProblem("abcdéf", for: .key)?.message.hasSuffix("the 5th of 6") == true)
    #expect(SecretProblem("abcdéf", for: .header) == nil && SecretProblem("abc", for: .key) == nil)
    #expect(SecretProblem("it's", for: .key) == nil && SecretProblem("\"", for: .key) == nil)
  }

  @Test("the failure names the holder, and nothing of the secret")
  func failure() throws {
    let failure = try #require(SecretProblem("hunter22 ", for: .key)).failure("DEEPGRAM_API_KEY")
    #expect(failure.code == .refused && failure.message == "DEEPGRAM_API_KEY ends with a blank")
    #expect(!failure.description.contains("hunter"))
  }
}
