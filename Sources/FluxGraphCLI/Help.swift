internal import FluxProtocol

/// What `help` says.
enum Help {
  static let commands = [
    "run", "check", "inspect", "devices", "serve", "spool", "schema", "help", "version",
  ]

  static let overview = """
    fluxgraph: declarative audio graphs for Deepgram Flux

    usage: fluxgraph COMMAND …

      run FILE | -e TEXT     run a graph
      check FILE… | -e TEXT  check graphs and print their plans
      inspect [STAGE]        list the stages, or show one
      devices                list what there is to listen to
      serve                  a local Flux server, for any Flux client
      spool                  what webhooks have not delivered yet
      schema                 the JSON Schema of the event format
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
    case "devices": devices
    case "serve": serve
    case "spool": spool
    case "schema":
      "usage: fluxgraph schema\n\nPrints the JSON Schema (draft 2020-12) of the event format: of each line `jsonl` and `stdout json` write.\n"
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

    """

  private static let spool = """
    usage: fluxgraph spool ls|redeliver|drop DIRECTORY [SINK]

    Works on the directory a webhook's `spool` names, for all sinks or for one.

      ls          what waits to be delivered, and how many dead letters there are
      redeliver   has the dead letters delivered again when the graph runs the next time
      drop        throws away what waits and the dead letters

    """

  private static let devices = """
    usage: fluxgraph devices

    Lists what there is to listen to on the PulseAudio or PipeWire server: outputs, microphones and
    programs that play, each with a graph to paste.

      --format FORMAT    text or json
      --watch            print the list again whenever it changes; in JSON, one line each time
      --server ADDRESS   another server than the session's, such as tcp:studio.local:4713

    """

  private static let serve = """
    usage: fluxgraph serve

    Runs a local server that speaks Deepgram Flux's /v2/listen, and prints its URL. One line on
    standard error tells what became of each connection. SIGTERM lets open sessions end (30 s at
    most), Ctrl-C ends them.

      --address IP       where to listen; 127.0.0.1 unless given
      --port NUMBER      the port; 8119 unless given, 0 for any that is free
      --public           allow an address that other machines can reach
      --words SOURCE     where words come from: pocketsphinx (the default), none, script:FILE (.json,
                         .vtt or .srt), or command:PROGRAM, any recogniser that takes 16 kHz s16le on
                         standard input and prints words as JSON lines
      --key VARIABLE     ask clients for the key that this environment variable holds
      --max-streams N    refuse more streams than this with 429
      --fault TEXT       what goes wrong on purpose, such as "drop after=5s"; may be repeated
      --scenario FILE    faults from a file, one a line

    faults: \(FaultPlan.names.joined(separator: ", ")).
    `stall`, `drop` and `close` take after=TIME (of audio), mid-turn or between=eager; `drop` also
    mid-frame and byte=N; `refuse` takes status=, times= and retry-after=; `close` takes code= and
    reason=; latency=TIME takes jitter=TIME; `slow-reader` takes rate=BYTES; those that put something
    into the stream take after=TIME. Any of them takes connection=N and chance=P; seed=N is for all.

    It takes linear16, mulaw, alaw and ogg-opus, and WAV and Ogg Opus without an encoding. What the
    service's documentation leaves open (linear32, bare opus, other sample rates) is refused with 400.

    """
}
