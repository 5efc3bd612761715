extension Explanation {
  /// The pages of the language's own codes.
  static let language: [Explanation] = [
    Explanation(
      .audioExpected,
      "A stage that takes audio stands behind one that gives events. Audio becomes events in `flux`, and nothing turns events back into audio.",
      "heard = file talk.opus | flux\nheard | resample 16k | null",
      "sound = file talk.opus\nsound | flux | stdout\nsound | resample 16k | null"),
    Explanation(
      .bytesExpected,
      "A decoder takes the bytes of a file and stands directly behind the source that reads them. What comes here is decoded already, or is no sound.",
      "file talk.opus | decode | decode | flux | stdout",
      "file talk.opus | decode | flux | stdout"),
    Explanation(
      .badEscape,
      "In a quoted text a backslash begins one of four escapes: a quote, a backslash, a line break or an open brace. A backslash itself is written twice.",
      "file \"a\\tb.opus\" | flux | stdout",
      "file \"a\\\\tb.opus\" | flux | stdout"),
    Explanation(
      .badName,
      "The name of a stream or a parameter has letters, digits and underscores, and does not begin with a digit.",
      "my-talk = file talk.opus\nmy-talk | flux | stdout",
      "my_talk = file talk.opus\nmy_talk | flux | stdout"),
    Explanation(
      .badPredicate,
      "A condition compares fields of events with constants, by `==`, `!=`, `<`, `<=`, `>`, `>=`, `~`, `!~` and `in`, joined by `and`, `or` and `not`.",
      "file talk.opus | flux | where event = EndOfTurn | stdout",
      "file talk.opus | flux | where event == EndOfTurn | stdout"),
    Explanation(
      .badTest,
      "A test has lines `feed NAME from FILE`, and lines `expect NAME count == 2` or `expect NAME[0].transcript == \"…\"`. It must expect something.",
      "heard = file talk.opus | flux\nheard | stdout\ntest \"turns\" {\n  feed heard from turns.jsonl\n}",
      "heard = file talk.opus | flux\nheard | stdout\ntest \"turns\" {\n  feed heard from turns.jsonl\n  expect heard count == 2\n}"
    ),
    Explanation(
      .bracketNotClosed,
      "A bracket, parenthesis or brace was opened and nothing closes it before the next item begins.",
      "file talk.opus | flux keyterm=[\"a\" | stdout",
      "file talk.opus | flux keyterm=[\"a\"] | stdout"),
    Explanation(
      .chainLeftOut,
      """
      `use` takes over what has a name in another graph: its other chains and its tests are that graph's own, and do not run here. \
      A chain that is to run in both gets a name there. Nothing is wrong when they are meant to stay where they are; where \
      nothing has a name, nothing is taken over, and it is a warning.
      """,
      nil,
      nil),
    Explanation(
      .channelsMismatch,
      "A stage takes a number of channels that what comes before it does not have, and channels are never made up.",
      nil,
      nil),
    Explanation(
      .duplicateName,
      "Two streams, two parameters or two tests have one name.",
      "heard = file a.opus | flux\nheard = file b.opus | flux\nheard | stdout",
      "heard = file a.opus | flux\nother = file b.opus | flux\nheard, other | stdout"),
    Explanation(
      .duplicateOption,
      "An option is given twice to one stage. Several values of one option are written as a list.",
      "file talk.opus | flux keyterm=[\"a\"] keyterm=[\"b\"] | stdout",
      "file talk.opus | flux keyterm=[\"a\", \"b\"] | stdout"),
    Explanation(
      .duplicateStream,
      "A stream is joined with itself: every event would come twice.",
      "heard = file talk.opus | flux\nheard, heard | stdout",
      "heard = file talk.opus | flux\nheard | stdout"),
    Explanation(
      .emptyGraph,
      "The graph has no chain of stages, so there is nothing to run.",
      "# nothing yet",
      "file talk.opus | flux | stdout"),
    Explanation(
      .eventNeverSent,
      "A condition waits for an event that the recogniser before it does not send the way it is set up: EagerEndOfTurn and TurnResumed are only sent when `eager_eot_threshold` is set.",
      "file talk.opus | flux | where event == EagerEndOfTurn | stdout json",
      "file talk.opus | flux eager_eot_threshold=0.5 | where event == EagerEndOfTurn | stdout json"),
    Explanation(
      .eventsExpected,
      "A stage that takes events stands behind one that gives audio or bytes. Audio becomes events in `flux`.",
      "file talk.opus | stdout",
      "file talk.opus | flux | stdout"),
    Explanation(
      .implicitAdapter,
      "With `--strict` every stage must be written, also those that otherwise go between two stages by themselves to decode, mix, resample, convert, cut or pace.",
      "file talk.opus | null",
      "file talk.opus | decode | null", strict: true),
    Explanation(
      .inputReadTwice,
      "Two stages read standard input. Each byte comes only once, so that each of them would get some of the sound. One stage reads it, and its name stands for what it gives as often as needed.",
      "stdin | flux as=one | stdout\nstdin | resample 16k | null",
      "sound = stdin\nsound | flux as=one | stdout\nsound | resample 16k | null"),
    Explanation(
      .knownMistake,
      "An option or a value that people are known to write by mistake, mostly one of Deepgram's older models. The message says what takes its place.",
      "file talk.opus | flux model=flux | stdout",
      "file talk.opus | flux model=flux-general-en | stdout"),
    Explanation(
      .missingFile,
      "`run` looks for the files a graph reads before it starts anything, and one is not there. Paths are relative to the directory of the graph, and to the working directory with `-e`.",
      nil,
      nil),
    Explanation(
      .missingOption,
      "A stage needs an option that is not given.",
      "file talk.opus | resample | null",
      "file talk.opus | resample 16k | null"),
    Explanation(
      .missingParameter,
      "A parameter without a default must be given on the command line, with `--set NAME=…`.",
      "param input\nfile $input | flux | stdout",
      "param input = talk.opus\nfile $input | flux | stdout"),
    Explanation(
      .missingStage,
      "A chain is stages joined with `|`, and one is missing before or behind a `|`, or behind the `=>` of a route's arm.",
      "file talk.opus | | flux | stdout",
      "file talk.opus | flux | stdout"),
    Explanation(
      .missingValue,
      "An option, a parameter, `use` or `test` is written without the value it needs. A value follows `=` without a blank.",
      "file talk.opus | flux eot_threshold= | stdout",
      "file talk.opus | flux eot_threshold=0.8 | stdout"),
    Explanation(
      .missingVariable,
      "`env(NAME)` names a variable that is neither set in the environment nor in a `.env` file beside the graph or in the working directory, and there is no default.",
      "file env(FLUXGRAPH_NO_SUCH_FILE) | flux | stdout",
      "file env(FLUXGRAPH_NO_SUCH_FILE, talk.opus) | flux | stdout"),
    Explanation(
      .mixedUnion,
      "`a, b` joins streams of one type. One of these carries audio and another events.",
      "sound = file talk.opus\nheard = sound | flux\nsound, heard | null",
      "sound = file talk.opus\nheard = sound | flux\nsound | null\nheard | null"),
    Explanation(
      .nameHidesStage,
      "A name that is also the name of a stage means the stream from here on. That is allowed, so that new stages never break old graphs, but it may not be meant.",
      "null = file talk.opus | flux\nnull | stdout",
      "heard = file talk.opus | flux\nheard | stdout"),
    Explanation(
      .noAdapter,
      "What comes does not fit what is taken, and this program has no stage that could go between.",
      nil,
      nil),
    Explanation(
      .noOutput,
      "A name that stands for a sink is used as if something came out of it. Only a sink's ports give anything.",
      "log = file talk.opus | flux | jsonl turns.jsonl\nlog | stdout",
      "heard = file talk.opus | flux\nheard | jsonl turns.jsonl\nheard | stdout"),
    Explanation(
      .noSink,
      "A chain ends in a stage whose output goes nowhere. End it in a sink, or give it a name and use that.",
      "file talk.opus | flux",
      "file talk.opus | flux | stdout"),
    Explanation(
      .notAGraph,
      "What `use` names is no graph: it is empty, or no stage is named in it. `use` takes over the names and parameters of another graph.",
      nil,
      nil),
    Explanation(
      .notASource,
      "A chain begins with a stage that takes something, and nothing comes before it.",
      "flux | stdout",
      "file talk.opus | flux | stdout"),
    Explanation(
      .oddCharacter,
      "A character that looks like another, as word processors and web pages insert them: typographic quotes, special blanks, control characters.",
      "file “talk.opus” | flux | stdout",
      "file \"talk.opus\" | flux | stdout"),
    Explanation(
      .outOfRange,
      "A number outside what the option allows.",
      "file talk.opus | flux eot_threshold=1.5 | stdout",
      "file talk.opus | flux eot_threshold=0.8 | stdout"),
    Explanation(
      .paceBehindLive,
      "`pace` slows a file down to real time. A live source is as fast as time itself, and a second clock beside it loses audio sooner or later.",
      nil,
      nil),
    Explanation(
      .reservedWord,
      "A word of the language cannot be the name of a stream or a parameter, and some words only stand in their own places.",
      "in = file talk.opus\nin | flux | stdout",
      "my_in = file talk.opus\nmy_in | flux | stdout"),
    Explanation(
      .routeWithoutOutput,
      "Events leave a `route` by its arms alone: `condition => NAME` names what an arm takes, and the name is used afterwards.",
      "turns = file talk.opus | flux | route { event == EndOfTurn => stdout; else => null }",
      "file talk.opus | flux | route { event == EndOfTurn => turns; else => null }\nturns | stdout"),
    Explanation(
      .secretInGraph,
      "A graph is shared and kept; a key in it would be too. Name where it is to be had: `env(NAME)`, `secret(file:…)` or `secret(exec:[…])`.",
      "file talk.opus | flux key=\"0123456789abcdef\" | stdout",
      "file talk.opus | flux key=secret(file:key.txt) | stdout"),
    Explanation(
      .secretInPath,
      "The name of a file is seen by everybody who lists its directory, and in every message about it. A parameter that holds a secret is no part of it.",
      nil,
      nil),
    Explanation(
      .secretOnCommandLine,
      "Every user of a machine can see the command lines of its programs, and shells keep them. Put the secret into the environment or into a `.env` file, and have the parameter name the variable: `param key = env(NAME)`.",
      nil,
      nil),
    Explanation(
      .sinkInTheMiddle,
      "Nothing comes out of a sink, so nothing can follow it. Name what comes before it and use the name twice.",
      "file talk.opus | flux | jsonl turns.jsonl | stdout",
      "heard = file talk.opus | flux\nheard | jsonl turns.jsonl\nheard | stdout"),
    Explanation(
      .sourceInTheMiddle,
      "A source takes nothing, so it can only begin a chain.",
      "file a.opus | file b.opus | flux | stdout",
      "file a.opus | flux | stdout\nfile b.opus | flux | stdout"),
    Explanation(
      .spacedOption,
      "An option is one word: its name, `=` and its value without blanks between.",
      "file talk.opus | flux eot_threshold = 0.8 | stdout",
      "file talk.opus | flux eot_threshold=0.8 | stdout"),
    Explanation(
      .stringNotClosed,
      "A quoted text ends on the line it begins in.",
      "file \"talk.opus | flux | stdout",
      "file \"talk.opus\" | flux | stdout"),
    Explanation(
      .tooDeep,
      "Brackets, conditions, blocks or graphs that use one another are nested deeper than anyone can read.",
      nil,
      nil),
    Explanation(
      .tooLarge,
      "A graph has at most 1 MB, a condition 256 comparisons, and a block 64 lines.",
      nil,
      nil),
    Explanation(
      .tooManyValues,
      "A stage has more values than it takes. Everything that is no value of its own has a name: `option=value`.",
      "file a.opus b.opus | flux | stdout",
      "file a.opus | flux | stdout"),
    Explanation(
      .twoAudioStreams,
      "Two audio streams meet only in `mix`. One transcript of both comes from `mix`; who said what, from a `flux` for each.",
      "a = file a.opus\nb = file b.opus\na, b | flux | stdout",
      "a = file a.opus | flux as=a\nb = file b.opus | flux as=b\na, b | stdout"),
    Explanation(
      .unexpectedText,
      "Something stands where nothing of its kind can stand. Stages are joined with `|`, names with `,`, and an item ends with its line.",
      "param input = talk.opus other.opus\nfile $input | flux | stdout",
      "param input = talk.opus\nfile $input | flux | stdout"),
    Explanation(
      .unknownEvent,
      "Events have one of the names Update, StartOfTurn, EagerEndOfTurn, TurnResumed, EndOfTurn and Notice.",
      "file talk.opus | flux | where event == EndOfTrun | stdout",
      "file talk.opus | flux | where event == EndOfTurn | stdout"),
    Explanation(
      .unknownField,
      "A condition or a template names a field no event has.",
      "file talk.opus | flux | where transcipt != \"\" | stdout",
      "file talk.opus | flux | where transcript != \"\" | stdout"),
    Explanation(
      .unknownName,
      "A name is used that no stream has.",
      "heard = file talk.opus | flux\nherd, heard | stdout",
      "heard = file talk.opus | flux\nheard | stdout"),
    Explanation(
      .unknownOption,
      "A stage has no option of this name. `fluxgraph inspect STAGE` lists those it has.",
      "file talk.opus | flux eot_treshold=0.8 | stdout",
      "file talk.opus | flux eot_threshold=0.8 | stdout"),
    Explanation(
      .unknownParameter,
      "`$name` stands for a parameter that the graph does not define.",
      "param input = talk.opus\nfile $inptu | flux | stdout",
      "param input = talk.opus\nfile $input | flux | stdout"),
    Explanation(
      .unknownPort,
      "`name.port` names an output that the stage does not have.",
      "heard = file talk.opus | flux\nheard | stdout\nheard.notes | stdout",
      "heard = file talk.opus | flux\nheard | stdout\nheard.notices | stdout"),
    Explanation(
      .unknownStage,
      "No stage has this name. `fluxgraph inspect` lists those there are.",
      "file talk.opus | fluxx | stdout",
      "file talk.opus | flux | stdout"),
    Explanation(
      .unknownValue,
      "An option takes one of a few words, and this is none of them.",
      "file talk.opus | format s16 | null",
      "file talk.opus | format s16le | null"),
    Explanation(
      .unreadableFile,
      "A graph named by `use` cannot be read. Its path is relative to the graph that names it.",
      "use \"no-such-file.graph\"\nfile talk.opus | flux | stdout",
      "file talk.opus | flux | stdout"),
    Explanation(
      .unusedName,
      "A stream has a name and nobody listens to it; it is left out when the graph runs.",
      "heard = file talk.opus | flux\nextra = file b.opus | flux\nheard | stdout",
      "heard = file talk.opus | flux\nheard | stdout"),
    Explanation(
      .unusedParameter,
      "A parameter is defined and nothing depends on it.",
      "param input = talk.opus\nfile talk.opus | flux | stdout",
      "param input = talk.opus\nfile $input | flux | stdout"),
    Explanation(
      .fieldsNotFilled,
      "A value has a field or a parameter in braces, as a template does, and its option is no template: the braces stay as they are. `fluxgraph inspect` shows which options are.",
      "file talk.opus | flux as=\"{date}\" | stdout",
      "file talk.opus | flux as=talk | stdout"),
    Explanation(
      .unusableSecret,
      "A key, a token or a header from the environment, a `.env` file or `--set` is empty, begins or ends with white space, stands in quotes, or holds what no header can. That is how it was copied, and not what it is; the service would refuse it. `run` ends with exit code 77 before anything is opened.",
      nil,
      nil),
    Explanation(
      .unusualValue,
      "A number outside what the service is known to take today. It may take more by now; if it does not, it refuses the connection.",
      "file talk.opus | flux eot_threshold=0.4 | stdout",
      "file talk.opus | flux eot_threshold=0.5 | stdout"),
    Explanation(
      .useBeforeDefinition,
      "Names and parameters are known from their definition on: a graph is read from top to bottom, so that nothing can run in a circle.",
      "heard | stdout\nheard = file talk.opus | flux",
      "heard = file talk.opus | flux\nheard | stdout"),
    Explanation(
      .useCycle,
      "Two graphs use each other, directly or by way of others. What both need belongs into a third.",
      nil,
      nil),
    Explanation(
      .valueAfterOption,
      "Values come first, in the order `inspect` shows, then options and flags in any order.",
      "file talk.opus | flux | stdout on=[Update] \"{transcript}\"",
      "file talk.opus | flux | stdout \"{transcript}\" on=[Update]"),
    Explanation(
      .wrongComparison,
      "A field is compared with a value of another type, or in a way its type does not know.",
      "file talk.opus | flux | where turn == first | stdout",
      "file talk.opus | flux | where turn == 1 | stdout"),
    Explanation(
      .wrongType,
      "A value is of another type than the option: a list is written in brackets, a text template in quotes.",
      "file talk.opus | flux keyterm=\"Deepgram\" | stdout",
      "file talk.opus | flux keyterm=[\"Deepgram\"] | stdout"),
    Explanation(
      .wrongUnit,
      "The unit is part of the value: durations are written `80ms`, `5s`, `1h`, rates `16k`, sizes `64MB`, levels `-3dB`, speeds `1.25x`.",
      "file talk.opus | flux eot_timeout=5 | stdout",
      "file talk.opus | flux eot_timeout=5s | stdout"),
  ]
}
