internal import FluxGraph

/// Turns on a terminal, as they are spoken: a line for each open turn, drawn again with every event, and kept when the
/// turn ends. A value: it says what the lines are and draws nothing.
struct LiveLines {
  /// Whose turn a line shows: of one session one turn is open at a time.
  private struct Speaker: Hashable {
    var stream: String?
    var session: String
  }

  let isColored: Bool
  private var open: [(speaker: Speaker, turn: TurnEvent)] = []

  init(isColored: Bool) {
    self.isColored = isColored
  }

  /// Takes an event in.
  /// - Returns: the lines that stay because of it.
  mutating func take(_ event: Event) -> String {
    switch event {
    case .notice(let notice): return "notice: \(notice.message)".onOneLine + "\n"
    case .turn(let turn):
      let speaker = Speaker(stream: turn.stream, session: turn.session)
      let index = open.firstIndex { $0.speaker == speaker }
      guard turn.kind == .endOfTurn else {
        // A kind of event this program does not know may carry no text, and must not take away what is there. Updates tell of
        // the silence between turns, too.
        let isKnown = TurnEvent.Kind.known.contains(turn.kind)
        let isSilence = turn.kind == .update && turn.transcript.isEmpty
        if let index {
          if isKnown { open[index].turn = turn }
        } else if isKnown && !isSilence {
          open.append((speaker, turn))
        }
        return ""
      }
      if let index { open.remove(at: index) }
      return turn.transcript.isEmpty ? "" : line(turn, width: nil) + "\n"
    }
  }

  /// Nothing more comes: turns that are still open stay as they are.
  mutating func takeEnd() -> String {
    defer { open = [] }
    return open.map { line($0.turn, width: nil) + "\n" }.joined()
  }

  /// The lines of the open turns.
  func lines(on screen: TerminalScreen) -> [String] {
    // One column is left free: a terminal may begin a new line after the last one.
    open.map { line($0.turn, width: max(2, screen.columns - 1)) }
  }

  // MARK: - One line

  private struct Cell {
    var text: String
    var width: Int
    var color: String?
  }

  /// A turn's line. One that has to fit shows the end of its text: that is where something happens.
  private func line(_ turn: TurnEvent, width limit: Int?) -> String {
    var heading = "[\(positionText(turn.start))] "
    if let stream = turn.stream { heading += stream.onOneLine + ": " }
    var cells = cells(of: turn)
    if turn.isFinal == false { cells += Self.cells(" (\(turn.trigger ?? "not final"))", color: nil) }
    if let limit {
      if displayColumns(heading) > limit - 4 { heading = "" }
      cells = Self.end(of: cells, width: limit - displayColumns(heading))
    }
    let isDimmed = isColored && turn.kind == .eagerEndOfTurn
    var text = isDimmed ? "\u{1B}[2m" + heading : heading
    var color: String?
    for cell in cells {
      if cell.color != color {
        text += cell.color ?? "\u{1B}[39m"
        color = cell.color
      }
      text += cell.text
    }
    return color != nil || isDimmed ? text + "\u{1B}[0m" : text
  }

  private func cells(of turn: TurnEvent) -> [Cell] {
    turn.transcriptPieces.flatMap { piece in
      let color = piece.word.flatMap { isColored ? Self.color(turn.words[$0].confidence) : nil }
      return Self.cells(String(piece.text), color: color)
    }
  }

  private static func cells(_ text: String, color: String?) -> [Cell] {
    text.onOneLine.map { Cell(text: String($0), width: width($0), color: color) }
  }

  /// The most columns a terminal may give a character: not every one joins emoji into one, or puts vowel signs over letters. A
  /// line that is taken for too wide is a little short; one taken for too narrow would break, and spoil all that is drawn next.
  private static func width(_ character: Character) -> Int {
    let scalars = character.unicodeScalars
    if scalars.count == 1 { return displayWidth(character) }
    let apart = scalars.reduce(0) { sum, scalar in
      // Halves of a flag, and the mark that asks for a picture instead of a letter.
      let isHalf = (0x1F1E6...0x1F1FF).contains(scalar.value) || scalar.value == 0xFE0F
      return sum + (isHalf ? 1 : displayWidth(Character(scalar)))
    }
    return max(displayWidth(character), apart)
  }

  private static func end(of cells: [Cell], width limit: Int) -> [Cell] {
    guard cells.reduce(0, { $0 + $1.width }) > limit else { return cells }
    var width = 1
    var start = cells.count
    while start > 0, width + cells[start - 1].width <= limit {
      start -= 1
      width += cells[start].width
    }
    return [Cell(text: "…", width: 1, color: nil)] + cells[start...]
  }

  /// The colours of Deepgram's guide to Flux: green from 0.90, yellow from 0.80, orange from 0.70, red below.
  private static func color(_ confidence: Double) -> String {
    switch confidence {
    case 0.9...: "\u{1B}[32m"
    case 0.8..<0.9: "\u{1B}[33m"
    case 0.7..<0.8: "\u{1B}[38;5;208m"
    default: "\u{1B}[31m"
    }
  }
}
