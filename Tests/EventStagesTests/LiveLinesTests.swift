import FluxGraph
import Testing

@testable import EventStages

extension LiveLines {
  /// What a terminal gets for an event when nothing else is drawn on it.
  fileprivate mutating func frame(for event: Event, on screen: TerminalScreen) -> String {
    let text = take(event)
    return frame(keeping: text, on: screen)
  }

  fileprivate func frame(keeping text: String, on screen: TerminalScreen) -> String {
    var drawing = TerminalDrawing()
    drawing.lines = lines(on: screen)
    return drawing.frame(keeping: text, on: screen)
  }
}

@Suite struct LiveLinesTests {
  private let screen = TerminalScreen(columns: 40, rows: 10)

  @Test("a turn is drawn again on its line, and kept when it ends")
  func redraw() {
    var lines = LiveLines(isColored: false)
    let first = lines.frame(for: turn(kind: .update, spoken("Hello", from: 1)), on: screen)
    #expect(first == "\r\u{1B}[J[0:01.0] me: Hello\r")
    let last = lines.frame(for: turn(spoken("Hello there.", from: 1)), on: screen)
    #expect(last == "\r\u{1B}[J[0:01.0] me: Hello there.\n\r")
  }

  @Test("silence between turns has no line; a turn that has begun has one before its first word")
  func silence() {
    var lines = LiveLines(isColored: false)
    #expect(lines.frame(for: turn(kind: .update, []), on: screen) == "\r\u{1B}[J\r")
    #expect(lines.frame(for: turn(kind: .startOfTurn, []), on: screen) == "\r\u{1B}[J[0:00.0] me: \r")
    #expect(lines.frame(for: turn(kind: .update, []), on: screen) == "\r\u{1B}[J[0:00.0] me: \r")
  }

  @Test("two open turns have a line each, and the cursor goes back to the first")
  func twoSpeakers() {
    var lines = LiveLines(isColored: false)
    _ = lines.frame(for: turn(kind: .update, stream: "a", session: "1", spoken("One")), on: screen)
    let frame = lines.frame(for: turn(kind: .update, stream: "b", session: "2", spoken("Two")), on: screen)
    #expect(frame == "\r\u{1B}[J[0:00.0] a: One\n[0:00.0] b: Two\u{1B}[1A\r")
    let ended = lines.frame(for: turn(stream: "a", session: "1", spoken("One.")), on: screen)
    #expect(ended == "\r\u{1B}[J[0:00.0] a: One.\n[0:00.0] b: Two\r")
    let last = lines.takeEnd()
    #expect(lines.frame(keeping: last, on: screen) == "\r\u{1B}[J[0:00.0] b: Two\n\r")
  }

  @Test(
    "words are coloured by confidence in four bands",
    arguments: zip([0.9, 0.8, 0.7, 0.69], ["32", "33", "38;5;208", "31"]))
  func colors(confidence: Double, code: String) {
    var lines = LiveLines(isColored: true)
    let frame = lines.frame(for: turn(stream: nil, spoken("Yes"), confidence: confidence), on: screen)
    #expect(frame == "\r\u{1B}[J[0:00.0] \u{1B}[\(code)mYes\u{1B}[0m\n\r")
  }

  @Test("a turn that is probably over is dimmed")
  func dimmed() {
    var lines = LiveLines(isColored: true)
    let frame = lines.frame(for: turn(kind: .eagerEndOfTurn, stream: nil, spoken("Yes")), on: screen)
    #expect(frame == "\r\u{1B}[J\u{1B}[2m[0:00.0] \u{1B}[32mYes\u{1B}[0m\r")
  }

  @Test("an open line never fills the terminal's last column, and shows the end of its text")
  func width() {
    let family = "👩‍👩‍👧‍👦", hindi = "कि"
    for text in [
      String(repeating: "\(family) ❤️ 🇩🇪 ", count: 9) + family, String(repeating: hindi, count: 40),
      "one two three four five six seven eight nine ten", "日本語の長い文章はここで切られますよねそうですよね",
    ] {
      for columns in 3...60 {
        var lines = LiveLines(isColored: false)
        let small = TerminalScreen(columns: columns, rows: 5)
        let frame = lines.frame(for: turn(kind: .update, spoken(text)), on: small)
        let line = frame.dropFirst("\r\u{1B}[J".count).dropLast()
        #expect(line.reduce(0) { $0 + displayWidth($1) } < columns)
        if columns > 24 { #expect(line.last == text.last) }
        // A terminal that shows the parts of a family side by side, as some do.
        let parts = line.unicodeScalars.filter { $0.properties.isEmojiPresentation && $0.value > 0x1F3FF }
          .count
        #expect(2 * parts < columns)
      }
    }
  }

  @Test("no more lines are drawn than the terminal has rows")
  func rows() {
    var lines = LiveLines(isColored: false)
    let small = TerminalScreen(columns: 40, rows: 3)
    var frame = ""
    for number in 0..<5 {
      frame = lines.frame(
        for: turn(kind: .update, stream: "s\(number)", session: "\(number)", spoken("x")), on: small)
    }
    #expect(frame == "\r\u{1B}[J[0:00.0] s3: x\n[0:00.0] s4: x\u{1B}[1A\r")
  }

  @Test("control characters from outside do not reach the terminal")
  func controls() {
    var lines = LiveLines(isColored: false)
    let frame = lines.frame(for: turn(stream: "a\nb", spoken("x\u{1B}[2Jy\u{9B}z")), on: screen)
    #expect(frame == "\r\u{1B}[J[0:00.0] a b: x [2Jy z\n\r")
  }

  @Test("a status stands below the open turns, and gives way where there is no room")
  func status() {
    var drawing = TerminalDrawing()
    drawing.status = "0:05.0"
    #expect(drawing.frame(keeping: "a\n", on: screen) == "\r\u{1B}[Ja\n0:05.0\r" && drawing.isDrawn)
    drawing.lines = ["one", "two"]
    #expect(drawing.frame(on: screen) == "\r\u{1B}[Jone\ntwo\n0:05.0\u{1B}[2A\r")
    let rows = (1...4).map { drawing.frame(on: TerminalScreen(columns: 40, rows: $0)) }
    #expect(rows[0] == "\r\u{1B}[Jtwo\r" && rows[1] == rows[0])
    #expect(rows[2] == "\r\u{1B}[Jtwo\n0:05.0\u{1B}[1A\r")
    #expect(rows[3] == "\r\u{1B}[Jone\ntwo\n0:05.0\u{1B}[2A\r")
    (drawing.lines, drawing.status) = ([], nil)
    #expect(drawing.frame(on: screen) == "\r\u{1B}[J\r" && !drawing.isDrawn)
  }
}
