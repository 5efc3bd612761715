/// A piece of a graph's text, in bytes of its UTF-8.
package struct SourceSpan: Sendable, Hashable {
  package var lower: Int
  package var upper: Int

  package init(_ lower: Int, _ upper: Int) {
    self.lower = lower
    self.upper = upper
  }

  var length: Int { upper - lower }
}
