/// What `help` says.
enum Help {
  static let commands = [
    "run", "check", "inspect", "graph", "fmt", "test", "explain", "serve", "completion", "help", "version",
  ]

  /// The options of the commands that take graphs, for completion.
  static let options: [(command: String, options: [String])] = [
    ("run", ["-e", "--set", "--strict", "--for", "--quiet"]),
    ("check", ["-e", "--set", "--strict", "--diagnostics", "--world"]),
    ("graph", ["-e", "--set", "--strict", "--format"]), ("fmt", ["-e", "--check"]),
    ("test", ["-e", "--set", "--strict"]), ("serve", ["--port", "--words", "--key"]),
  ]

  static let overview = """
    fluxgraph: declarative audio graphs for Deepgram Flux

    usage: fluxgraph COMMAND …

      run FILE | -e TEXT     run a graph
      check FILE… | -e TEXT  check graphs and print their plans
      inspect [STAGE]        list the stages, or show one
      graph FILE | -e TEXT   draw a graph's plan
      fmt FILE…              lay graphs out in the canonical way
      test FILE…             run the tests written beside graphs
      explain [CODE]         a mistake's cause, an example and its fix
      serve                  a local Flux server, for any Flux client
      completion SHELL       completion for bash, zsh or fish
      help [COMMAND]         more about a command
      version                the program's version

    example: fluxgraph run -e 'file talk.opus | flux endpoint=local | stdout'

    """

  static func text(for command: String?) -> String {
    switch command {
    case "run": run
    case "check": check
    case "inspect": inspect
    case "graph": graph
    case "fmt": fmt
    case "test": test
    case "explain":
      "usage: fluxgraph explain [CODE]\n\nShows a mistake's cause, an example and its fix; without a code, lists all codes.\n"
    case "completion":
      "usage: fluxgraph completion bash | zsh | fish\n\nexample: source <(fluxgraph completion bash)\n"
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
      --quiet            print only warnings and errors

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
      --diagnostics FMT  text, or json: one array a graph, places as byte ranges
      --world            look whether files, directories and keys are there; nothing is opened or dialled

    Of a Markdown document (`.md`), every fenced block marked `graph` is checked.

    """

  private static let inspect = """
    usage: fluxgraph inspect [STAGE]

    Lists the stages, or shows one: its options, ports and examples.

      --format FORMAT    text, json or markdown

    """

  private static let graph = """
    usage: fluxgraph graph FILE… | -e TEXT

    Draws the plan: every stage, also the automatic ones, and what flows between them. `run` and
    `check` take the JSON form back, from a file that ends with `.json`.

      --format FORMAT    text, mermaid, dot or json
      -e TEXT            the graph itself
      --set NAME=VALUE   the value of a `param`
      --strict           refuse automatic stages

    """

  private static let fmt = """
    usage: fluxgraph fmt FILE…

    Lays graphs out in the canonical way, in place; `-` is standard input to standard output.

      --check            change nothing; exit with 1 when a file is not in canonical layout

    """

  private static let test = """
    usage: fluxgraph test FILE… | -e TEXT

    Runs the `test` blocks of graphs: recorded events are fed into streams, and what arrives elsewhere is
    compared. Sinks only collect: no device, file or network is touched. Exit code 1 when a test fails.

      -e TEXT            the graph itself
      --set NAME=VALUE   the value of a `param`

    """

  private static let serve = """
    usage: fluxgraph serve

    Runs a local server that speaks Deepgram Flux's /v2/listen on 127.0.0.1, and prints its URL.

      --port NUMBER      the port; 8119 unless given, 0 for any that is free
      --words SOURCE     where words come from: pocketsphinx, none, or script:FILE
      --key VARIABLE     ask clients for the key that this environment variable holds

    """
}
