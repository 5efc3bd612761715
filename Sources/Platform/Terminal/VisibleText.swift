// Text of others on a terminal: files, services, graphs, devices and arguments say it, and it may hold anything.

extension Unicode.Scalar {
  /// Whether a terminal may do something else with the character than show it: control characters (C0, DEL, C1) and line and
  /// paragraph separators, which move the cursor or begin a sequence of the terminal's own, and characters that show nothing
  /// themselves but turn around, hide or tell apart what is beside them: bidirectional controls, byte order marks, tags, fillers.
  ///
  /// Joiners and variation selectors show nothing either, and stay: Persian, Indic scripts and emoji are written with them.
  /// Text that runs from right to left needs none of these; the letters themselves say so.
  package var isUnfitForTerminals: Bool {
    switch value {
    case ..<0x20, 0x7F...0x9F: true
    case ..<0xAD: false
    case 0xAD, 0x61C, 0x115F...0x1160, 0x17B4...0x17B5, 0x180E: true
    case 0x200B, 0x200E...0x200F, 0x2028...0x202E, 0x2060...0x206F: true
    case 0x3164, 0xFEFF, 0xFFA0, 0xFFF0...0xFFFB: true
    case 0x1BCA0...0x1BCA3, 0x1D173...0x1D17A: true
    case 0xE0100...0xE01EF: false
    case 0xE0000...0xE0FFF: true
    default: false
    }
  }

  /// Whether it separates words or lines.
  fileprivate var isBlankControl: Bool { (9...13).contains(value) || [0x85, 0x2028, 0x2029].contains(value) }
}

extension String {
  /// The text with what is unfit for terminals written out, as Swift and Rust do: `\n`, `\t`, `\u{1B}`, `\u{202E}`. Names and
  /// messages are shown this way, so that a person sees what there is. It has no line breaks.
  package var writtenOut: String {
    replacingUnfit { scalar in
      switch scalar {
      case "\n": "\\n"
      case "\r": "\\r"
      case "\t": "\\t"
      default: "\\u{\(String(scalar.value, radix: 16, uppercase: true))}"
      }
    }
  }

  /// The text on one line, as speech is shown: a blank for each control character, and nothing for what shows nothing.
  package var spokenOnOneLine: String {
    replacingUnfit { $0.properties.generalCategory == .control || $0.isBlankControl ? " " : "" }
  }

  /// Lines of text with everything written out but their breaks and tabs.
  package var writtenOutLines: String {
    replacingUnfit { $0 == "\n" || $0 == "\t" ? String($0) : String($0).writtenOut }
  }

  private func replacingUnfit(_ replacement: (Unicode.Scalar) -> String) -> String {
    guard unicodeScalars.contains(where: \.isUnfitForTerminals) else { return self }
    var text = String.UnicodeScalarView()
    for scalar in unicodeScalars {
      if scalar.isUnfitForTerminals {
        text.append(contentsOf: replacement(scalar).unicodeScalars)
      } else {
        text.append(scalar)
      }
    }
    return String(text)
  }
}
