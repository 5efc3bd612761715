internal import FluxGraph

// Conditions that wait for events no recogniser before them will send.
extension Draft {
  mutating func checkUnsentEvents() {
    var warned: Set<SourceSpan> = []
    for (place, name, node) in awaitedEvents {
      guard let unsent = unsent(name, before: node), warned.insert(place).inserted else { continue }
      report(
        .eventNeverSent, "`\(name)` is matched but never sent", at: place,
        secondary: [.init(nodes[unsent.node].word, "does not send it")], help: unsent.help)
    }
  }

  /// A recogniser before `node` that does not send the event, when none does.
  private func unsent(_ name: String, before node: Int) -> (node: Int, help: String)? {
    var open = [node]
    var seen: Set<Int> = []
    var found: (node: Int, help: String)?
    while let index = open.popLast() {
      guard seen.insert(index).inserted else { continue }
      guard let recogniser = nodes[index].stage.form.recogniser else {
        open += nodes[index].inputs.map(\.node)
        continue
      }
      guard let unsent = recogniser.unsentEvents.first(where: { $0.kind.rawValue == name }) else {
        return nil
      }
      let text = source.text(of: nodes[index].word)
      let (line, _) = source.position(of: nodes[index].word.lower)
      found = found ?? (index, "\(unsent.help) on `\(text)` in line \(line)")
    }
    return found
  }

  /// Names of events a predicate compares for equality, and where. Under `not` they are not waited for.
  func awaited(in predicate: PredicateSyntax) -> [(SourceSpan, String)] {
    switch predicate {
    case .compare(let field, let sign, .atom(let word))
    where field.text == "event" && sign.comparison == .equal:
      return [(word.span, word.text)]
    case .oneOf(let field, let values, _) where field.text == "event":
      return values.compactMap { if case .atom(let word) = $0 { (word.span, word.text) } else { nil } }
    case .and(let left, let right), .or(let left, let right): return awaited(in: left) + awaited(in: right)
    default: return []
    }
  }
}
