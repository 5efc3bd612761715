import Testing

@testable import GraphLanguage

/// A graph, what it is checked with, and the whole text that comes out.
struct DiagnosticCase: Sendable, CustomTestStringConvertible {
  var code: String
  var graph: String
  var parameters: [String: String]
  var strict: Bool
  var files: [String: String]
  var text: String

  init(
    _ code: String, _ graph: String, parameters: [String: String] = [:], strict: Bool = false,
    files: [String: String] = [:], _ text: String
  ) {
    self.code = code
    self.graph = graph
    self.parameters = parameters
    self.strict = strict
    self.files = files
    self.text = text
  }

  var testDescription: String { "\(code): \(graph)" }
}

@Suite struct DiagnosticTests {
  @Test("each mistake is told in these words", arguments: cases)
  func text(_ sample: DiagnosticCase) {
    let result = check(
      sample.graph, parameters: sample.parameters, strict: sample.strict, files: sample.files)
    #expect(result.rendered(color: false) == sample.text + "\n")
    #expect(result.diagnostics.contains { $0.code == sample.code })
    #expect((result.plan == nil) == result.diagnostics.contains { $0.severity == .error })
  }

  @Test("every code has an example")
  func complete() {
    let shown = Set(Self.cases.map(\.code))
    // These need a large text, another catalogue and a disk: see `ParserTests.bounds`, `AdapterTests.missingAdapter` and
    // `MissingFileTests`.
    let elsewhere: Set<String> = ["too-large", "no-adapter", "missing-file"]
    #expect(Set(DiagnosticCode.allCases.map(\.rawValue)).subtracting(shown) == elsewhere)
  }

  static let cases: [DiagnosticCase] = [
    DiagnosticCase(
      "secret-on-command-line", "param key\nmic | flux key=$key | stdout", parameters: ["key": "s3cr3t"],
      #"""
      warning[secret-on-command-line]: `--set key=…` puts a secret on the command line, which everyone on this machine can read
        = help: put it into the environment or into a `.env` file, and name the variable: `param key = env(NAME)`

      """#),
    DiagnosticCase(
      "secret-in-path", "param key\nmic | flux key=$key | jsonl turns-{$key}.jsonl",
      parameters: ["key": "s3cr3t"],
      #"""
      warning[secret-on-command-line]: `--set key=…` puts a secret on the command line, which everyone on this machine can read
        = help: put it into the environment or into a `.env` file, and name the variable: `param key = env(NAME)`

      error[secret-in-path]: the name of this file would hold a secret, `$key`
        ┌─ t.graph:2:29
      2 │ mic | flux key=$key | jsonl turns-{$key}.jsonl
        │                             ^^^^^^^^^^^^^^^^^^
        = help: name it by something else

      """#),
    DiagnosticCase(
      "unusable-secret", "param key\nmic | flux key=$key | stdout", parameters: ["key": "s3cr3t "],
      #"""
      warning[secret-on-command-line]: `--set key=…` puts a secret on the command line, which everyone on this machine can read
        = help: put it into the environment or into a `.env` file, and name the variable: `param key = env(NAME)`

      error[unusable-secret]: the value of `--set key=…` ends with a blank
        = help: take that out of the value

      """#),
    DiagnosticCase(
      "audio-expected", "heard = mic | flux\nheard | wav out.wav",
      #"""
      error[audio-expected]: `wav` takes audio, but `heard` carries events
        ┌─ t.graph:2:9
      1 │ heard = mic | flux
        │               ---- gives events here
      2 │ heard | wav out.wav
        │         ^^^ takes audio
        = help: name the audio before `flux`, and use the name twice: `sound = …`, `sound | flux`, `sound | wav`

      """#),
    DiagnosticCase(
      "audio-expected", "mic | flux | where event == EndOfTurn | resample 16k | null",
      #"""
      error[audio-expected]: `resample` takes audio, but `where` gives events
        ┌─ t.graph:1:41
      1 │ mic | flux | where event == EndOfTurn | resample 16k | null
        │                                         ^^^^^^^^ takes audio
        │              ----- gives events here
        = help: name the audio before `flux`, and use the name twice: `sound = …`, `sound | flux`, `sound | resample`

      """#),
    DiagnosticCase(
      "bad-escape", "mic | flux | stdout \"a\\tb\"",
      #"""
      error[bad-escape]: texts know no `\t`
        ┌─ t.graph:1:23
      1 │ mic | flux | stdout "a\tb"
        │                       ^^
        = help: there are `\"`, `\\`, `\n` and `\{`; a backslash is written `\\`

      """#),
    DiagnosticCase(
      "bad-name", "my-mic = mic",
      #"""
      error[bad-name]: a name has letters, digits and `_`, and does not begin with a digit
        ┌─ t.graph:1:1
      1 │ my-mic = mic
        │ ^^^^^^
        = help: call it `my_mic`

      """#),
    DiagnosticCase(
      "bad-predicate", "mic | flux | where final | stdout",
      #"""
      error[bad-predicate]: a comparison is missing behind `final`
        ┌─ t.graph:1:20
      1 │ mic | flux | where final | stdout
        │                    ^^^^^
        = help: write `final == true`

      """#),
    DiagnosticCase(
      "bracket-not-closed", "mic | flux keyterm=[\"a\", \"b\"\nx = mic | null",
      #"""
      error[bracket-not-closed]: this `[` is never closed
        ┌─ t.graph:1:20
      1 │ mic | flux keyterm=["a", "b"
        │                    ^
        = help: close it with `]`

      """#),
    DiagnosticCase(
      "bytes-expected", "mic | decode | null",
      #"""
      error[bytes-expected]: `decode` takes bytes, but `mic` gives audio
        ┌─ t.graph:1:7
      1 │ mic | decode | null
        │       ^^^^^^ takes bytes
        │ --- gives audio here
        = help: leave `decode` out: the audio is decoded already

      """#),
    DiagnosticCase(
      "channels-mismatch", "tone channels=3 | widen | null",
      #"""
      error[channels-mismatch]: `widen` takes stereo, but `tone` gives 3 channels
        ┌─ t.graph:1:19
      1 │ tone channels=3 | widen | null
        │                   ^^^^^ takes stereo
        │ ---- gives 3 channels

      """#),
    DiagnosticCase(
      "duplicate-name", "a = mic\nb = mic\na = monitor\na, b | mix | null",
      #"""
      error[duplicate-name]: the name `a` is used twice
        ┌─ t.graph:3:1
      1 │ a = mic
        │ - first bound here
      3 │ a = monitor
        │ ^
        = help: give one of them another name

      """#),
    DiagnosticCase(
      "duplicate-name", "param a = 1\nparam a = 2\ntone $a | null",
      #"""
      error[duplicate-name]: the parameter `a` is defined twice
        ┌─ t.graph:2:7
      1 │ param a = 1
        │       - first defined here
      2 │ param a = 2
        │       ^

      """#),
    DiagnosticCase(
      "duplicate-option", "mic | flux keyterm=[a] keyterm=[b] | null",
      #"""
      error[duplicate-option]: `keyterm` is given twice
        ┌─ t.graph:1:24
      1 │ mic | flux keyterm=[a] keyterm=[b] | null
        │                        ^^^^^^^^^^^
        │            ----------- first given here
        = help: write all values into one list: `keyterm=[a, b]`

      """#),
    DiagnosticCase(
      "duplicate-stream", "a = mic | flux\na, a | stdout",
      #"""
      error[duplicate-stream]: `a` is joined with itself
        ┌─ t.graph:2:4
      2 │ a, a | stdout
        │    ^
        │ - first here

      """#),
    DiagnosticCase(
      "empty-graph", "# nothing here\n",
      #"""
      error[empty-graph]: the graph has no stages
        = help: for example `file talk.opus | flux | stdout`

      """#),
    DiagnosticCase(
      "events-expected", "file talk.opus | stdout",
      #"""
      error[events-expected]: `stdout` takes events, but `file` gives bytes
        ┌─ t.graph:1:18
      1 │ file talk.opus | stdout
        │                  ^^^^^^ takes events
        │ ---- gives bytes here
        = help: put `flux` between them: `| flux | stdout`

      """#),
    DiagnosticCase(
      "implicit-adapter", "file talk.opus | flux | stdout", strict: true,
      #"""
      error[implicit-adapter]: `flux` needs 6 stages that are not written before it
        ┌─ t.graph:1:18
      1 │ file talk.opus | flux | stdout
        │                  ^^^^
        = help: write `decode | mix mono | resample 16k | format s16le | chunk 80ms | pace 1x | flux`, or leave out `--strict`

      """#),
    DiagnosticCase(
      "input-read-twice", "stdin | null\nstdin live | null",
      #"""
      error[input-read-twice]: standard input can be read by one stage only
        ┌─ t.graph:2:1
      1 │ stdin | null
        │ ----- reads it already
      2 │ stdin live | null
        │ ^^^^^
        = help: give it a name and use the name twice: `sound = stdin`, `sound | …`, `sound | …`

      """#),
    DiagnosticCase(
      "known-mistake", "mic | flux language=en | stdout",
      #"""
      error[known-mistake]: `language` is an option of Deepgram's v1 models
        ┌─ t.graph:1:12
      1 │ mic | flux language=en | stdout
        │            ^^^^^^^^^^^
        = help: the language is part of the model: `model=flux-general-en`

      """#),
    DiagnosticCase(
      "known-mistake", "mic | flux endpoint=wss://api.deepgram.com/v1/listen | stdout",
      #"""
      error[known-mistake]: `/v1/listen` does not speak Flux
        ┌─ t.graph:1:21
      1 │ mic | flux endpoint=wss://api.deepgram.com/v1/listen | stdout
        │                     ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
        = help: Flux is at `/v2/listen`

      """#),
    DiagnosticCase(
      "missing-option", "mic | resample | null",
      #"""
      error[missing-option]: `resample` needs `rate`: the rate that comes out
        ┌─ t.graph:1:7
      1 │ mic | resample | null
        │       ^^^^^^^^
        = help: for example `resample 16k`

      """#),
    DiagnosticCase(
      "missing-parameter", "param input\nfile $input | null",
      #"""
      error[missing-parameter]: the parameter `input` has no value
        ┌─ t.graph:1:7
      1 │ param input
        │       ^^^^^
        = help: give it one on the command line, `--set input=…`, or a default here: `param input = …`

      """#),
    DiagnosticCase(
      "missing-stage", "mic |\nstdout",
      #"""
      error[missing-stage]: a stage is missing behind `|`
        ┌─ t.graph:1:5
      1 │ mic |
        │     ^
        = help: to continue on the next line, indent it, or begin it with `|`

      """#),
    DiagnosticCase(
      "missing-value", "mic | flux model= | stdout",
      #"""
      error[missing-value]: the value of `model` is missing
        ┌─ t.graph:1:12
      1 │ mic | flux model= | stdout
        │            ^^^^^^
        = help: the value follows `=` without a blank

      """#),
    DiagnosticCase(
      "missing-value", "mic | flux model | stdout",
      #"""
      error[missing-value]: the value of `model` is missing
        ┌─ t.graph:1:12
      1 │ mic | flux model | stdout
        │            ^^^^^
        = help: write `model="text"`

      """#),
    DiagnosticCase(
      "missing-variable", "mic | flux key=env(DEEPGRAM_API_KEY) | stdout",
      #"""
      error[missing-variable]: the environment variable `DEEPGRAM_API_KEY` is not set
        ┌─ t.graph:1:16
      1 │ mic | flux key=env(DEEPGRAM_API_KEY) | stdout
        │                ^^^^^^^^^^^^^^^^^^^^^
        = help: set it before running: `export DEEPGRAM_API_KEY=…`, or write it into a `.env` file beside the graph

      """#),
    DiagnosticCase(
      "mixed-union", "a = mic\nb = a | flux\na, b | stdout",
      #"""
      error[mixed-union]: streams of different types cannot be joined
        ┌─ t.graph:3:1
      1 │ a = mic
        │     --- gives audio here
      3 │ a, b | stdout
        │ ^ carries audio
        │    - carries events
        = help: put `flux` behind it: `mic … | flux`

      """#),
    DiagnosticCase(
      "name-hides-stage", "flux = mic\nflux | null",
      #"""
      warning[name-hides-stage]: the name `flux` hides the stage of that name
        ┌─ t.graph:1:1
      1 │ flux = mic
        │ ^^^^
        = help: call it `my_flux`

      """#),
    DiagnosticCase(
      "no-output", "log = mic | flux | webhook https://x.example/\nlog | stdout",
      #"""
      error[no-output]: `log` stands for the sink `webhook`, and nothing comes out of it
        ┌─ t.graph:2:1
      1 │ log = mic | flux | webhook https://x.example/
        │                    ------- a sink
      2 │ log | stdout
        │ ^^^
        = help: its port is used as `log.dead`

      """#),
    DiagnosticCase(
      "no-sink", "mic | gain -3dB",
      #"""
      error[no-sink]: this chain has no sink: what `gain` gives goes nowhere
        ┌─ t.graph:1:7
      1 │ mic | gain -3dB
        │       ^^^^
        = help: end it with a sink such as `| stdout`, or give it a name, `heard = …`, and use that

      """#),
    DiagnosticCase(
      "no-sink", "a = mic",
      #"""
      error[no-sink]: the graph has no sink: nothing would come out of it
        ┌─ t.graph:1:5
      1 │ a = mic
        │     ^^^
        = help: end a chain with a sink such as `| stdout`

      """#),
    DiagnosticCase(
      "not-a-source", "flux | stdout",
      #"""
      error[not-a-source]: `flux` takes audio, and nothing comes before it
        ┌─ t.graph:1:1
      1 │ flux | stdout
        │ ^^^^
        = sources: `file`, `mic`, `monitor`, `stdin`, `tone`
        = help: begin with a source, or with the name of a stream

      """#),
    DiagnosticCase(
      "odd-character", "file “talk.opus” | null",
      #"""
      error[odd-character]: texts are quoted with `"`, not with `“`
        ┌─ t.graph:1:6
      1 │ file “talk.opus” | null
        │      ^
        = help: write `"talk.opus"`

      """#),
    DiagnosticCase(
      "out-of-range", "mic | flux eot_threshold=1.5 | stdout",
      #"""
      error[out-of-range]: `eot_threshold` must lie between 0.5 and 0.9
        ┌─ t.graph:1:26
      1 │ mic | flux eot_threshold=1.5 | stdout
        │                          ^^^
        = help: write `eot_threshold=0.9`

      """#),
    DiagnosticCase(
      "pace-behind-live", "mic | pace 1x | null",
      #"""
      warning[pace-behind-live]: a live source sets the pace itself: `pace` adds a second clock
        ┌─ t.graph:1:7
      1 │ mic | pace 1x | null
        │       ^^^^
        = help: leave `pace` out

      """#),
    DiagnosticCase(
      "reserved-word", "mic | flux | else => stdout",
      #"""
      error[reserved-word]: `else` is the last arm of a `route`
        ┌─ t.graph:1:14
      1 │ mic | flux | else => stdout
        │              ^^^^
        = help: write `… | route { event == EndOfTurn => stdout; else => null }`

      """#),
    DiagnosticCase(
      "bad-test", "heard = mic | flux\nheard | stdout\ntest \"one\" {\n  feed heard from a.jsonl\n}",
      #"""
      error[bad-test]: this test expects nothing
        ┌─ t.graph:3:6
      3 │ test "one" {
        │      ^^^^^
        = help: add a line such as `expect heard count == 2`

      """#),
    DiagnosticCase(
      "bad-test",
      "crm = mic | flux | null\ntest \"one\" {\n  feed crm from a.jsonl\n  expect crm count == 1\n}",
      #"""
      error[bad-test]: `crm` is a sink: events are fed into what comes before it
        ┌─ t.graph:3:8
      1 │ crm = mic | flux | null
        │                    ---- a sink
      3 │   feed crm from a.jsonl
        │        ^^^

      """#),
    DiagnosticCase(
      "event-never-sent", "mic | flux | where event == EagerEndOfTurn | stdout",
      #"""
      warning[event-never-sent]: `EagerEndOfTurn` is matched but never sent
        ┌─ t.graph:1:29
      1 │ mic | flux | where event == EagerEndOfTurn | stdout
        │                             ^^^^^^^^^^^^^^
        │       ---- does not send it
        = help: set `eager_eot_threshold` on `flux` in line 1

      """#),
    DiagnosticCase(
      "route-without-output", "heard = mic | flux\nx = heard | route {\n  else => stdout\n}",
      #"""
      error[route-without-output]: a `route` has no output of its own that could be called `x`
        ┌─ t.graph:2:1
      2 │ x = heard | route {
        │ ^
        │             ----- this route
        = help: name its arms: `event == EndOfTurn => x`

      """#),
    DiagnosticCase(
      "route-without-output", "mic | flux | route {\n  else => null\n} | stdout",
      #"""
      error[route-without-output]: nothing comes out of a `route` but by its arms
        ┌─ t.graph:3:5
      1 │ mic | flux | route {
        │              ----- this route
      3 │ } | stdout
        │     ^^^^^^
        = help: write `stdout` into the arms, or name them and use the names

      """#),
    DiagnosticCase(
      "fields-not-filled", "mic | flux as=\"{date}\" keyterm=[\"awk {print}\", \"{clock}\"] | stdout",
      #"""
      warning[fields-not-filled]: `as` is no template: `{date}` stays as it is
        ┌─ t.graph:1:15
      1 │ mic | flux as="{date}" keyterm=["awk {print}", "{clock}"] | stdout
        │               ^^^^^^^^

      warning[fields-not-filled]: `keyterm` is no template: `{clock}` stays as it is
        ┌─ t.graph:1:48
      1 │ mic | flux as="{date}" keyterm=["awk {print}", "{clock}"] | stdout
        │                                                ^^^^^^^^^

      """#),
    DiagnosticCase(
      "unusual-value", "mic | flux eot_threshold=0.95 | stdout",
      #"""
      warning[unusual-value]: `eot_threshold` is known to work between 0.5 and 0.9; the service may refuse this
        ┌─ t.graph:1:26
      1 │ mic | flux eot_threshold=0.95 | stdout
        │                          ^^^^
        = help: write `eot_threshold=0.9`

      """#),
    DiagnosticCase(
      "unreadable-file", "use \"other.graph\"\nmic | null",
      #"""
      error[unreadable-file]: cannot open /graphs/other.graph: No such file
        ┌─ t.graph:1:5
      1 │ use "other.graph"
        │     ^^^^^^^^^^^^^
        = help: the path is relative to the directory of the graph it is written in

      """#),
    DiagnosticCase(
      "chain-left-out", "use a.graph\nsound | null",
      files: ["/graphs/a.graph": "sound = mic\nsound | flux | stdout\nsound | wav x.wav"],
      #"""
      note[chain-left-out]: 2 chains of `a.graph` without a name do not run here
        ┌─ t.graph:1:5
      1 │ use a.graph
        │     ^^^^^^^
        ┌─ /graphs/a.graph:2:1
      2 │ sound | flux | stdout
        │ --------------------- left out
      3 │ sound | wav x.wav
        │ ----------------- left out
        = help: what is to run here as well needs a name there: `NAME = …`

      """#),
    DiagnosticCase(
      "not-a-graph", "use \"passwd\"\nmic | null",
      files: ["/graphs/passwd": "root:x:0:0:root:/root:/bin/bash"],
      #"""
      error[not-a-graph]: `passwd` is no graph: no stage is named in it
        ┌─ t.graph:1:5
      1 │ use "passwd"
        │     ^^^^^^^^
        = help: `use` takes over the names and parameters of another graph

      """#),
    DiagnosticCase(
      "use-cycle", "use \"a.graph\"\nmic | null",
      files: ["/graphs/a.graph": "use b.graph\n", "/graphs/b.graph": "# two\nuse a.graph"],
      #"""
      error[use-cycle]: `a.graph` uses this graph in turn
        ┌─ /graphs/b.graph:2:5
      2 │ use a.graph
        │     ^^^^^^^
        ┌─ /graphs/a.graph:1:5
      1 │ use b.graph
        │     ------- by way of this
        = help: move what both need into a third graph, and use that in both

      """#),
    DiagnosticCase(
      "duplicate-name", "use \"a.graph\"\nheard = mic | flux\nheard | stdout",
      files: ["/graphs/a.graph": "heard = mic | flux"],
      #"""
      error[duplicate-name]: the name `heard` is used twice
        ┌─ t.graph:2:1
      2 │ heard = mic | flux
        │ ^^^^^
        ┌─ /graphs/a.graph:1:1
      1 │ heard = mic | flux
        │ ----- first bound here
        = help: give one of them another name

      """#),
    DiagnosticCase(
      "unknown-field", "mic | flux | route {\n  transcipt == \"\" => null\n  else => stdout\n}",
      #"""
      error[unknown-field]: no event has a field `transcipt`
        ┌─ t.graph:2:3
      2 │   transcipt == "" => null
        │   ^^^^^^^^^ did you mean `transcript`?

      """#),
    DiagnosticCase(
      "unused-name", "mic | flux | route {\n  event == EndOfTurn => stdot\n  else => null\n}",
      #"""
      warning[unused-name]: the stream `stdot` is never used
        ┌─ t.graph:2:25
      2 │   event == EndOfTurn => stdot
        │                         ^^^^^ did you mean the sink `stdout`?
        = help: use it: `stdot | stdout`

      """#),
    DiagnosticCase(
      "events-expected", "mic | route {\n  event == EndOfTurn => null\n  else => stdout\n}",
      #"""
      error[events-expected]: `route` takes events, but `mic` gives audio
        ┌─ t.graph:1:7
      1 │ mic | route {
        │       ^^^^^ takes events
        │ --- gives audio here
        = help: put `flux` between them: `| flux | route`

      """#),
    DiagnosticCase(
      "secret-in-graph", "mic | flux key=\"dg_0123456789\" | stdout",
      #"""
      error[secret-in-graph]: a secret must not be written into the graph
        ┌─ t.graph:1:16
      1 │ mic | flux key=••• | stdout
        │                ^^^ hidden here
        = help: put it into the environment or into a `.env` file, and name the variable: `env(NAME)`

      """#),
    DiagnosticCase(
      "secret-in-graph", "param key = dg_0123456789\nmic | flux key=$key | stdout",
      #"""
      error[secret-in-graph]: a secret must not be written into the graph
        ┌─ t.graph:1:13
      1 │ param key = •••
        │             ^^^ hidden here
      2 │ mic | flux key=$key | stdout
        │                ---- used as a secret here
        = help: put it into the environment or into a `.env` file: `param key = env(NAME)`

      """#),
    DiagnosticCase(
      "sink-in-the-middle", "mic | flux | stdout | jsonl log.jsonl",
      #"""
      error[sink-in-the-middle]: `stdout` is a sink: the chain ends with it
        ┌─ t.graph:1:14
      1 │ mic | flux | stdout | jsonl log.jsonl
        │              ^^^^^^
        │                       ----- nothing can follow
        = help: name what comes before it and use the name twice: `heard = … | flux`, `heard | stdout`, `heard | jsonl`

      """#),
    DiagnosticCase(
      "source-in-the-middle", "mic | file talk.opus | null",
      #"""
      error[source-in-the-middle]: `file` is a source: it can only begin a chain
        ┌─ t.graph:1:7
      1 │ mic | file talk.opus | null
        │       ^^^^
        │ --- comes before it
        = help: begin a chain of its own with it

      """#),
    DiagnosticCase(
      "spaced-option", "mic | flux model = x | stdout",
      #"""
      error[spaced-option]: an option is written without blanks around `=`
        ┌─ t.graph:1:18
      1 │ mic | flux model = x | stdout
        │                  ^
        = help: leave the blanks out, as in `name=value`

      """#),
    DiagnosticCase(
      "string-not-closed", "mic | flux | stdout \"{transcript}",
      #"""
      error[string-not-closed]: this text is never closed
        ┌─ t.graph:1:21
      1 │ mic | flux | stdout "{transcript}
        │                     ^
        = help: close it on its line, with `"`; `\n` is a line break in it

      """#),
    DiagnosticCase(
      "too-deep", "mic | flux keyterm=[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[ | stdout",
      #"""
      error[too-deep]: brackets are nested too deeply
        ┌─ t.graph:1:52
      1 │ mic | flux keyterm=[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[ | stdout
        │                                                    ^

      """#),
    DiagnosticCase(
      "too-many-values", "mic | resample 16k 8k | null",
      #"""
      error[too-many-values]: `resample` takes one value
        ┌─ t.graph:1:20
      1 │ mic | resample 16k 8k | null
        │                    ^^
        = options of `resample`: `rate`

      """#),
    DiagnosticCase(
      "two-audio-streams", "a = mic\nb = monitor\na, b | flux | stdout",
      #"""
      error[two-audio-streams]: two audio streams cannot be joined with `,`, except directly into `mix`
        ┌─ t.graph:3:1
      3 │ a, b | flux | stdout
        │ ^^^^ carry audio
        │        ---- takes one stream
        = help: one transcript of both: `a, b | mix mono | flux`; who said what: a `flux` for each, with `as=me` and `as=them`

      """#),
    DiagnosticCase(
      "unexpected-text", "a = mic | flux\na live | stdout",
      #"""
      error[unexpected-text]: `a` is a stream and takes no options
        ┌─ t.graph:2:3
      1 │ a = mic | flux
        │ - bound here
      2 │ a live | stdout
        │   ^^^^
        = help: join it to a stage with `|`

      """#),
    DiagnosticCase(
      "unknown-event", "mic | flux | where event == EndOfTrun | stdout",
      #"""
      error[unknown-event]: no event is called `EndOfTrun`
        ┌─ t.graph:1:29
      1 │ mic | flux | where event == EndOfTrun | stdout
        │                             ^^^^^^^^^ did you mean `EndOfTurn`?
        = events: Update, StartOfTurn, EagerEndOfTurn, TurnResumed, EndOfTurn, Notice

      """#),
    DiagnosticCase(
      "unknown-field", "mic | flux | stdout \"{transcipt}\"",
      #"""
      error[unknown-field]: no event has a field `transcipt`
        ┌─ t.graph:1:23
      1 │ mic | flux | stdout "{transcipt}"
        │                       ^^^^^^^^^ did you mean `transcript`?

      """#),
    DiagnosticCase(
      "unknown-field", "mic | flux | where cofidence > 0.5 | stdout",
      #"""
      error[unknown-field]: no event has a field `cofidence`
        ┌─ t.graph:1:20
      1 │ mic | flux | where cofidence > 0.5 | stdout
        │                    ^^^^^^^^^ did you mean `confidence`?

      """#),
    DiagnosticCase(
      "unknown-name", "heard = mic | flux\nherd, heard | stdout",
      #"""
      error[unknown-name]: no stream is called `herd`
        ┌─ t.graph:2:1
      2 │ herd, heard | stdout
        │ ^^^^ did you mean `heard`?

      """#),
    DiagnosticCase(
      "unknown-option", "mic | flux eot_treshold=0.8 | stdout",
      #"""
      error[unknown-option]: `flux` has no option `eot_treshold`
        ┌─ t.graph:1:12
      1 │ mic | flux eot_treshold=0.8 | stdout
        │            ^^^^^^^^^^^^ did you mean `eot_threshold`?
        = list its options with `fluxgraph inspect flux`

      """#),
    DiagnosticCase(
      "unknown-option", "mic | flux | stdout lvie",
      #"""
      error[unknown-option]: `stdout` has no flag `lvie`
        ┌─ t.graph:1:21
      1 │ mic | flux | stdout lvie
        │                     ^^^^ did you mean `live`?

      """#),
    DiagnosticCase(
      "unknown-parameter", "param hook = https://x.example\nmic | flux | webhook $hok",
      #"""
      error[unknown-parameter]: the graph has no parameter `hok`
        ┌─ t.graph:2:22
      2 │ mic | flux | webhook $hok
        │                      ^^^^ did you mean `$hook`?

      """#),
    DiagnosticCase(
      "unknown-parameter", "param input = a.wav\nfile $input | null", parameters: ["inptu": "b.wav"],
      #"""
      error[unknown-parameter]: `--set inptu=…`: the graph has no parameter `inptu`
        = parameters: `input`
        = help: did you mean `--set input=…`?

      """#),
    DiagnosticCase(
      "unknown-port", "crm = mic | flux | webhook https://x.example\ncrm.daed | stdout",
      #"""
      error[unknown-port]: `crm` has no port `daed`
        ┌─ t.graph:2:5
      1 │ crm = mic | flux | webhook https://x.example
        │                    ------- stands for this
      2 │ crm.daed | stdout
        │     ^^^^ did you mean `dead`?
        = ports of `webhook`: `dead`

      """#),
    DiagnosticCase(
      "unknown-stage", "talk.opus | flux | stdout",
      #"""
      error[unknown-stage]: no stage or stream is called `talk.opus`
        ┌─ t.graph:1:1
      1 │ talk.opus | flux | stdout
        │ ^^^^^^^^^ did you mean `file talk.opus`?

      """#),
    DiagnosticCase(
      "unknown-stage", "mic | fluxx eot_threshold=9 | stdout",
      #"""
      error[unknown-stage]: no stage is called `fluxx`
        ┌─ t.graph:1:7
      1 │ mic | fluxx eot_threshold=9 | stdout
        │       ^^^^^ did you mean `flux`?

      """#),
    DiagnosticCase(
      "unknown-value", "mic | flux language_hint=[en, fe] | stdout",
      #"""
      error[unknown-value]: `language_hint` does not know `fe`
        ┌─ t.graph:1:31
      1 │ mic | flux language_hint=[en, fe] | stdout
        │                               ^^ did you mean `fr`?
        = there are `en`, `es`, `fr`

      """#),
    DiagnosticCase(
      "unused-name", "mic | flux | stdout\nspare = monitor | flux",
      #"""
      warning[unused-name]: the stream `spare` is never used
        ┌─ t.graph:2:1
      2 │ spare = monitor | flux
        │ ^^^^^
        = help: use it: `spare | stdout`

      """#),
    DiagnosticCase(
      "unused-parameter", "param x = 1\nmic | null",
      #"""
      warning[unused-parameter]: the parameter `x` is never used
        ┌─ t.graph:1:7
      1 │ param x = 1
        │       ^
        = help: a parameter is used as `$x`

      """#),
    DiagnosticCase(
      "use-before-definition", "heard | stdout\nheard = mic | flux",
      #"""
      error[use-before-definition]: `heard` is used before it is defined
        ┌─ t.graph:1:1
      1 │ heard | stdout
        │ ^^^^^
      2 │ heard = mic | flux
        │ ----- defined here
        = help: move the definition up: names are known from there on

      """#),
    DiagnosticCase(
      "value-after-option", "tone channels=2 440 | null",
      #"""
      error[value-after-option]: values come before options
        ┌─ t.graph:1:17
      1 │ tone channels=2 440 | null
        │                 ^^^
        │      ---------- options begin here
        = help: write `frequency=440`, or move it to the front

      """#),
    DiagnosticCase(
      "wrong-comparison", "mic | flux | where transcript > 3 and confidence ~ \"x\" | stdout",
      #"""
      error[wrong-comparison]: `transcript` is a text, and `3` is not
        ┌─ t.graph:1:33
      1 │ mic | flux | where transcript > 3 and confidence ~ "x" | stdout
        │                                 ^
        │                    ---------- a text
        = help: write `"3"`

      error[wrong-comparison]: `confidence` is a number and cannot be compared with `~`
        ┌─ t.graph:1:50
      1 │ mic | flux | where transcript > 3 and confidence ~ "x" | stdout
        │                                                  ^
        = help: numbers are compared with `==`, `<`, `>` and so on

      """#),
    DiagnosticCase(
      "wrong-comparison", "mic | flux | where confidence == \"x\" | stdout",
      #"""
      error[wrong-comparison]: `confidence` is a number, and `"x"` is not
        ┌─ t.graph:1:34
      1 │ mic | flux | where confidence == "x" | stdout
        │                                  ^^^
        │                    ---------- a number

      """#),
    DiagnosticCase(
      "wrong-type", "mic | gain loud | null",
      #"""
      error[wrong-type]: `level` wants a level in decibels, such as `-3dB`
        ┌─ t.graph:1:12
      1 │ mic | gain loud | null
        │            ^^^^

      """#),
    DiagnosticCase(
      "wrong-type", "mic | flux | stdout \"{transcript\"",
      #"""
      error[wrong-type]: `template`: this `{` is never closed; a plain brace is written `\{`
        ┌─ t.graph:1:22
      1 │ mic | flux | stdout "{transcript"
        │                      ^

      """#),
    DiagnosticCase(
      "wrong-unit", "mic | flux eot_timeout=5000 | stdout",
      #"""
      error[wrong-unit]: `eot_timeout` wants a duration: the number needs a unit (ms, s, m, h)
        ┌─ t.graph:1:24
      1 │ mic | flux eot_timeout=5000 | stdout
        │                        ^^^^
        = help: write `eot_timeout=5000ms`

      """#),
    DiagnosticCase(
      "eager-above-eot", "mic | flux eot_threshold=0.6 eager_eot_threshold=0.65 | stdout",
      #"""
      error[eager-above-eot]: `eager_eot_threshold` (0.65) must not be above `eot_threshold` (0.6)
        ┌─ t.graph:1:30
      1 │ mic | flux eot_threshold=0.6 eager_eot_threshold=0.65 | stdout
        │                              ^^^^^^^^^^^^^^^^^^^^^^^^
        │            ----------------- together with this
        = help: raise `eot_threshold` or lower the eager value

      """#),
  ]
}
