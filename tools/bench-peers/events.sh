# From a frame that arrives to the line that is written.

bench_events() {
  local port=9590 rate rounds=3 round server result=$work/events.tsv
  phase 'events'
  compile live-server -lssl -lcrypto
  compile event-reader
  rm -f "$result"
  for ((round = 1; round <= rounds; round++)); do
    for rate in 1000 12500; do
      port=$((port + 1))
      # The server ends with its client, or after a while when none comes.
      timeout 60 "$work/live-server" -r $rate $port >/dev/null &
      server=$!
      sleep 0.5
      printf '%s\t' $rate >>"$result"
      timeout 60 "$fluxgraph" run --stats \
        -e "tone silence duration=10s rate=16k | flux endpoint=ws://127.0.0.1:$port/v2/listen | stdout json on=[Update]" \
        2>"$work/events.log" | "$work/event-reader" >>"$result" || fail 70 "fluxgraph failed, see $work/events.log"
      wait $server
    done
  done
  {
    cat <<'TEXT'
Updates of a kilobyte come for 10 s: ms from the moment another process sends one to the moment a third has read the line
(`stdout json`), so the way through the kernel twice and both of their own turns on the processor are part of it. Median of
three rounds; largest of all.

| a second | lines of a round | p50 ms | p99 ms | largest |
|--:|--:|--:|--:|--:|
TEXT
    for rate in 1000 12500; do
      awk -v rate=$rate '$1 == rate' "$result" | awk -F '\t' -v rate=$rate '
        function middle(value, count,  i, j, swap) {
          for (i = 2; i <= count; i++)
            for (j = i; j > 1 && value[j] < value[j - 1]; j--) { swap = value[j]; value[j] = value[j - 1]; value[j - 1] = swap }
          return value[int((count + 1) / 2)]
        }
        { lines[NR] = $2; half[NR] = $3; most[NR] = $4; if ($5 > largest) largest = $5 }
        END { printf "| %d | %d | %.2f | %.2f | %.1f |\n", rate, middle(lines, NR), middle(half, NR), middle(most, NR), largest }'
    done
  } | publish Events
}
