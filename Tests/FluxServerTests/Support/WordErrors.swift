/// Word errors of a transcript against what was said: substitutions, deletions and insertions.
struct WordErrors {
  var errors = 0
  var words = 0

  var rate: Double { Double(errors) / Double(max(words, 1)) }

  mutating func add(said: String, heard: String) {
    let said = said.split(separator: " ")
    let heard = heard.split(separator: " ")
    var row = Array(0...heard.count)
    for (index, word) in said.enumerated() {
      var diagonal = row[0]
      row[0] = index + 1
      for column in heard.indices {
        let above = row[column + 1]
        row[column + 1] = min(above + 1, row[column] + 1, diagonal + (word == heard[column] ? 0 : 1))
        diagonal = above
      }
    }
    errors += row[heard.count]
    words += said.count
  }
}
