internal import FluxProtocol

/// What `help` says.
enum Help {
  static let commands = [
    "run", "batch", "check", "inspect", "graph", "fmt", "test", "explain", "ctl", "tap", "devices", "serve",
    "record",
    "spool", "schema", "plugin",
    "completion", "help", "version",
  ]

  /// The options of a command, as its help lists them, for completion.
  static func options(of command: String) -> [String] {
    text(for: command).split(separator: "\n").compactMap { line in
      let word = line.prefix { $0 == " " }.count == 2 ? line.split(separator: " ").first : nil
      return word.flatMap { $0.hasPrefix("-") ? String($0) : nil }
    }
  }

  static let overview = """
    fluxgraph: declarative audio graphs for Deepgram Flux

    usage: fluxgraph COMMAND …

      run FILE | -e TEXT     run a graph
      batch FILE INPUT…      run a graph for each of many inputs
      check FILE… | -e TEXT  check graphs and print their plans
      ctl PATH COMMAND       end a turn, or change settings, of a running graph
      tap PATH NAME          print what flows by a name of a running graph
      inspect [STAGE]        list the stages, or show one
      graph FILE | -e TEXT   draw a graph's plan
      fmt FILE…              lay graphs out in the canonical way
      test FILE…             run the tests written beside graphs
      explain [CODE]         a mistake's cause, an example and its fix
      devices                list what there is to listen to
      record GRAPH FILE      run a graph and keep its session with Flux in a file
      serve                  a local Flux server, for any Flux client
      spool                  what webhooks have not delivered yet
      schema                 the JSON Schema of the event format
      plugin new NAME        a Swift package with a stage of your own
      completion SHELL       completion for bash, zsh or fish
      help [COMMAND]         more about a command
      version                the program's version

    example: fluxgraph run -e 'file talk.opus | flux endpoint=local | stdout'

    """

  static func text(for command: String?) -> String {
    switch command {
    case "run": run
    case "batch": batch
    case "check": check
    case "devices": devices
    case "inspect": inspect
    case "graph": graph
    case "fmt": fmt
    case "test": test
    case "explain":
      "usage: fluxgraph explain [CODE]\n\nShows a mistake's cause, an example and its fix; without a code, lists all codes.\n"
    case "completion":
      "usage: fluxgraph completion bash | zsh | fish\n\nexample: source <(fluxgraph completion bash)\n"
    case "ctl": control
    case "tap": tap
    case "metrics": metrics
    case "serve": serve
    case "spool": spool
    case "schema":
      "usage: fluxgraph schema\n\nPrints the JSON Schema (draft 2020-12) of the event format: of each line `jsonl` and `stdout json` write.\n"
    case "record": record
    case "plugin": plugin
    default: overview
    }
  }

  private static let run = """
    usage: fluxgraph run FILE | -e TEXT

    Runs the graph in a file (`-` is standard input) or in a text. Ctrl-C ends the sources and lets
    everything that is under way arrive; a second Ctrl-C ends at once.

      -e TEXT            the graph itself
      --set NAME=VALUE   the value of a `param`
      --strict           refuse automatic stages, and decoding through ffmpeg
      --for DURATION     end the sources after a time, such as 10m
      --drain DURATION   at the end, go on trying to deliver for so long; Ctrl-C ends that, too
      --stop-timeout DURATION
                         how long the end may take after Ctrl-C, SIGTERM or `--for`, 10s unless given;
                         what is not transcribed or delivered by then is told, and the exit code is 69
      --lossy            end with 0 although audio or events were lost on the way
      --control PATH     take commands of `fluxgraph ctl` and `tap` on this Unix socket
      --quiet            print only warnings and errors
      --stats            at the end, print what was done, dropped and waited for
      --metrics ADDR     offer /metrics, /healthz and /readyz on an address and port, such as
                         127.0.0.1:9464; `fluxgraph help metrics` lists the names
      --public           allow an address that other machines can reach

    The signal SIGUSR1 prints how every part fares; SIGUSR2 ends the turn of every `flux`: push to talk.
    FLUXGRAPH_LOG=info,flux:debug chooses what stages log (error, warning, info, debug, off);
    FLUXGRAPH_LOG_FORMAT=json makes every line on standard error a JSON object.

    exit codes: 0 ok, 64 usage, 65 bad input data, 69 service or device unavailable, 70 internal,
    74 input or output, 77 refused key, 78 graph invalid, 130 interrupted twice

    """

  private static let batch = """
    usage: fluxgraph batch FILE INPUT… | -e TEXT INPUT…

    Runs a graph once for each input, several at a time, in one process. The graph says `param input`;
    each input's path, from the root on, or URL is the value of `$input`. In the graph's paths and texts
    `{$input.stem}` is its name without directories and ending, `{$input.name}` its name with the ending,
    `{$input.directory}` what stands before it. An INPUT is a path or a URL, `@FILE` a list of them, one
    a line, `-` such a list on standard input.

    An input that fails does not stop the others. Two inputs that would write the same file are refused
    before anything runs. What became of each input is appended to a manifest of JSON lines.

      -e TEXT            the graph itself
      --jobs N           inputs at a time; as many as there are processors unless given
      --max-sessions N   sessions with Flux at a time, over all inputs; a stereo split counts as two
      --start-rate N     sessions begun in a second, such as 2 or 0.5
      --resume           go on after an earlier run: leave out what is done, do again what failed, and
                         take away what the failed attempt has written; its lines in a file that all
                         inputs share stay, under a `session` of their own
      --manifest FILE    the manifest; GRAPH.batch.jsonl in the working directory unless given
      --shard I/N        only the I-th of N parts, by a hash of each input's name; `auto` takes I and N
                         from Slurm's array, `auto/N` takes I from a Kubernetes Indexed Job
      --null             the names in a list end with a zero byte, as `find -print0` writes them
      --set NAME=VALUE   the value of another `param`
      --strict           refuse automatic stages, and decoding through ffmpeg
      --stop-timeout DURATION
                         how long inputs under way may take after Ctrl-C or SIGTERM, 10s unless given
      --lossy            an input that lost audio or events on the way counts as done
      --control PATH     take commands of `fluxgraph ctl` and `tap` on this Unix socket, for the inputs
                         that are under way
      --quiet            print no progress and no notices
      --stats            at the end, print what was done, dropped and waited for
      --metrics ADDR     offer /metrics, /healthz and /readyz on an address and port, such as
                         127.0.0.1:9464; `fluxgraph help metrics` lists the names
      --public           allow an address that other machines can reach

    Progress goes to standard error: a bar on a terminal, JSON lines elsewhere. When the service answers
    that there are too many streams (429), inputs come again, later and fewer at a time. Ctrl-C begins no
    more inputs and stops those under way, which count as not done.

    exit codes: 0 all inputs are done; otherwise that of the worst failure, as for `run`; 130 stopped
    before all were done

    """

  static let metrics = """
    Metrics of `run --metrics ADDRESS:PORT` and `batch --metrics …`, in Prometheus' text format at /metrics. Beside it
    /healthz answers 200 as long as the program lives, and /readyz 200 while the graph runs and its sessions
    are connected, 503 otherwise. These names stay; `part` is a stage's or chain's name in the graph.

      fluxgraph_build_info                      version; always 1
      fluxgraph_uptime_seconds                  seconds since the start
      fluxgraph_graphs_running                  graphs under way
      fluxgraph_turns_total                     turns that have ended
      fluxgraph_part_state                      1 for the state a part is in: starting, running, ended, failed
      fluxgraph_audio_seconds_total             seconds of audio through a part
      fluxgraph_dropped_audio_seconds_total     seconds of audio dropped in front of a part
      fluxgraph_chunks_total                    chunks made for Flux
      fluxgraph_queue_waiting                   blocks or events waiting in front of a part
      fluxgraph_queue_capacity                  how many there is room for
      fluxgraph_queue_high_water                the most that ever waited
      fluxgraph_dropped_events_total            events dropped in front of a sink
      fluxgraph_event_latency_seconds           histogram: from an event's arrival at a sink until written
      fluxgraph_connections                     WebSockets to Flux that are open
      fluxgraph_connections_opened_total        WebSockets that were opened
      fluxgraph_connections_failed_total        attempts that failed or were refused
      fluxgraph_reconnects_total                sessions that went on over another connection
      fluxgraph_notices_total                   notices by their words
      fluxgraph_batch_inputs                    inputs of a batch: done, failed, running, waiting, skipped,
                                                interrupted
      fluxgraph_stage_…                         what a stage measures itself, by category and stage
                                                of a `webhook` or `command each`: events_accepted_total,
                                                each of which is one of events_delivered_total, events_waiting,
                                                events_dead_total (dead letters) and events_lost_total
      process_start_time_seconds                when the process began
      process_cpu_seconds_total                 processor time
      process_resident_memory_bytes             memory in use

    """

  private static let tap = """
    usage: fluxgraph tap PATH NAME

    Prints what flows by a name of the graph that runs with `--control PATH`, as JSON lines, until it
    ends: for `heard = mic | flux` every event of `heard`. A stage without a name goes by its own, such
    as `flux`. Of audio, which needs a name, one line a second: format, position, and the level in
    decibels of full scale. A tap that reads too slowly loses lines and is told how many; the graph
    never waits for it.

    """

  private static let check = """
    usage: fluxgraph check FILE… | -e TEXT

    Reads and checks graphs, and prints the plan of each: every stage, also the automatic ones, and
    what flows between them. Nothing is opened, run or dialled.

      -e TEXT            the graph itself
      --set NAME=VALUE   the value of a `param`
      --strict           refuse automatic stages, and decoding through ffmpeg
      --diagnostics FMT  text, or json: one array a graph, places as byte ranges
      --world            look whether files, directories, programs, devices and keys are there; nothing is
                         run or dialled; and how long the files play: what running takes and is billed

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
      --strict           refuse automatic stages, and decoding through ffmpeg

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

  private static let spool = """
    usage: fluxgraph spool ls|redeliver|drop DIRECTORY [SINK]
           fluxgraph spool deliver GRAPH [SINK]
           fluxgraph spool deliver -e TEXT [SINK]

    Works on the directory a webhook's `spool` names, or, to deliver, with the graph that says where
    events go and how they are signed; for all sinks or for one.

      ls          what waits to be delivered, and how many dead letters there are
      deliver     delivers what waits, and runs nothing else of the graph: until nothing is left, which
                  ends with 0, or nothing has been taken for a minute, or for `--drain TIME`, which
                  ends with 69; takes the other options of `run`, too
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

  private static let record = """
    usage: fluxgraph record GRAPH FILE
           fluxgraph record -e TEXT FILE

    Runs a graph as `run` does, with its options, and puts the first session with Flux into FILE:
    the URL, the audio, and every message with its time. The key is not in it. `serve --replay FILE`
    gives the session to any client. FILE is made when the session begins.

      -e TEXT            the graph itself
      --overwrite        replace the recording that FILE holds already; nothing else is ever replaced
      --no-audio         keep a hash in place of the audio; `serve --replay` still tells whether a
                         client sends the same

    """

  private static let plugin = """
    usage: fluxgraph plugin new NAME --kind KIND

    Writes a Swift package with a stage called NAME: its source, a test, a graph, and a command NAME that
    knows it beside all other stages. It builds, passes its test and runs as it is. Nothing is overwritten.

      --kind KIND        source, transform, recogniser, events or sink
      --path DIR         where the package goes; a new directory NAME unless given
      --fluxgraph PLACE  the directory or URL of fluxgraph's own package, unless it is still where this
                         program was built

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
      --replay FILE      give each client a recorded session, paced by its audio
      --fault TEXT       what goes wrong on purpose, such as "drop after=5s"; may be repeated
      --scenario FILE    faults from a file, one a line

    faults: \(FaultPlan.names.joined(separator: ", ")).
    `stall`, `drop` and `close` take after=TIME (of audio), mid-turn or between=eager; `drop` also
    mid-frame and byte=N; `refuse` takes status=, times= and retry-after=; `close` takes code= and
    reason=; latency=TIME takes jitter=TIME; `slow-reader` takes rate=BYTES; those that put something
    into the stream take after=TIME. Any of them takes connection=N and chance=P; seed=N is for all.

    It takes linear16, mulaw, alaw and ogg-opus, and WAV and Ogg Opus without an encoding. What the
    service's documentation leaves open (linear32, bare opus, other sample rates) is refused with 400.

    Programs may ask, and so may a page of the server's own host and port, as behind a reverse proxy
    that passes `Host` on. Pages of other sites are refused with 403, and names that are not of this
    machine's loopback with 421, before anything is started for them; with `--public` any name will do.

    """
}
