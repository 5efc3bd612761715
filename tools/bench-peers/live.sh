# Many real-time sessions in one process: the client on the first core, a server that costs little on the second.

live_port=9600

# Starts the server with its options on a new port; its line is in $work/server.tsv when it has ended.
start_server() {
  live_port=$((live_port + 1))
  taskset -c 1 "$work/live-server" "$@" $live_port >"$work/server.tsv" &
  server=$!
  sleep 0.5
}

# live_fluxgraph STREAMS SCHEME SOURCE OPTIONS: prints CPU seconds, peak KiB.
live_fluxgraph() {
  local index
  for ((index = 0; index < $1; index++)); do
    printf '%s | flux endpoint=%s://127.0.0.1:%s/v2/listen as=s%s %s | null\n' "$3" "$2" $live_port $index "$4"
  done >"$work/live.graph"
  taskset -c 0 env time -f '%U %S %M' -o "$work/live.time" "$fluxgraph" run "$work/live.graph" 2>"$work/live.log" ||
    fail 70 "fluxgraph failed, see $work/live.log"
  tail -n 1 "$work/live.time" | awk '{ printf "%.2f\t%d\n", $1 + $2, $3 }'
}

# live_row NAME STREAMS CPU KIB: a row of the table, with what the server saw. CPU "-" where it was not measured.
live_row() {
  wait "$server"
  awk -F '\t' -v name="$1" -v streams="$2" -v cpu="$3" -v memory="$4" -v seconds=$live_seconds '{
    printf "| %s | %d | %.1f | %.4f | %s | %.2f | %.2f | %.2f |\n", name, streams, cpu / seconds * 100,
      cpu / seconds * 100 / streams, memory == "" ? "" : sprintf("%.0f", memory), $3, $4, $6
  }' "$work/server.tsv"
}

bench_live() {
  local live_seconds=20 source="tone silence duration=20s rate=16k" streams cpu memory alone base
  phase 'live (six minutes)'
  ulimit -n 20000
  compile live-server -lssl -lcrypto
  compile live-client -lcurl
  ffmpeg -nostdin -v error -y -f lavfi -i "sine=frequency=300:sample_rate=48000:duration=$live_seconds" -c:a libopus \
    -b:a 32k "$work/live.opus"
  openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=127.0.0.1 -addext subjectAltName=IP:127.0.0.1 \
    -keyout "$work/live.key" -out "$work/live.crt" 2>/dev/null
  cat "$work/live.crt" "$work/live.key" >"$work/live.pem"
  {
    printf 'Streams of 80 ms chunks in real time for %s s, a TurnInfo of a kilobyte every 240 ms. CPU: %% of one core, with\n' $live_seconds
    printf 'what it takes to connect. KiB: peak memory for each stream beyond the first, with nothing kept for a repetition\n'
    printf '(`resume=cut`). Late: ms a chunk arrives after its stream'"'"'s schedule.\n\n'
    printf '| client | streams | CPU %% | of it each | KiB each | late p50 | p99 | largest |\n|---|--:|--:|--:|--:|--:|--:|--:|\n'
    start_server
    IFS=$'\t' read -r cpu memory < <(taskset -c 0 "$work/live-client" 500 $live_seconds http://127.0.0.1:$live_port)
    live_row 'C, a tick of 2 ms' 500 "$cpu" "$memory"
    start_server
    IFS=$'\t' read -r cpu memory < <(taskset -c 0 .build/peers/bin/python "$peers/live-client.py" 500 $live_seconds $live_port)
    live_row 'websockets, uvloop' 500 "$cpu" "$memory"
    start_server
    IFS=$'\t' read -r cpu alone < <(live_fluxgraph 1 ws "$source" resume=cut)
    wait "$server"
    for streams in 500 100 1000 3000; do
      start_server
      IFS=$'\t' read -r cpu memory < <(live_fluxgraph $streams ws "$source" resume=cut)
      live_row fluxgraph $streams "$cpu" $(((memory - alone) / (streams - 1)))
    done
    start_server
    IFS=$'\t' read -r cpu memory < <(live_fluxgraph 500 ws "$source" '')
    live_row 'fluxgraph, the open turn kept' 500 "$cpu" $(((memory - alone) / 499))
    start_server
    IFS=$'\t' read -r cpu memory < <(live_fluxgraph 300 ws "file $work/live.opus" resume=cut)
    live_row 'fluxgraph, from Ogg Opus files' 300 "$cpu" $(((memory - alone) / 299))
    start_server -k "$work/live.pem"
    IFS=$'\t' read -r cpu memory < <(taskset -c 0 "$work/live-client" 500 $live_seconds https://127.0.0.1:$live_port "$work/live.crt")
    live_row 'C, TLS' 500 "$cpu" "$memory"
    start_server -k "$work/live.pem"
    IFS=$'\t' read -r cpu alone < <(live_fluxgraph 1 wss "$source" "resume=cut ca=$work/live.crt")
    wait "$server"
    start_server -k "$work/live.pem"
    IFS=$'\t' read -r cpu memory < <(live_fluxgraph 500 wss "$source" "resume=cut ca=$work/live.crt")
    live_row 'fluxgraph, TLS' 500 "$cpu" $(((memory - alone) / 499))
  } | publish 'Live sessions'
}
