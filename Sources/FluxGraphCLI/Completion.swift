internal import FluxGraph

/// `fluxgraph completion`: what a shell needs to complete commands, options, stages and files.
struct CompletionCommand {
  private let shell: String
  private let catalogue: Catalogue

  private static let shells = ["bash", "zsh", "fish"]

  init(_ arguments: [String], _ catalogue: Catalogue) throws(UsageError) {
    var reader = ArgumentReader(arguments, known: [])
    guard let word = reader.next() else {
      throw UsageError("`completion` needs a shell: \(Self.shells.joined(separator: ", "))")
    }
    if word.hasPrefix("-") { throw reader.unknown(word) }
    guard Self.shells.contains(word) else {
      throw UsageError(
        "there is no completion for `\(word)`, only for \(Self.shells.joined(separator: ", "))",
        candidates: Self.shells, given: word)
    }
    shell = word
    self.catalogue = catalogue
  }

  func run() -> ExitCode {
    Terminal.output.write(script)
    return .success
  }

  private var script: String {
    switch shell {
    case "bash": bash
    case "zsh": "#compdef fluxgraph\nautoload -U +X bashcompinit && bashcompinit\n" + bash
    default: fish
    }
  }

  private var stages: String { catalogue.all.map(\.name).joined(separator: " ") }
  private var commands: String { Help.commands.joined(separator: " ") }

  /// The words that may follow each command, besides files.
  private var words: [(command: String, words: String)] {
    Help.options.map { ($0.command, $0.options.joined(separator: " ")) }
      + [
        ("inspect", stages + " --format"), ("completion", Self.shells.joined(separator: " ")),
        ("help", commands),
      ]
  }

  private var bash: String {
    let cases = words.map { "    \($0.command)) words=\"\($0.words)\" ;;" }.joined(separator: "\n")
    return """
      _fluxgraph() {
        local current="${COMP_WORDS[COMP_CWORD]}" words=""
        if [ "$COMP_CWORD" -eq 1 ]; then
          COMPREPLY=($(compgen -W "\(commands)" -- "$current"))
          return
        fi
        case "${COMP_WORDS[1]}" in
      \(cases)
        esac
        COMPREPLY=($(compgen -W "$words" -- "$current"))
        case "${COMP_WORDS[1]}" in
          inspect|completion|help|explain) ;;
          *) COMPREPLY+=($(compgen -f -- "$current")) ;;
        esac
      }
      complete -o filenames -F _fluxgraph fluxgraph

      """
  }

  private var fish: String {
    var lines = [
      "complete -c fluxgraph -n __fish_use_subcommand -f -a '\(commands)'"
    ]
    for (command, words) in words {
      let isFileless = ["inspect", "completion", "help"].contains(command)
      lines.append(
        "complete -c fluxgraph -n '__fish_seen_subcommand_from \(command)'\(isFileless ? " -f" : "") -a '\(words)'"
      )
    }
    return lines.joined(separator: "\n") + "\n"
  }
}
