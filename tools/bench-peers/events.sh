# From a frame that arrives to the line that is written.

bench_events() {
  local port=9590 rate
  phase 'events'
  compile live-server -lssl -lcrypto
  compile event-reader
  {
    printf 'Updates of a kilobyte, from being sent by another process to being a line another one has read (`stdout json`).\n\n'
    printf '| a second | lines | p50 ms | p99 ms | largest |\n|--:|--:|--:|--:|--:|\n'
    for rate in 1000 12500; do
      port=$((port + 1))
      "$work/live-server" -r $rate $port >/dev/null &
      sleep 0.5
      "$fluxgraph" run -e "tone silence duration=10s rate=16k | flux endpoint=ws://127.0.0.1:$port/v2/listen | stdout json on=[Update]" \
        2>"$work/events.log" | "$work/event-reader" |
        awk -F '\t' -v rate=$rate '{ printf "| %d | %d | %.2f | %.2f | %.2f |\n", rate, $1, $2, $3, $4 }'
      wait
    done
  } | publish Events
}
