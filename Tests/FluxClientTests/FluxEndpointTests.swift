import FluxGraph
import Testing

@testable import FluxClient

@Suite("Endpoints of Flux")
struct FluxEndpointTests {
  @Test(
    "an endpoint's URL keeps what was written and gets Flux's path where it has none",
    arguments: [
      ("deepgram", "wss://api.deepgram.com/v2/listen?q=1"),
      ("deepgram-eu", "wss://api.eu.deepgram.com/v2/listen?q=1"),
      ("deepgram-au", "wss://api.au.deepgram.com/v2/listen?q=1"),
      ("deepgram-in", "wss://api.in.deepgram.com/v2/listen?q=1"),
      ("ws://localhost:8080", "ws://localhost:8080/v2/listen?q=1"),
      ("ws://localhost:8080/", "ws://localhost:8080/v2/listen?q=1"),
      ("wss://flux.example.com/v2/listen", "wss://flux.example.com/v2/listen?q=1"),
      ("wss://flux.example.com/own/path", "wss://flux.example.com/own/path?q=1"),
      ("wss://flux.example.com?x=2", "wss://flux.example.com/v2/listen?x=2&q=1"),
      ("wss://flux.example.com/p?x=2&y=3#z", "wss://flux.example.com/p?x=2&y=3&q=1"),
      ("ws://[::1]:9", "ws://[::1]:9/v2/listen?q=1"), ("ws://[::1]", "ws://[::1]/v2/listen?q=1"),
      ("WSS://Flux.example.com:65535", "wss://Flux.example.com:65535/v2/listen?q=1"),
    ])
  func urls(_ text: String, _ url: String) throws {
    let address = try #require(try FluxEndpoint.parse(.word(text)).address)
    #expect(FluxEndpoint.extended(address, query: "q=1") == url)
  }

  @Test("the local endpoint has no address before its server runs")
  func local() throws {
    #expect(try FluxEndpoint.parse(.word("local")).address == nil)
  }

  @Test("an endpoint is called by its host, without what may be secret")
  func titles() throws {
    #expect(try FluxEndpoint.parse(.word("wss://h.example:8/p?key=1")).title == "h.example:8")
    #expect(try FluxEndpoint.parse(.word("deepgram-eu")).title == "api.eu.deepgram.com")
    #expect(FluxEndpoint.local.title == "the local Flux")
  }

  @Test("what is no endpoint is refused with what could stand there")
  func refused() {
    #expect(
      throws: OptionError(.wrongType, "wants a WebSocket URL", replacement: "wss://h.example/v2/listen")
    ) { try FluxEndpoint.parse(.word("https://h.example/v2/listen")) }
    #expect(throws: OptionError(.wrongType, "wants a WebSocket URL", replacement: "ws://h.example")) {
      try FluxEndpoint.parse(.word("http://h.example"))
    }
    let error = #expect(throws: OptionError.self) { try FluxEndpoint.parse(.word("deepgram-us")) }
    #expect(error?.code == .unknownValue)
    #expect(error?.candidates == ["deepgram", "deepgram-eu", "deepgram-au", "deepgram-in", "local"])
    #expect(throws: OptionError.self) { try FluxEndpoint.parse(.word("ws://")) }
    let password = #expect(throws: OptionError.self) {
      try FluxEndpoint.parse(.word("wss://me:hidden@h.example"))
    }
    #expect(
      password?.message.contains("no password") == true && password?.message.contains("hidden") == false)
    for address in [
      "ws://h:0", "ws://h:65536", "ws://h:", "ws://h:8x", "ws://[::1", "ws://[::1]8", "ws://[::1]:x",
    ] {
      #expect(throws: OptionError.self, "\(address)") { try FluxEndpoint.parse(.word(address)) }
    }
    #expect(throws: OptionError.self) { try FluxEndpoint.parse(.list([])) }
  }
}
