package import FluxGraph
package import FluxServer

extension WordChoice {
  /// The source of words `text` names: `pocketsphinx`, `none`, `script:FILE`, or `command:PROGRAM ARGUMENTS`.
  /// - Parameters:
  ///   - environment: what a program is given.
  ///   - complaint: told each line of a program's standard error, on any thread.
  /// - Throws: `StageError` for another name, or a script that cannot be read.
  package init(
    named text: String, directory: String, environment: [String: String],
    complaint: @escaping @Sendable (String) -> Void
  ) throws(StageError) {
    switch text {
    case "pocketsphinx": self = .pocketSphinx()
    case "none": self = .none
    default:
      if text.hasPrefix("script:") {
        self = .script(try Self.script(String(text.dropFirst(7)), directory))
      } else if text.hasPrefix("command:") {
        guard let command = CommandLineText(String(text.dropFirst(8))) else {
          throw StageError(
            .badGraph, "\(text) names no program, or has a quote that is not closed",
            help: "It reads `command:PROGRAM ARGUMENTS`.")
        }
        self = .command(
          .init(command, directory: directory, environment: environment, complaint: complaint))
      } else {
        throw StageError(
          .badGraph, "there is no source of words called \(text)",
          help: "There are pocketsphinx, none, script:FILE and command:PROGRAM.")
      }
    }
  }

  /// What the source of words `text` names needs to be there.
  static func need(of text: String, directory: String) -> Need {
    let look: @Sendable () throws(StageError) -> String = { () throws(StageError) in
      switch try WordChoice(named: text, directory: directory, environment: [:], complaint: { _ in }) {
      case .command(let program): try Need.program(program.command.words[0], in: directory).look()
      case .script: "\(text.dropFirst(7)) holds words"
      default: "words come from \(text)"
      }
    }
    guard text.hasPrefix("script:") else { return Need(look) }
    return Need(Path(String(text.dropFirst(7))).resolved(in: directory, home: nil), .read, look: look)
  }

  /// The words of a `.json`, `.vtt` or `.srt` file.
  private static func script(_ name: String, _ directory: String) throws(StageError) -> ScriptedWords {
    let path = Path(name).resolved(in: directory, home: nil)
    let bytes = try InputFile.read(path, limit: 64 << 20)
    do throws(ScriptError) {
      let isCues = path.lowercased().hasSuffix(".vtt") || path.lowercased().hasSuffix(".srt")
      return try isCues ? ScriptedWords(cues: bytes) : ScriptedWords(json: bytes)
    } catch {
      throw StageError(.badInput, "\(path): \(error)")
    }
  }
}
