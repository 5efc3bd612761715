/// Finds the graphs in a Markdown document: its fenced blocks marked `graph`.
package enum MarkdownGraphs {
  /// Each block as a graph whose places are those of the document.
  package static func sources(in document: GraphSource) -> [GraphSource] {
    var sources: [GraphSource] = []
    var fence: (mark: UInt8, length: Int, isGraph: Bool, start: Int)?
    var start = 0
    let bytes = document.bytes
    while start < bytes.count {
      let end = bytes[start...].firstIndex(of: .newline) ?? bytes.count
      let line = bytes[start..<end].drop { $0.isBlank }
      let mark = line.first
      let length = line.prefix { $0 == mark }.count
      let rest = line.dropFirst(length).filter { !$0.isBlank }
      if mark == UInt8(ascii: "`") || mark == UInt8(ascii: "~"), length >= 3 {
        if let open = fence {
          if open.mark == mark, length >= open.length, rest.isEmpty {
            if open.isGraph { sources.append(block(document, open.start..<start)) }
            fence = nil
          }
        } else {
          fence = (mark ?? 0, length, rest.elementsEqual("graph".utf8), end + 1)
        }
      }
      start = end + 1
    }
    // A block that is never closed reaches to the end.
    if let fence, fence.isGraph, fence.start < bytes.count {
      sources.append(block(document, fence.start..<bytes.count))
    }
    return sources
  }

  /// The document with everything but the block blanked.
  private static func block(_ document: GraphSource, _ range: Range<Int>) -> GraphSource {
    var bytes = document.bytes
    for index in bytes.indices where !range.contains(index) && bytes[index] != .newline {
      bytes[index] = 0x20
    }
    return GraphSource(
      name: document.name, text: String(decoding: bytes, as: UTF8.self), directory: document.directory)
  }
}
