/// Messages as the service sends them: from a live capture (deepgram-dotnet-sdk, MIT licence) and from the
/// service's documentation.
enum FluxVectors {
  /// Messages of a live session: English, eager end of turn on, one `Configure`.
  static let live = [
    #"""
    {"type":"Connected","request_id":"019f4c80-a061-72f2-9780-89f9950b1adb","sequence_id":0}
    """#,
    #"""
    {"type":"TurnInfo","request_id":"019f4c80-a061-72f2-9780-89f9950b1adb","event":"Update","turn_index":0,"audio_window_start":0.0,"audio_window_end":0.24,"transcript":"","words":[],"end_of_turn_confidence":0.4548,"sequence_id":1}
    """#,
    #"""
    {"type":"TurnInfo","request_id":"019f4c80-a061-72f2-9780-89f9950b1adb","event":"Update","turn_index":0,"audio_window_start":0.0,"audio_window_end":0.72,"transcript":"We","words":[{"word":"We","confidence":0.6611,"start":0.4000000286102295,"end":0.7200000286102295}],"end_of_turn_confidence":0.0717,"sequence_id":3}
    """#,
    #"""
    {"type":"TurnInfo","request_id":"019f4c80-a061-72f2-9780-89f9950b1adb","event":"StartOfTurn","turn_index":0,"audio_window_start":0.0,"audio_window_end":0.96,"transcript":"We, the","words":[{"word":"We,","confidence":0.9536,"start":0.31999997854232787,"end":0.7199999785423279},{"word":"the","confidence":1.0,"start":0.7199999785423279,"end":0.9599999785423279}],"end_of_turn_confidence":0.0151,"sequence_id":4}
    """#,
    #"""
    {"type":"TurnInfo","request_id":"019f4c80-a061-72f2-9780-89f9950b1adb","event":"Update","turn_index":0,"audio_window_start":0.0,"audio_window_end":1.2,"transcript":"We, the people,","words":[{"word":"We,","confidence":0.9819,"start":0.3200000476837158,"end":0.7200000476837158},{"word":"the","confidence":1.0,"start":0.7200000476837158,"end":0.8800000476837158},{"word":"people,","confidence":0.9985,"start":0.8800000476837158,"end":0.9600000476837158}],"end_of_turn_confidence":0.0196,"sequence_id":5}
    """#,
    #"""
    {"type":"ConfigureSuccess","request_id":"019f4c80-a061-72f2-9780-89f9950b1adb","thresholds":{"eot_threshold":0.8,"eager_eot_threshold":0.5,"eot_timeout_ms":5000},"keyterms":["Deepgram"],"profanity_filter":false,"sequence_id":9}
    """#,
    #"""
    {"type":"TurnInfo","request_id":"019f4c80-a061-72f2-9780-89f9950b1adb","event":"Update","turn_index":0,"audio_window_start":0.0,"audio_window_end":2.48,"transcript":"We the people of the United States.","words":[{"word":"We","confidence":0.9282,"start":0.3200000762939452,"end":0.7200000762939454},{"word":"the","confidence":0.5391,"start":0.7200000953674317,"end":0.8000000953674316},{"word":"people","confidence":0.9844,"start":0.7200000953674317,"end":0.8800000953674316},{"word":"of","confidence":1.0,"start":0.8800000190734862,"end":1.2800000190734864},{"word":"the","confidence":1.0,"start":1.2800000190734864,"end":1.6000000190734864},{"word":"United","confidence":1.0,"start":1.6000000190734864,"end":1.8400000190734862},{"word":"States.","confidence":1.0,"start":1.8400000190734862,"end":2.0800000190734864}],"end_of_turn_confidence":0.7773,"sequence_id":12}
    """#,
    #"""
    {"type":"TurnInfo","request_id":"019f4c80-a061-72f2-9780-89f9950b1adb","event":"Update","turn_index":1,"audio_window_start":20.0,"audio_window_end":20.24,"transcript":"","words":[],"end_of_turn_confidence":0.6152,"sequence_id":88}
    """#,
    #"""
    {"type":"TurnInfo","request_id":"019f4c80-a061-72f2-9780-89f9950b1adb","event":"Update","turn_index":1,"audio_window_start":20.0,"audio_window_end":21.92,"transcript":"","words":[],"end_of_turn_confidence":0.1365,"sequence_id":104}
    """#,
  ]

  /// A minimal turn with integers and without word times.
  static let minimalTurn = [
    #"""
    {"type":"TurnInfo","request_id":"ad12514a-0d38-4f7e-8fba-cce10d8f174c","sequence_id":1,"event":"StartOfTurn","turn_index":0,"audio_window_start":0,"audio_window_end":0.1,"transcript":"Hello","words":[{"word":"Hello","confidence":0.8}],"end_of_turn_confidence":0.12}
    """#,
    #"""
    {"type":"TurnInfo","request_id":"ad12514a-0d38-4f7e-8fba-cce10d8f174c","sequence_id":8,"event":"Update","turn_index":0,"audio_window_start":0,"audio_window_end":0.6,"transcript":"Hello, how are","words":[{"word":"Hello,","confidence":0.96},{"word":"how","confidence":0.94},{"word":"are","confidence":0.97}],"end_of_turn_confidence":0.05}
    """#,
    #"""
    {"type":"TurnInfo","request_id":"ad12514a-0d38-4f7e-8fba-cce10d8f174c","sequence_id":11,"event":"EndOfTurn","turn_index":0,"audio_window_start":0,"audio_window_end":1.3,"transcript":"Hello, how are you?","words":[{"word":"Hello,","confidence":0.96},{"word":"how","confidence":0.94},{"word":"are","confidence":0.97},{"word":"you?","confidence":0.92}],"end_of_turn_confidence":0.86}
    """#,
  ]

  /// An end of turn by `ForceEndTurn`.
  static let manualEnd = [
    #"""
    {"type":"TurnInfo","request_id":"ad12514a-0d38-4f7e-8fba-cce10d8f174c","sequence_id":42,"event":"EndOfTurn","turn_index":3,"audio_window_start":4.2,"audio_window_end":6.8,"transcript":"I need to cancel my subscription","words":[{"word":"I","confidence":0.95},{"word":"need","confidence":0.93},{"word":"to","confidence":0.97},{"word":"cancel","confidence":0.91},{"word":"my","confidence":0.96},{"word":"subscription","confidence":0.89}],"end_of_turn_confidence":0.35,"trigger":"manual"}
    """#
  ]

  /// A turn of the multilingual model.
  static let multilingual = [
    #"""
    {"type":"TurnInfo","request_id":"ad12514a-0d38-4f7e-8fba-cce10d8f174c","sequence_id":11,"event":"EndOfTurn","turn_index":0,"audio_window_start":0,"audio_window_end":1.3,"transcript":"Hello, how are you?","languages_hinted":["en","es","de"],"languages":["en"],"words":[{"word":"Hello,","confidence":0.96},{"word":"how","confidence":0.94},{"word":"are","confidence":0.97},{"word":"you?","confidence":0.92}],"end_of_turn_confidence":0.86,"trigger":"model"}
    """#
  ]

  /// What silence yields.
  static let silence = [
    #"""
    {"type":"TurnInfo","request_id":"01a09f13-7ad6-71f0-a672-c9fd3861d18a","event":"Update","turn_index":0,"audio_window_start":0.0,"audio_window_end":0.24,"transcript":"","words":[],"end_of_turn_confidence":0.0044,"sequence_id":1}
    """#
  ]

  /// Answers to `Configure`, two of them without fields that the schema requires.
  static let configure = [
    #"""
    {"type":"ConfigureSuccess","thresholds":{"eager_eot_threshold":0.4,"eot_threshold":0.7,"eot_timeout_ms":6000},"keyterms":["apple","banana","orange"],"language_hints":["en","es"]}
    """#,
    #"""
    {"type":"ConfigureFailure","sequence_id":42,"code":"INVALID_THRESHOLD","description":"eager_eot_threshold must be less than or equal to eot_threshold"}
    """#,
    #"""
    {"type":"ConfigureFailure","request_id":"ad12514a-0d38-4f7e-8fba-cce10d8f174c","sequence_id":7}
    """#,
  ]

  /// A warning and two fatal errors.
  static let warningsAndErrors = [
    #"""
    {"type":"Warning","request_id":"ad12514a-0d38-4f7e-8fba-cce10d8f174c","sequence_id":43,"code":"FORCE_END_TURN_NO_ACTIVE_TURN","description":"ForceEndTurn received with no active turn."}
    """#,
    #"""
    {"type":"Error","sequence_id":3,"code":"UNPARSABLE_CLIENT_MESSAGE","description":"Could not deserialize last text message"}
    """#,
    #"""
    {"type":"Error","sequence_id":9,"code":"INTERNAL_SERVER_ERROR","description":"An internal error occurred"}
    """#,
  ]

  /// Messages of a future service.
  static let forwardCompatibility = [
    #"""
    {"type":"SomeFutureFeature","version":2,"payload":{"nested":true}}
    """#,
    #"""
    {"type":"DebugInfo","latency_ms":42}
    """#,
    #"""
    {"type":"Heartbeat","ts":1234567890}
    """#,
    #"""
    {"type":"Analytics","word_count":5}
    """#,
    #"""
    {"event":"something","data":123}
    """#,
    #"""
    {"type":"TurnInfo","request_id":"ad12514a-0d38-4f7e-8fba-cce10d8f174c","sequence_id":2,"event":"BrandNewEvent","turn_index":0,"audio_window_start":0.0,"audio_window_end":1.0,"transcript":"hello","words":[],"end_of_turn_confidence":0.5}
    """#,
    #"""
    {"type":"TurnInfo","request_id":"ad12514a-0d38-4f7e-8fba-cce10d8f174c","sequence_id":1,"event":"StartOfTurn","turn_index":0,"audio_window_start":0.0,"audio_window_end":1.0,"transcript":"","words":[],"end_of_turn_confidence":0.0}
    """#,
  ]

  static let all =
    live + minimalTurn + manualEnd + multilingual + silence + configure + warningsAndErrors
    + forwardCompatibility
}
