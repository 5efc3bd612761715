internal import FluxGraph
internal import FluxGraphHost
internal import GraphLanguage
internal import Platform

/// `fluxgraph completion`: what a shell needs to complete commands, options, their values, stages, codes and files.
struct CompletionCommand {
  private let shell: String
  private let catalogue: Catalogue

  private static let shells = ["bash", "zsh", "fish"]

  init(_ arguments: [String], _ catalogue: Catalogue) throws(UsageError) {
    guard let word = try ArgumentReader.words(arguments).first else {
      throw UsageError("`completion` needs a shell: \(Self.shells.joined(separator: ", "))")
    }
    guard Self.shells.contains(word) else {
      throw UsageError(
        "there is no completion for `\(word)`, only for \(Self.shells.joined(separator: ", "))",
        candidates: Self.shells, given: word)
    }
    shell = word
    self.catalogue = catalogue
  }

  func run() -> ExitCode {
    Terminal.output.write(lines: script)
    return .success
  }

  var script: String {
    switch shell {
    case "bash": bash
    case "zsh": zsh
    default: fish
    }
  }

  private var commands: String { Help.commands.joined(separator: " ") }

  /// What may follow a command.
  private struct Words {
    var command: String
    var options: [String]
    /// Words that are no options.
    var plain: [String] = []
    /// Whether files may follow, too.
    var takesFiles: Bool
  }

  private var words: [Words] {
    let stages = catalogue.names
    let plain = [
      "inspect": stages, "completion": Self.shells, "help": Help.commands,
      "explain": Explanation.all(of: catalogue).map(\.code), "spool": ["ls", "deliver", "redeliver", "drop"],
    ]
    let isFileless: Set<String> = [
      "inspect", "completion", "help", "explain", "devices", "schema", "version", "serve",
    ]
    return Help.commands.map { command in
      Words(
        command: command, options: Help.options(of: command), plain: plain[command] ?? [],
        takesFiles: !isFileless.contains(command))
    }
  }

  /// The values of options that take one of a few words.
  private static func values(of option: String, _ command: String) -> [String] {
    switch (command, option) {
    case ("graph", "--format"): ["text", "mermaid", "dot", "json"]
    case ("inspect", "--format"): ["text", "json", "markdown"]
    case (_, "--format"), (_, "--diagnostics"): ["text", "json"]
    case (_, "--words"): ["pocketsphinx", "none", "script:", "command:"]
    default: []
    }
  }

  /// The same cases for both shells whose `case` is that of sh.
  private func cases(_ line: (Words) -> String) -> String {
    words.map { "    \($0.command)) \(line($0)) ;;" }.joined(separator: "\n")
  }

  private var valueCases: String {
    words.flatMap { words in
      words.options.compactMap { option in
        let values = Self.values(of: option, words.command)
        return values.isEmpty
          ? nil : "    \(words.command):\(option)) values=\"\(values.joined(separator: " "))\" ;;"
      }
    }.joined(separator: "\n")
  }

  private var bash: String {
    let lines = cases {
      "words=\"\(($0.plain + $0.options).joined(separator: " "))\"\($0.takesFiles ? "; files=yes" : "")"
    }
    return """
      _fluxgraph() {
        local current="${COMP_WORDS[COMP_CWORD]}" words="" values="" files=""
        COMPREPLY=()
        if [ "$COMP_CWORD" -eq 1 ]; then
          COMPREPLY=($(compgen -W "\(commands)" -- "$current"))
          return
        fi
        case "${COMP_WORDS[1]}:${COMP_WORDS[COMP_CWORD-1]}" in
      \(valueCases)
        esac
        if [ -n "$values" ]; then
          COMPREPLY=($(compgen -W "$values" -- "$current"))
          return
        fi
        case "${COMP_WORDS[1]}" in
      \(lines)
        esac
        COMPREPLY=($(compgen -W "$words" -- "$current"))
        if [ -n "$files" ]; then
          local IFS=$'\\n'
          COMPREPLY+=($(compgen -f -- "$current"))
        fi
      }
      complete -o filenames -F _fluxgraph fluxgraph

      """
  }

  private var zsh: String {
    let lines = cases {
      "plain=(\(($0.plain + $0.options).joined(separator: " ")))\($0.takesFiles ? "; files=yes" : "")"
    }
    return """
      #compdef fluxgraph
      _fluxgraph() {
        local values="" files=""
        local -a plain
        if (( CURRENT == 2 )); then
          compadd -- \(commands)
          return
        fi
        case "${words[2]}:${words[CURRENT-1]}" in
      \(valueCases)
        esac
        if [[ -n "$values" ]]; then
          compadd -- ${=values}
          return
        fi
        case "${words[2]}" in
      \(lines)
        esac
        (( ${#plain} )) && compadd -- $plain
        [[ -n "$files" ]] && _files
        return 0
      }
      if [[ "${funcstack[1]}" == _fluxgraph ]]; then
        _fluxgraph "$@"
      else
        compdef _fluxgraph fluxgraph
      fi

      """
  }

  private var fish: String {
    var lines = ["complete -c fluxgraph -n __fish_use_subcommand -f -a '\(commands)'"]
    for words in words {
      let here = "-n '__fish_seen_subcommand_from \(words.command)'"
      if !words.takesFiles || !words.plain.isEmpty {
        let plain = words.plain.joined(separator: " ")
        lines.append("complete -c fluxgraph \(here)\(words.takesFiles ? "" : " -f") -a '\(plain)'")
      }
      for option in words.options {
        let values = Self.values(of: option, words.command)
        let name = option.hasPrefix("--") ? "-l \(option.dropFirst(2))" : "-s \(option.dropFirst())"
        let taken = values.isEmpty ? "" : " -x -a '\(values.joined(separator: " "))'"
        lines.append("complete -c fluxgraph \(here) \(name)\(taken)")
      }
    }
    return lines.joined(separator: "\n") + "\n"
  }
}
