import FluxGraph
import FluxProtocol
import Testing

@Suite("Refused upgrades")
struct RefusedUpgradeTests {
  static func refusal(_ status: Int, _ body: String, _ headers: [String: String] = [:]) -> RefusedUpgrade {
    RefusedUpgrade(status: status, header: { headers[$0] }, body: Array(body.utf8))
  }

  @Test(
    "code and message are found in every shape of body",
    arguments: [
      (#"{"err_code":"INVALID_AUTH","err_msg":"Invalid credentials.","request_id":"r"}"#, "INVALID_AUTH"),
      (#"{"error_code":"INVALID_AUTH","err_msg":"Invalid credentials."}"#, "INVALID_AUTH"),
      (#"{"code":"INVALID_AUTH","description":"Invalid credentials."}"#, "INVALID_AUTH"),
      (#"{"category":"INVALID_AUTH","message":"Invalid credentials."}"#, "INVALID_AUTH"),
      ("Invalid credentials.", nil),
    ])
  func shapes(_ body: String, _ code: String?) {
    let refusal = Self.refusal(401, body)
    #expect(refusal.code == code)
    #expect(refusal.message == "Invalid credentials.")
    #expect(refusal.retry == .never)
  }

  @Test("details are added, the request id comes from the header or the body")
  func details() {
    let body = #"{"category":"C","message":"m","details":"d","request_id":"from-body"}"#
    #expect(Self.refusal(400, body).message == "m (d)")
    #expect(Self.refusal(400, body).requestID == "from-body")
    #expect(Self.refusal(400, body, ["dg-request-id": "from-header"]).requestID == "from-header")
    #expect(
      Self.refusal(400, body).description
        == "the service refused the connection with status 400 C: m (d) (request from-body)")
  }

  @Test("without a readable body dg-error speaks")
  func errorHeader() {
    let refusal = Self.refusal(503, "<html>busy</html>", ["dg-error": "overloaded", "Retry-After": "7"])
    #expect(refusal.message == "overloaded")
    #expect(refusal.retryAfter == .seconds(7))
    #expect(Self.refusal(503, "<html>\n  busy</html>").message == "<html> busy</html>")
    #expect(Self.refusal(503, "", ["Retry-After": "-1"]).retryAfter == nil)
  }

  @Test("only what can succeed is retried")
  func retry() {
    for status in [300, 400, 401, 402, 403, 404] { #expect(Self.refusal(status, "").retry == .never) }
    for status in [408, 499, 500, 502, 503, 504] { #expect(Self.refusal(status, "").retry == .backOff) }
    #expect(Self.refusal(429, "").retry == .backOffLonger)
  }

  @Test("nothing a terminal would act on gets through, and nothing endless")
  func hostile() {
    let refusal = Self.refusal(400, "\u{1B}[31mred\u{0}\u{9B}x" + String(repeating: "y", count: 10_000))
    #expect(refusal.message.hasPrefix("[31mred x"))
    #expect(refusal.message.count == 500)
    #expect(RefusedUpgrade(status: 400, header: { _ in nil }, body: [0xFF, 0x41]).message == "\u{FFFD}A")
  }

  @Test("the wait for an open turn grows with the timeout")
  func guards() {
    #expect(FluxGuards.openTurnSilence(endOfTurnTimeout: 500) == .seconds(3))
    #expect(FluxGuards.openTurnSilence(endOfTurnTimeout: 5000) == .seconds(20))
    #expect(FluxGuards.openTurnSilence(endOfTurnTimeout: .max) > .seconds(20))
  }
}
