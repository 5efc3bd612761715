# A short file, from the start of the process to its end.

# swift_start NAME IMPORT STATEMENT [OPTION…]: a Swift program that does no more than use one thing of a library.
swift_start() {
  local name=$1 import=$2 statement=$3
  shift 3
  printf 'import %s\n%s\n' "$import" "$statement" >"$work/$name.swift"
  swiftc -O "$@" "$work/$name.swift" -o "$work/$name" 2>"$work/$name.log" ||
    fail 70 "$name.swift does not compile: $(tail -n 3 "$work/$name.log")"
}

# start_round FILE NAME COMMAND…: appends "NAME<TAB>median ms<TAB>smallest ms<TAB>peak KiB" of some runs.
start_round() {
  local file=$1 name=$2
  shift 2
  printf '%s\t%s\n' "$name" "$("$work/start" "$runs" "$@")" >>"$file"
}

# start_medians FILE: the same over all rounds, in the order of the file: median of medians, smallest, largest peak.
start_medians() {
  awk -F '\t' '
    !($1 in count) { order[++names] = $1 }
    {
      middle[$1, ++count[$1]] = $2
      if (!($1 in least) || $3 < least[$1]) least[$1] = $3
      if ($4 > peak[$1]) peak[$1] = $4
    }
    END {
      for (position = 1; position <= names; position++) {
        name = order[position]
        for (i = 2; i <= count[name]; i++)
          for (j = i; j > 1 && middle[name, j] < middle[name, j - 1]; j--) {
            swap = middle[name, j]; middle[name, j] = middle[name, j - 1]; middle[name, j - 1] = swap
          }
        printf "%s\t%.2f\t%.2f\t%d\n", name, middle[name, int((count[name] + 1) / 2)], least[name], peak[name]
      }
    }' "$1"
}

start_table() {
  printf '| | median ms | smallest | peak MiB |\n|---|--:|--:|--:|\n'
  start_medians "$1" | awk -F '\t' '{ printf "| %s | %.1f | %.1f | %.1f |\n", $1, $2, $3, $4 / 1024 }'
}

start_ratio() {
  start_medians "$1" | awk -F '\t' -v ours="$2" -v theirs="$3" '
    $1 == ours { a = $2 }
    $1 == theirs { b = $2 }
    END { printf "%.2f\n", a / b }'
}

mebibytes() { awk -v bytes="$(stat -L -c %s "$1")" 'BEGIN { printf "%.1f", bytes / 1048576 }'; }

bench_start() {
  local runs=25 rounds=5 round opus=$work/second.opus wav=$work/second.wav static kinds name
  local chunks='mix mono | resample 16k | format s16le | chunk 80ms | null' pcm='audio/x-raw,format=S16LE,rate=16000,channels=1'
  phase 'start: building the program as tools/install does (the first time takes some minutes)'
  local build=(swift build -c release --product fluxgraph --static-swift-stdlib --scratch-path .build/static)
  "${build[@]}" >"$work/static.log" 2>&1 || fail 70 "the build failed; all of its output is in $work/static.log"
  static=$work/fluxgraph-static
  strip -o "$static" "$("${build[@]}" --show-bin-path)/fluxgraph"
  phase 'start'
  compile start
  ffmpeg -nostdin -v error -y -f lavfi -i 'sine=frequency=440:sample_rate=48000:duration=1' -ac 2 -c:a libopus "$opus"
  ffmpeg -nostdin -v error -y -i "$opus" "$wav"
  printf 'int main(void) { return 0; }\n' >"$work/start-c.c"
  cc -O2 "$work/start-c.c" -o "$work/start-c"
  cc -O2 -Wl,--no-as-needed "$work/start-c.c" -lopus -o "$work/start-opus"
  cc -O2 -Wl,--no-as-needed "$work/start-c.c" -lpulse -o "$work/start-pulse"
  cc -O2 -Wl,--no-as-needed "$work/start-c.c" -lcurl -o "$work/start-curl"
  cc -O2 -Wl,--no-as-needed "$work/start-c.c" -lcurl -lopus -lpulse -o "$work/start-libraries"
  swift_start start-swift Glibc 'exit(getpid() > 0 ? 0 : 1)'
  swift_start start-essentials FoundationEssentials 'print(Date.now.timeIntervalSince1970 > 0)'
  swift_start start-foundation Foundation 'print(Locale.current.identifier)'
  swift_start start-swift-static Glibc 'exit(getpid() > 0 ? 0 : 1)' -static-stdlib
  swift_start start-essentials-static FoundationEssentials 'print(Date.now.timeIntervalSince1970 > 0)' -static-stdlib
  swift_start start-foundation-static Foundation 'print(Locale.current.identifier)' -static-stdlib
  rm -f "$work"/start-*.tsv
  for ((round = 1; round <= rounds; round++)); do
    for kinds in opus:oggdemux:opusdec wav:wavparse:identity; do
      IFS=: read -r name demuxer decoder <<<"$kinds"
      start_round "$work/start-$name.tsv" GStreamer gst-launch-1.0 -q filesrc "location=$work/second.$name" ! "$demuxer" \
        ! "$decoder" ! audioconvert ! audioresample ! "$pcm" ! fakesink sync=false
      start_round "$work/start-$name.tsv" fluxgraph "$static" run -e "file $work/second.$name | $chunks"
      start_round "$work/start-$name.tsv" 'fluxgraph, Swift as shared libraries' "$fluxgraph" run -e "file $work/second.$name | $chunks"
      start_round "$work/start-$name.tsv" ffmpeg ffmpeg -nostdin -v error -i "$work/second.$name" -ac 1 -ar 16000 -f s16le -
    done
    start_round "$work/start-costs.tsv" 'C, empty' "$work/start-c"
    start_round "$work/start-costs.tsv" 'and linked with libopus' "$work/start-opus"
    start_round "$work/start-costs.tsv" 'and linked with libpulse' "$work/start-pulse"
    start_round "$work/start-costs.tsv" 'and linked with libcurl' "$work/start-curl"
    start_round "$work/start-costs.tsv" 'and linked with all three' "$work/start-libraries"
    start_round "$work/start-costs.tsv" 'Swift, empty, static' "$work/start-swift-static"
    start_round "$work/start-costs.tsv" 'Swift with FoundationEssentials, static' "$work/start-essentials-static"
    start_round "$work/start-costs.tsv" 'Swift with Foundation, static' "$work/start-foundation-static"
    start_round "$work/start-costs.tsv" '`fluxgraph version`, static' "$static" version
    start_round "$work/start-costs.tsv" 'Swift, empty, shared' "$work/start-swift"
    start_round "$work/start-costs.tsv" 'Swift with FoundationEssentials, shared' "$work/start-essentials"
    start_round "$work/start-costs.tsv" 'Swift with Foundation, shared' "$work/start-foundation"
    start_round "$work/start-costs.tsv" '`fluxgraph version`, shared' "$fluxgraph" version
  done
  {
    printf 'One second of audio to 16 kHz mono s16, discarded: ms from the start of the process to its end; %s rounds of %s runs each,\n' $rounds $runs
    printf 'the median of their medians.\n\n### From Ogg Opus\n\n'
    start_table "$work/start-opus.tsv"
    printf '\n### From WAV\n\n'
    start_table "$work/start-wav.tsv"
    target 'start to end of one second, Ogg Opus: against GStreamer' "$(start_ratio "$work/start-opus.tsv" fluxgraph GStreamer)" '<= 1.5'
    target 'start to end of one second, WAV: against GStreamer' "$(start_ratio "$work/start-wav.tsv" fluxgraph GStreamer)" '<= 1.5'
    printf '\n### What of that is what\n\nPrograms that do nothing, and so what linking, Foundation and the run-time cost:\n\n'
    start_table "$work/start-costs.tsv"
    printf '\n`tools/install` builds with Swift'"'"'s libraries inside and strips: %s MiB. With shared libraries: %s MiB, stripped %s MiB,\n' \
      "$(mebibytes "$static")" "$(mebibytes "$fluxgraph")" "$(strip -o "$work/stripped" "$fluxgraph" && mebibytes "$work/stripped")"
    printf 'and %s MiB of libraries beside it.\n' "$(ldd "$fluxgraph" | awk '$3 ~ /\/swift\// { print $3 }' | xargs -r stat -L -c %s |
      awk '{ sum += $1 } END { printf "%.1f", sum / 1048576 }')"
  } | publish Start
}
