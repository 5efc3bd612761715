import FluxProtocol
import Testing

@Suite("JSON")
struct JSONTests {
  @Test("numbers keep the text they came as")
  func numbers() throws {
    let text = #"[0,-0,0.0,1.6800001,1E5,12345678901234567890,1e-7,5.0]"#
    #expect(try JSONValue.parse(text).serialized == text)
  }
}
