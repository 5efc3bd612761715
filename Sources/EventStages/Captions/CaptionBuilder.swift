internal import FluxGraph

/// Makes captions out of finished turns, from their words' times. A value without I/O.
///
/// A caption ends where its text would not fit any more, after 7 s, at a pause, at the end of a sentence, and at a comma
/// once a line is full. It stands for a second at least, and long enough to be read, where there is room. Captions of a turn
/// never overlap, and time never runs backwards; a turn's last one may reach into the turn that follows (see ``CaptionFile``).
struct CaptionBuilder: Sendable {
  /// A word with what stands before it in the transcript.
  private struct Token {
    var text: String
    var columns: Int
    var hasBlankBefore: Bool
    var start: Int
    var end: Int
  }

  private let limits = CaptionLimits()
  private let naming: CaptionNaming
  /// Where the last caption of each speaker ended.
  private var lastEnds: [String: Int] = [:]

  init(naming: CaptionNaming = .voice) {
    self.naming = naming
  }

  /// The captions of a turn that has ended; none for any other event.
  mutating func captions(for turn: TurnEvent) -> [Caption] {
    guard turn.kind == .endOfTurn else { return [] }
    // Streams without a name are told apart by their sessions.
    let speaker = (turn.stream ?? "") + "\u{0}" + turn.session
    let name = turn.stream.map(self.name) ?? ""
    let prefix = naming == .prefix && !name.isEmpty ? "\(name):" : ""
    var earliest = lastEnds[speaker] ?? 0
    var captions: [Caption] = []
    let groups = groups(tokens(of: turn, prefix), prefix)
    for (index, group) in groups.enumerated() {
      let start = max(earliest, group[0].start)
      let spokenEnd = min(max(group[group.count - 1].end, start + 1), start + limits.duration)
      let text = lines(group, prefix, columns: .max)[0]
      // Long enough to be read, where the next caption leaves room.
      let reading = CaptionLimits.columns(of: text) * 1000 / limits.readingSpeed
      let wanted = start + min(max(limits.shortest, reading), limits.duration)
      let room = index + 1 < groups.count ? groups[index + 1][0].start : .max
      let end = max(spokenEnd, min(wanted, room))
      captions.append(
        Caption(
          start: start, end: end, spokenEnd: end > spokenEnd ? spokenEnd : nil, speaker: speaker,
          voice: naming == .voice && !name.isEmpty ? name : nil, lines: lines(group, prefix), text: text))
      earliest = spokenEnd
    }
    lastEnds[speaker] = earliest
    return captions
  }

  /// A name on one line, cut where it would take the room of the text.
  private func name(_ stream: String) -> String {
    let whole = stream.split { $0.isWhitespace || Self.isControl($0) }.joined(separator: " ")
    guard naming == .prefix, CaptionLimits.columns(of: whole) > limits.name else { return whole }
    var name = ""
    for character in whole {
      if CaptionLimits.columns(of: name) + CaptionLimits.columns(of: character) >= limits.name { break }
      name.append(character)
    }
    return name + "…"
  }

  private static func isControl(_ character: Character) -> Bool {
    character.unicodeScalars.contains { $0.properties.generalCategory == .control }
  }

  // MARK: - Words

  private func tokens(of turn: TurnEvent, _ prefix: String) -> [Token] {
    // A word that is cut leaves room for the name, and a blank, before it.
    let room = limits.columns - (prefix.isEmpty ? 0 : CaptionLimits.columns(of: prefix) + 1)
    var tokens = texts(of: turn).flatMap { cut($0, to: room) }
    // Words without times share the time between their neighbours, which are the turn's ends at the edges.
    var earliest = captionMilliseconds(turn.start)
    let latest = max(earliest, captionMilliseconds(turn.end))
    var index = 0
    while index < tokens.count {
      if let start = tokens[index].start {
        earliest = max(earliest, start)
        tokens[index].start = earliest
        earliest = max(earliest, tokens[index].end ?? start)
        tokens[index].end = earliest
        index += 1
        continue
      }
      let next = tokens[index...].firstIndex { $0.start != nil } ?? tokens.count
      let room = max(0, (next < tokens.count ? tokens[next].start! : latest) - earliest)
      let begin = earliest
      for step in index..<next {
        tokens[step].start = begin + room * (step - index) / (next - index)
        earliest = begin + room * (step - index + 1) / (next - index)
        tokens[step].end = earliest
      }
      index = next
    }
    return tokens.map {
      Token(
        text: $0.text, columns: CaptionLimits.columns(of: $0.text), hasBlankBefore: $0.blank,
        start: $0.start ?? earliest, end: $0.end ?? earliest)
    }
  }

  private typealias TimedText = (text: String, blank: Bool, start: Int?, end: Int?)

  /// The transcript's words, each with the punctuation that follows it.
  private func texts(of turn: TurnEvent) -> [TimedText] {
    var texts: [TimedText] = []
    var isAfterBlank = false
    for piece in turn.transcriptPieces {
      let times = piece.word.map { turn.words[$0] }
      let start = times?.start.map(captionMilliseconds)
      let end = times?.end.map(captionMilliseconds)
      let isWord = piece.word != nil
      var text = ""
      func close() {
        if text.isEmpty { return }
        // What is stuck to a word, such as a comma, belongs to it.
        if !isWord, !isAfterBlank, let last = texts.indices.last {
          texts[last].text += text
        } else {
          texts.append((text, isAfterBlank, start, end))
        }
        text = ""
        isAfterBlank = false
      }
      for character in piece.text {
        if character.isWhitespace || character.isNewline {
          close()
          isAfterBlank = true
        } else if !Self.isControl(character) {
          text.append(character)
        }
      }
      close()
    }
    return texts
  }

  /// Pieces of a text that is longer than a line, each with its share of the time.
  private func cut(_ whole: TimedText, to room: Int) -> [TimedText] {
    guard CaptionLimits.columns(of: whole.text) > limits.columns else { return [whole] }
    var pieces: [String] = [""]
    var width = 0
    for character in whole.text {
      let columns = CaptionLimits.columns(of: character)
      if width + columns > room {
        pieces.append("")
        width = 0
      }
      pieces[pieces.count - 1].append(character)
      width += columns
    }
    return pieces.enumerated().map { index, text in
      let blank = index == 0 && whole.blank
      guard let start = whole.start, let end = whole.end, end >= start else { return (text, blank, nil, nil) }
      let length = end - start
      return (
        text, blank, start + length * index / pieces.count, start + length * (index + 1) / pieces.count
      )
    }
  }

  // MARK: - Groups

  private func groups(_ tokens: [Token], _ prefix: String) -> [[Token]] {
    var groups: [[Token]] = []
    for token in tokens {
      if let last = groups.last, !ends(last, before: token, prefix) {
        groups[groups.count - 1].append(token)
      } else {
        groups.append([token])
      }
    }
    return groups
  }

  private func ends(_ group: [Token], before token: Token, _ prefix: String) -> Bool {
    let last = group[group.count - 1]
    if token.start - last.end >= limits.pause { return true }
    if token.end - group[0].start > limits.duration { return true }
    if lines(group + [token], prefix).count > limits.lines { return true }
    // What closes a quotation stands behind the mark.
    guard let mark = last.text.last(where: { !"\"'”’»)]」』".contains($0) }),
      token.hasBlankBefore || displayWidth(mark) == 2
    else { return false }
    if ".?!…。？！".contains(mark) { return true }
    return ",;:、，；：".contains(mark)
      && CaptionLimits.columns(of: lines(group, prefix, columns: .max)[0]) >= limits.columns
  }

  private func lines(_ group: [Token], _ prefix: String, columns limit: Int? = nil) -> [String] {
    let limit = limit ?? limits.columns
    var lines = prefix.isEmpty ? [] : [prefix]
    var width = CaptionLimits.columns(of: prefix)
    for (index, token) in group.enumerated() {
      let glue = token.hasBlankBefore || index == 0 ? " " : ""
      let added = glue.utf8.count + token.columns
      if !lines.isEmpty, width + added <= limit {
        lines[lines.count - 1] += glue + token.text
        width += added
      } else {
        lines.append(token.text)
        width = token.columns
      }
    }
    return lines
  }
}
