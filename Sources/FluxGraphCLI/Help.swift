/// What `help` says.
enum Help {
  static let commands = ["run", "check", "inspect", "ctl", "serve", "help", "version"]

  static let overview = """
    fluxgraph: declarative audio graphs for Deepgram Flux

    usage: fluxgraph COMMAND …

      run FILE | -e TEXT     run a graph
      check FILE… | -e TEXT  check graphs and print their plans
      ctl PATH COMMAND       end a turn, or change settings, of a running graph
      inspect [STAGE]        list the stages, or show one
      serve                  a local Flux server, for any Flux client
      help [COMMAND]         more about a command
      version                the program's version

    example: fluxgraph run -e 'file talk.opus | flux endpoint=local | stdout'

    """

  static func text(for command: String?) -> String {
    switch command {
    case "run": run
    case "check": check
    case "inspect":
      "usage: fluxgraph inspect [STAGE]\n\nLists the stages, or shows one: its options, ports and examples.\n"
    case "ctl": control
    case "serve": serve
    default: overview
    }
  }

  private static let run = """
    usage: fluxgraph run FILE | -e TEXT

    Runs the graph in a file (`-` is standard input) or in a text. Ctrl-C ends the sources and lets
    everything that is under way arrive; a second Ctrl-C ends at once.

      -e TEXT            the graph itself
      --set NAME=VALUE   the value of a `param`
      --strict           refuse automatic stages
      --for DURATION     end the sources after a time, such as 10m
      --control PATH     take commands of `fluxgraph ctl` on this Unix socket
      --quiet            print only warnings and errors

    The signal SIGUSR2 ends the turn of every `flux`: push to talk.

    exit codes: 0 ok, 64 usage, 65 bad input data, 69 service or device unavailable, 70 internal,
    74 input or output, 77 refused key, 78 graph invalid, 130 interrupted twice

    """

  private static let check = """
    usage: fluxgraph check FILE… | -e TEXT

    Reads and checks graphs, and prints the plan of each: every stage, also the automatic ones, and
    what flows between them. Nothing is opened, run or dialled.

      -e TEXT            the graph itself
      --set NAME=VALUE   the value of a `param`
      --strict           refuse automatic stages

    """

  private static let control = """
    usage: fluxgraph ctl PATH [STAGE] COMMAND

    Gives a command to the graph that runs with `--control PATH`: to the stage of that name, such as
    `heard` for `heard = mic | flux`, or to every stage that takes commands.

      end-turn           the turn under way ends now
      set NAME=VALUE…    change eot_threshold, eager_eot_threshold, eot_timeout, keyterm,
                         language_hint or numerals; a list is written as NAME=A NAME=B, an empty
                         value clears it
      status             connection, position, backlog and settings
      --json             print the answers as JSON

    """

  private static let serve = """
    usage: fluxgraph serve

    Runs a local server that speaks Deepgram Flux's /v2/listen on 127.0.0.1, and prints its URL.

      --port NUMBER      the port; 8119 unless given, 0 for any that is free
      --words SOURCE     where words come from: pocketsphinx, none, or script:FILE
      --key VARIABLE     ask clients for the key that this environment variable holds

    """
}
