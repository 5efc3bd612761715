/// The size of a terminal, in character cells.
package struct TerminalScreen: Hashable, Sendable {
  package var columns: Int
  package var rows: Int

  package init(columns: Int, rows: Int) {
    self.columns = columns
    self.rows = rows
  }
}

/// The lower end of a terminal as a value: lines that are drawn again and again, a status line below them, and above them what
/// stays. It says what to write and writes nothing.
///
/// Between two frames the cursor rests at the beginning of the first line that will change. So what others print there, after
/// clearing the rest of the screen, stays, and the drawing comes below it.
package struct TerminalDrawing: Sendable {
  /// Lines that will change, each no wider than the terminal.
  package var lines: [String] = []
  /// Below them; nil for none.
  package var status: String?
  /// Whether something is drawn at the moment.
  package private(set) var isDrawn = false

  package init() {}

  /// What to write to have `text`, which is whole lines, stay, and everything drawn anew below it.
  package mutating func frame(keeping text: String = "", on screen: TerminalScreen) -> String {
    // The status is worth a row of its own as long as the lines keep one too.
    let hasRoom = screen.rows > 2 || lines.isEmpty
    let below = status.flatMap { hasRoom ? $0 : nil }.map { [$0] } ?? []
    let shown = lines.suffix(max(1, screen.rows - 1 - below.count)) + below
    isDrawn = !shown.isEmpty
    let up = shown.count > 1 ? "\u{1B}[\(shown.count - 1)A" : ""
    return "\r\u{1B}[J" + text + shown.joined(separator: "\n") + up + "\r"
  }
}
