/// Walks over a graph's bytes: blanks, comments, layout, and where each token ends.
///
/// What a token is depends on where it stands (a comma ends a word in a list but not in a path), so the parser asks for the
/// kind it can use; nothing is read twice.
struct Lexer {
  /// How far a tab moves, for comparing indentations and for drawing.
  static let tabWidth = 4

  let bytes: [UInt8]
  private(set) var position: Int
  /// Where what was read last ends; blanks and comments are not read.
  private(set) var lastEnd = 0
  /// Brackets and parentheses that are open; inside them lines do not matter.
  var depth = 0
  /// Where the line `position` is in begins, and its indentation.
  private var lineStart = 0
  private var lineIndentation = 0
  /// The indentation of the present item's first line.
  private(set) var itemIndentation = 0
  /// Blocks in braces that are open; within them a `}` ends an item.
  private(set) var blocks = 0

  /// - Parameter start: where reading begins: at the first byte, or at that of a line.
  init(_ bytes: [UInt8], from start: Int = 0) {
    self.bytes = bytes
    // A byte order mark is not part of the text.
    position = bytes[start...].starts(with: [0xEF, 0xBB, 0xBF]) ? start + 3 : start
    measureIndentation()
  }

  /// The byte at the position, or `offset` bytes behind it; nil at the end of the text.
  func peek(_ offset: Int = 0) -> UInt8? {
    let index = position + offset
    return index < bytes.count ? bytes[index] : nil
  }

  mutating func advance(_ count: Int = 1) {
    position = min(position + count, bytes.count)
    lastEnd = position
  }

  /// Moves over a byte that means nothing.
  private mutating func step() { position += 1 }

  /// Moves past the `{` that is here; returns what `closeBlock` needs.
  mutating func openBlock() -> Int {
    advance()
    blocks += 1
    return itemIndentation
  }

  /// Leaves a block, past its `}` if that is here.
  mutating func closeBlock(_ outerIndentation: Int) {
    if peek() == .closeBrace { advance() }
    blocks -= 1
    itemIndentation = outerIndentation
  }

  /// Moves to the first byte of the next item; false at the end of the text, and of a block.
  mutating func nextItem() -> Bool {
    depth = 0
    while let byte = peek() {
      if byte == .closeBrace, blocks > 0 {
        return false
      } else if byte == .newline {
        crossNewline()
      } else if byte.isBlank || byte == .semicolon {
        step()
      } else if startsComment {
        skipComment()
      } else {
        itemIndentation = lineIndentation
        return true
      }
    }
    return false
  }

  /// Skips blanks, comments and, where the item goes on, ends of lines. False when the item is over: at a `;`, or at the end of
  /// its last line.
  mutating func skipBlanks() -> Bool {
    while let byte = peek() {
      if byte.isBlank {
        step()
      } else if startsComment {
        skipComment()
      } else if byte == .newline {
        if depth > 0 {
          crossNewline()
        } else if !crossToContinuation() {
          return false
        }
      } else {
        return depth > 0 || (byte != .semicolon && !(byte == .closeBrace && blocks > 0))
      }
    }
    return false
  }

  /// Whether a `|`, or an `!` on its own, is here.
  var startsPipe: Bool { isPipe(at: position) }

  /// Whether the line here is one that would begin an item if no bracket were open.
  var isInItemLikeLine: Bool { lineIndentation <= itemIndentation }

  /// The indentation of the line here.
  var indentation: Int { lineIndentation }

  /// Goes back to the end of the line before, and forgets the open brackets.
  mutating func leaveLine() {
    depth = 0
    position = max(0, lineStart - 1)
  }

  /// The end of an atom that begins here.
  func endOfAtom() -> Int {
    var end = position
    while end < bytes.count, !endsAtom(at: end) { end += 1 }
    return end
  }

  private func endsAtom(at index: Int) -> Bool {
    let byte = bytes[index]
    if byte.isBlank || byte == .newline || byte == .pipe { return true }
    if depth > 0 { return byte == .comma || byte == .closeBracket || byte == .closeParenthesis }
    return byte == .semicolon && (isBlankOrEnd(index + 1) || [.pipe, .semicolon].contains(bytes[index + 1]))
  }

  /// The end of a word at the beginning of a chain: a comma separates names there, and `=` follows the name a chain is given.
  func endOfHead() -> Int {
    var end = position
    var isName = true
    while end < bytes.count, bytes[end] != .comma, !endsAtom(at: end) {
      let byte = bytes[end]
      if byte == .equals, isName, end > position, end + 1 >= bytes.count || bytes[end + 1] != .equals {
        break
      }
      if !byte.isNameByte && byte != .hyphen { isName = false }
      end += 1
    }
    return end
  }

  /// The end of a word in a predicate, where operators need no blanks around them.
  func endOfOperand() -> Int {
    var end = position
    scan: while end < bytes.count, !endsAtom(at: end) {
      switch bytes[end] {
      case .comma, .openBracket, .closeBracket, .openParenthesis, .closeParenthesis, .quote, .equals, .less,
        .greater, .tilde:
        break scan
      case .exclamation where end + 1 < bytes.count && [.equals, .tilde].contains(bytes[end + 1]): break scan
      default: end += 1
      }
    }
    return end
  }

  /// The end of `key=` when an option begins here; the `=` included.
  func endOfKey() -> Int? {
    guard let first = peek(), first.isLowercase else { return nil }
    var end = position + 1
    while end < bytes.count, bytes[end].isLowercase || bytes[end].isDigit || bytes[end] == .underscore {
      end += 1
    }
    guard end < bytes.count, bytes[end] == .equals else { return nil }
    guard end + 1 >= bytes.count || bytes[end + 1] != .equals else { return nil }
    return end + 1
  }

  /// Whether the bytes here are exactly those of `word`.
  func starts(with word: String) -> Bool {
    let length = word.utf8.count
    return position + length <= bytes.count && bytes[position..<(position + length)].elementsEqual(word.utf8)
  }

  func isPipe(at index: Int) -> Bool {
    guard index < bytes.count else { return false }
    return bytes[index] == .pipe
      || (bytes[index] == .exclamation
        && (isBlankOrEnd(index + 1) || [.pipe, .semicolon].contains(bytes[index + 1])))
  }

  func isBlankOrEnd(_ index: Int) -> Bool {
    index >= bytes.count || bytes[index].isBlank || bytes[index] == .newline
  }

  /// The text of a range of bytes.
  func text(_ lower: Int, _ upper: Int) -> String {
    String(decoding: bytes[lower..<upper], as: UTF8.self)
  }

  /// `#` begins a comment at the start of a line or after a blank, so that URLs keep their fragment.
  private var startsComment: Bool {
    guard peek() == .hash else { return false }
    return position == lineStart || bytes[position - 1].precedesComment
  }

  private mutating func skipComment() {
    while let byte = peek(), byte != .newline { step() }
  }

  private mutating func crossNewline() {
    step()
    measureIndentation()
  }

  private mutating func measureIndentation() {
    lineStart = position
    lineIndentation = 0
    var index = position
    while index < bytes.count, bytes[index].isBlank {
      lineIndentation =
        bytes[index] == .tab
        ? (lineIndentation / Self.tabWidth + 1) * Self.tabWidth
        : lineIndentation + (bytes[index] == .carriageReturn ? 0 : 1)
      index += 1
    }
  }

  /// Moves from the end of a line to the line that continues the item; empty lines and comments between do not matter.
  private mutating func crossToContinuation() -> Bool {
    var ahead = self
    while ahead.peek() == .newline {
      ahead.crossNewline()
      while let byte = ahead.peek(), byte.isBlank { ahead.step() }
      if ahead.startsComment { ahead.skipComment() }
    }
    guard ahead.peek() != nil, ahead.lineIndentation > itemIndentation || ahead.startsPipe else {
      return false
    }
    self = ahead
    return true
  }
}

extension UInt8 {
  static let newline = UInt8(ascii: "\n")
  static let carriageReturn = UInt8(ascii: "\r")
  static let tab = UInt8(ascii: "\t")
  static let quote = UInt8(ascii: "\"")
  static let apostrophe = UInt8(ascii: "'")
  static let backslash = UInt8(ascii: "\\")
  static let hash = UInt8(ascii: "#")
  static let pipe = UInt8(ascii: "|")
  static let comma = UInt8(ascii: ",")
  static let semicolon = UInt8(ascii: ";")
  static let equals = UInt8(ascii: "=")
  static let exclamation = UInt8(ascii: "!")
  static let tilde = UInt8(ascii: "~")
  static let less = UInt8(ascii: "<")
  static let greater = UInt8(ascii: ">")
  static let dollar = UInt8(ascii: "$")
  static let hyphen = UInt8(ascii: "-")
  static let underscore = UInt8(ascii: "_")
  static let openBracket = UInt8(ascii: "[")
  static let closeBracket = UInt8(ascii: "]")
  static let openParenthesis = UInt8(ascii: "(")
  static let closeParenthesis = UInt8(ascii: ")")
  static let openBrace = UInt8(ascii: "{")
  static let closeBrace = UInt8(ascii: "}")

  /// A carriage return counts as a blank, so that lines may end either way.
  var isBlank: Bool { self == 0x20 || self == .tab || self == .carriageReturn }
  /// A blank, or a sign behind which a word could begin: there a `#` begins a comment, and not a word.
  var precedesComment: Bool {
    switch self {
    case .newline, .semicolon, .pipe, .comma, .equals, .greater, .less, .tilde, .openBrace, .closeBrace,
      .closeParenthesis, .closeBracket:
      true
    default: isBlank
    }
  }
  var isLowercase: Bool { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(self) }
  var isDigit: Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(self) }
  var isNameByte: Bool {
    isLowercase || isDigit || self == .underscore || (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(self)
  }
}
