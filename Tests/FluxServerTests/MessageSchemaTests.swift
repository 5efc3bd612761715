import FluxGraph
import Testing

@Suite("Message schema")
struct MessageSchemaTests {
  @Test(
    "a message that is not as documented is found out",
    arguments: [
      #"{"type":"Results"}"#, #"{"type":"Connected","request_id":"id"}"#,
      #"{"type":"Connected","request_id":"id","sequence_id":1}"#,
      #"{"type":"Connected","request_id":"id","sequence_id":0,"more":1}"#,
      #"{"type":"Connected","request_id":"id","sequence_id":0,"sequence_id":0}"#,
      #"{"type":"Error","sequence_id":1.5,"code":"X","description":"y"}"#,
      #"{"type":"TurnInfo","request_id":"id","event":"EndOfTurn","turn_index":0,"audio_window_start":0,"audio_window_end":1,"transcript":"","words":[],"end_of_turn_confidence":0.5,"sequence_id":1}"#,
      #"{"type":"TurnInfo","request_id":"id","event":"Update","turn_index":0,"audio_window_start":0,"audio_window_end":1,"transcript":"a","words":[],"end_of_turn_confidence":0.5,"sequence_id":1}"#,
    ])
  func violations(text: String) throws {
    #expect(MessageSchema.problem(with: try JSONValue.parse(text)) != nil)
  }
}
