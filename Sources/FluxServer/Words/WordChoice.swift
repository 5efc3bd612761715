/// Which words a server gives.
package enum WordChoice: Sendable {
  /// PocketSphinx, if library and model are there; else there are none.
  case pocketSphinx(model: String = PocketSphinxWords.standardModel)
  case script(ScriptedWords)
  /// A recogniser of the user's.
  case command(CommandWords.Program)
  case none

  func makeSource() -> any WordSource {
    switch self {
    case .script(let script):
      return script
    case .command(let program):
      return CommandWords(program)
    case .none:
      return AbsentWords(reason: "No words were asked for: speech is shown as [speech].")
    case .pocketSphinx(let model):
      do throws(PocketSphinxError) {
        return try PocketSphinxWords(model: model)
      } catch {
        return AbsentWords(reason: "\(error) Speech is shown as [speech].")
      }
    }
  }
}
