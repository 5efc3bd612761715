/// Finds what a user may have meant.
package enum Suggestions {
  /// Sets up to this size are shown whole.
  static let listedAtMost = 8

  /// Names that are compared; nobody reads on in a longer list, and a large graph must not take long to check.
  private static let comparedAtMost = 500

  /// The name most like `word`: at most two slips away (a swapped pair counts as one), or else with the same beginning.
  package static func nearest(to word: String, in names: some Sequence<String>) -> String? {
    let word = Array(word.lowercased().unicodeScalars.prefix(64))
    guard !word.isEmpty else { return nil }
    // A short word is like almost any other short word when two letters may differ.
    let allowed = word.count <= 3 ? 1 : 2
    var best: (name: String, distance: Int)?
    for name in names.prefix(comparedAtMost) {
      let other = Array(name.lowercased().unicodeScalars)
      var distance = distance(word, other, limit: allowed)
      if distance > allowed {
        let shorter = min(word.count, other.count)
        guard shorter >= 3, word.prefix(shorter).elementsEqual(other.prefix(shorter)) else { continue }
        distance = allowed + abs(word.count - other.count)
      }
      if distance < best?.distance ?? .max { best = (name, distance) }
    }
    return best?.name
  }

  /// "a, b, c" when the set is small enough to be shown.
  static func listing(_ names: [String]) -> String? {
    names.isEmpty || names.count > listedAtMost ? nil : names.map { "`\($0)`" }.joined(separator: ", ")
  }

  /// Damerau's edit distance, with neighbours swapped as one step; anything above `limit` may come out as `limit + 1`.
  static func distance(_ left: [UnicodeScalar], _ right: [UnicodeScalar], limit: Int) -> Int {
    guard abs(left.count - right.count) <= limit else { return limit + 1 }
    var beforeLast: [Int] = []
    var last = Array(0...right.count)
    for row in left.indices {
      var current = [row + 1]
      for column in right.indices {
        let cost = left[row] == right[column] ? 0 : 1
        var value = min(last[column] + cost, last[column + 1] + 1, current[column] + 1)
        if row > 0, column > 0, left[row] == right[column - 1], left[row - 1] == right[column] {
          value = min(value, beforeLast[column - 1] + 1)
        }
        current.append(value)
      }
      beforeLast = last
      last = current
    }
    return last[right.count]
  }
}
