# The local Flux: when it says that turns begin and end, and what is said, on synthetic speech whose turns are known.

bench_turns() {
  local corpus=$work/turns bench made recording model=/usr/share/pocketsphinx/model/en-us
  phase 'turns'
  tools/setup --tests --bench
  # What it is made from is part of it.
  made=$(sha256sum tools/turns/{corpus,sounds}.py tools/turns/sentences*.txt)
  if [ "$(cat "$corpus/made-from" 2>/dev/null)" != "$made" ]; then
    phase 'speaking the corpus, once (some minutes; 1 GB)'
    rm -rf "$corpus"
    .build/peers/bin/python tools/turns/corpus.py "$corpus"
    printf '%s\n' "$made" >"$corpus/made-from"
  fi
  FLUXGRAPH_BENCH=1 swift build -c release --product TurnBench >"$work/turns.log" 2>&1 ||
    fail 70 "the build failed; all of its output is in $work/turns.log"
  bench=$(swift build -c release --show-bin-path)/TurnBench
  phase 'pocketsphinx_continuous hears the clean dialogues, once (some minutes)'
  for recording in "$corpus"/test-*-none.raw; do
    [ -e "$recording.continuous" ] && continue
    pocketsphinx_continuous -hmm $model/en-us -lm $model/en-us.lm.bin -dict $model/cmudict-en-us.dict \
      -infile "$recording" -logfn /dev/null >"$recording.part"
    mv "$recording.part" "$recording.continuous"
  done
  {
    "$bench" report "$corpus" test
    printf '\n'
    "$bench" words "$corpus" test
  } >"$work/turns.report"
  {
    cat <<'END'
Eight voices of flite, espeak-ng and festival and two recorded people, with sentences of their own, other instruments and
other bands, in silence and in noise; nothing was fitted to them, and nothing chosen by them but the last hundredths of one
constant (`haste` in EndOfTurnModel.swift), which the development set gives as 0.15 to 0.2. Each dialogue is one voice's side
of a conversation. What divides its phrases decides what a turn is: pauses of 0.1 to 0.8 s lie within a turn, 1.2 to 3 s of
silence follow one (tools/turns/corpus.py). Times in ms; an event's delay counts to the end of the audio it was sent for,
which is a multiple of 80 ms. A cut-in is an end said in a pause; an `EagerEndOfTurn` there is taken back by `TurnResumed`.
Words are not known here.

END
    cat "$work/turns.report"
  } | publish Turns
  local curve='Delay against cut-ins over thresholds, all noises'
  target 'all noises, default settings: median delay of an end, ms' "$(turns_cell "$curve" 'EndOfTurn at 0.7' 3)" '<= 700'
  target 'all noises, default settings: cut-ins in pauses to 0.5 s, %' "$(turns_cell "$curve" 'EndOfTurn at 0.7' 13)" '<= 2'
  target 'all noises, preset=low-latency: median delay of an end, ms' \
    "$(turns_cell "$curve" 'EagerEndOfTurn at 0.4 (preset=low-latency)' 3)" '<= 400'
  target 'without noise: start event, 90 %, ms' "$(turns_cell 'By noise, default settings' none 5)" '<= 150'
  target 'false turns where nobody speaks' "$(turns_cell 'Nobody speaks' '' 4)" '<= 0'
  target 'words wrong, of those of pocketsphinx_continuous' \
    "$(awk -v ours="$(turns_cell 'Words, dialogues without noise' all 4)" \
      -v theirs="$(turns_cell 'Words, dialogues without noise' all 5)" 'BEGIN { printf "%.2f", ours / theirs }')" '<= 1'
}

# turns_cell SECTION ROW COLUMN: the number there in the report, of every row together where ROW is empty; - where there is none.
turns_cell() {
  awk -F ' *[|] *' -v section="### $1" -v row="$2" -v column="$3" '
    /^### / { inside = $0 == section }
    inside && (row == "" || $2 == row) && $column ~ /^[0-9.]/ { sum += $column; found = 1 }
    END { print found ? sum : "-" }' "$work/turns.report"
}
