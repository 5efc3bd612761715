# The local Flux: when it says that turns begin and end, and what is said, on synthetic speech whose turns are known.

bench_turns() {
  local corpus=$work/turns bench recording model=/usr/share/pocketsphinx/model/en-us
  phase 'turns'
  tools/setup --tests
  if [ ! -e "$corpus/corpus.json" ]; then
    phase 'speaking the corpus, once (some minutes; 300 MB)'
    .build/peers/bin/python tools/turns/corpus.py "$corpus"
  fi
  FLUXGRAPH_BENCH=1 swift build -c release --product TurnBench >"$work/turns.log" 2>&1 ||
    fail 70 "the build failed; all of its output is in $work/turns.log"
  bench=$(swift build -c release --show-bin-path)/TurnBench
  # PocketSphinx takes a third of real time; with these three it stays below two minutes.
  for recording in "$corpus"/held-out-{flite-rms,flite-awb,espeak-en-us-f3}-none.raw; do
    [ -e "$recording.continuous" ] ||
      pocketsphinx_continuous -hmm $model/en-us -lm $model/en-us.lm.bin -dict $model/cmudict-en-us.dict \
        -infile "$recording" -logfn /dev/null >"$recording.continuous"
  done
  {
    cat <<'END'
Seven voices of flite and espeak-ng that nothing was fitted to, in silence and in noise; each dialogue is one voice's side
of a conversation. What divides its phrases decides what a turn is: pauses of 0.1 to 0.8 s lie within a turn, 1.2 to 3 s of
silence follow one (tools/turns/corpus.py). Times in ms; an event's delay counts to the end of the audio it was sent for. A
cut-in is an end said in a pause; an `EagerEndOfTurn` there is taken back by `TurnResumed`. Words are not known here.

END
    "$bench" report "$corpus"
    "$bench" words "$corpus"
  } | publish Turns
}
