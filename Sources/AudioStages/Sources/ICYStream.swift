/// Takes the titles out of an internet radio stream ("ICY").
///
///     interval bytes of sound · length:1 · 16 · length bytes of text · interval bytes of sound · …
///
/// The interval stands in the response's header `icy-metaint`. The text is like `StreamTitle='…';StreamUrl='…';`, filled with
/// zero bytes.
package struct ICYStream: Sendable {
  private enum State {
    case sound(Int)
    case length
    case text(Int)
  }

  private let interval: Int
  private var state: State
  private var text: [UInt8] = []
  /// The last title that came.
  package private(set) var title: String?

  /// - Parameter interval: bytes of sound between two texts; positive.
  package init(interval: Int) {
    self.interval = interval
    state = .sound(interval)
  }

  /// Hands the sound in `bytes` to `body`, piece by piece. Returns the title, when another one came.
  package mutating func take(_ bytes: UnsafeRawBufferPointer, _ body: (UnsafeRawBufferPointer) -> Void)
    -> String?
  {
    let before = title
    var rest = bytes
    while !rest.isEmpty {
      switch state {
      case .sound(let left):
        let count = min(left, rest.count)
        body(UnsafeRawBufferPointer(rebasing: rest[..<count]))
        rest = UnsafeRawBufferPointer(rebasing: rest[count...])
        state = left == count ? .length : .sound(left - count)
      case .length:
        let length = 16 * Int(rest[0])
        rest = UnsafeRawBufferPointer(rebasing: rest[1...])
        text.removeAll(keepingCapacity: true)
        state = length == 0 ? .sound(interval) : .text(length)
      case .text(let left):
        let count = min(left, rest.count)
        text.append(contentsOf: rest[..<count])
        rest = UnsafeRawBufferPointer(rebasing: rest[count...])
        state = .text(left - count)
        guard left == count else { continue }
        state = .sound(interval)
        if let new = Self.title(in: text) { title = new }
      }
    }
    return title == before ? nil : title
  }

  /// The title in a text; quotes within it are not escaped, so that it ends with the last quote before the next field.
  private static func title(in text: [UInt8]) -> String? {
    let whole = String(decoding: text.prefix { $0 != 0 }, as: UTF8.self)
    guard let begin = whole.firstRange(of: "StreamTitle='") else { return nil }
    let rest = whole[begin.upperBound...]
    let end = rest.firstRange(of: "';")?.lowerBound ?? rest.lastIndex(of: "'") ?? rest.endIndex
    let title = rest[..<end].filter { $0 >= " " }
    return title.isEmpty ? nil : String(title.prefix(200))
  }
}
