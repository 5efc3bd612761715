internal import FluxGraph

/// How captions are written: SubRip, WebVTT (W3C), or plain text.
package enum CaptionFormat: Sendable {
  case subRip, webVTT, text

  /// Where a speaker's name stands.
  var naming: CaptionNaming { self == .webVTT ? .voice : .prefix }

  /// What stands before the first caption.
  var head: String { self == .webVTT ? "WEBVTT\n\n" : "" }

  /// A caption as it stands in the file, the `number`th from 1.
  func text(of caption: Caption, number: Int) -> String {
    switch self {
    case .subRip:
      let lines = caption.lines.map(Self.plain)
      return "\(number)\n\(times(caption))\n\(lines.joined(separator: "\n"))\n\n"
    case .webVTT:
      let voice = caption.voice.map { "<v \(Self.escaped($0))>" } ?? ""
      return "\(times(caption))\n\(voice)\(caption.lines.map(Self.escaped).joined(separator: "\n"))\n\n"
    case .text:
      return caption.text + "\n"
    }
  }

  private func times(_ caption: Caption) -> String { "\(time(caption.start)) --> \(time(caption.end))" }

  private func time(_ milliseconds: Int) -> String {
    let seconds = milliseconds / 1000
    let point = self == .webVTT ? "." : ","
    return pad(seconds / 3600, 2) + ":" + pad(seconds / 60 % 60, 2) + ":" + pad(seconds % 60, 2) + point
      + pad(milliseconds % 1000, 3)
  }

  /// SubRip has no escapes, and players take `<i>`, `a < b > c` and `{\an8}` for markup: what it consists of gets characters
  /// that look alike.
  private static func plain(_ text: String) -> String {
    text.replacing("-->", with: "→").replacing("<", with: "‹").replacing("\\", with: "⧵")
  }

  /// WebVTT cue text (§4.2.2): these three characters begin something else.
  private static func escaped(_ text: String) -> String {
    text.replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing(">", with: "&gt;")
  }
}
