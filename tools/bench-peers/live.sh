# Many real-time sessions in one process: the client on the first core, a server that costs little on the second.

live_port=9600
live_seconds=20
# What is measured in between: connecting is over, and nothing has ended yet.
live_from=6
live_to=18

# Starts the server with its options on a new port; its line is in $work/server.tsv when it has ended.
start_server() {
  live_port=$((live_port + 1))
  taskset -c 1 "$work/live-server" "$@" $live_port >"$work/server.tsv" &
  server=$!
  sleep 0.5
}

# processor_time PID: what the process has used, in hundredths of a second.
processor_time() { awk '{ print $14 + $15 }' "/proc/$1/stat"; }

# run_client COMMAND…: sets cpu (seconds of a core in the time measured) and peak (KiB); what it prints is in $work/client.out.
run_client() {
  local client before after
  taskset -c 0 "$@" >"$work/client.out" 2>"$work/client.log" &
  client=$!
  sleep $live_from
  before=$(processor_time $client)
  sleep $((live_to - live_from))
  after=$(processor_time $client)
  peak=$(awk '/^VmHWM/ { print $2 }' /proc/$client/status)
  wait $client || fail 70 "$1 failed, see $work/client.log"
  wait "$server"
  cpu=$((after - before))
}

# run_fluxgraph STREAMS SCHEME SOURCE OPTIONS
run_fluxgraph() {
  local index
  for ((index = 0; index < $1; index++)); do
    printf '%s | flux endpoint=%s://127.0.0.1:%s/v2/listen as=s%s %s | null\n' "$3" "$2" $live_port $index "$4"
  done >"$work/live.graph"
  run_client "$fluxgraph" run "$work/live.graph"
}

# missing STREAMS: chunks the server never got.
missing() { awk -F '\t' -v expected=$((live_seconds * 25 / 2 * $1)) '{ print expected - $2 }' "$work/server.tsv"; }

# live_row NAME STREAMS KIB: a row of the table, with what the server saw.
live_row() {
  awk -F '\t' -v name="$1" -v streams="$2" -v cpu="$cpu" -v memory="$3" -v seconds=$((live_to - live_from)) \
    -v missing="$(missing "$2")" '{
    printf "| %s | %d | %.1f | %.3f | %.0f | %.2f | %.2f | %.2f | %d |\n", name, streams, cpu / seconds,
      cpu / seconds / streams * 10, memory, $3, $4, $6, missing
  }' "$work/server.tsv"
}

# median ROWS: of one program's rows the one with the median CPU.
median() { sort -t '|' -k 5,5g "$1" | sed -n 2p; }

# cpu_ratio ROWS ROWS: the median CPU of one program against that of another.
cpu_ratio() {
  awk -v ours="$(median "$1" | cut -d '|' -f 5)" -v theirs="$(median "$2" | cut -d '|' -f 5)" \
    'BEGIN { printf "%.2f", ours / theirs }'
}

# kib_each STREAMS: memory for each stream beyond the first.
kib_each() { echo $(((peak - alone) / ($1 - 1))); }

# The table, and what was to be reached.
live_rows() {
  local source="tone silence duration=${live_seconds}s rate=16k" streams alone peak cpu server rows=$work/live
  printf '| client | streams | CPU %% | ms each s | KiB each | late p50 | p99 | largest | missing |\n'
  printf '|---|--:|--:|--:|--:|--:|--:|--:|--:|\n'
  start_server
  run_fluxgraph 1 ws "$source" resume=cut
  alone=$peak
  rm -f "$rows".{c,python,fluxgraph}
  for _ in 1 2 3; do
    start_server
    run_client "$work/live-client" 500 $live_seconds http://127.0.0.1:$live_port
    live_row 'C, a tick of 2 ms' 500 "$(<"$work/client.out")" >>"$rows.c"
    start_server
    run_client .build/peers/bin/python "$peers/live-client.py" 500 $live_seconds $live_port
    live_row 'websockets, uvloop' 500 "$(<"$work/client.out")" >>"$rows.python"
    start_server
    run_fluxgraph 500 ws "$source" resume=cut
    live_row fluxgraph 500 "$(kib_each 500)" >>"$rows.fluxgraph"
  done
  median "$rows.c"
  median "$rows.python"
  median "$rows.fluxgraph"
  target '500 streams: CPU against the client in C' "$(cpu_ratio "$rows.fluxgraph" "$rows.c")" '<= 1.6'
  target '500 streams: CPU against websockets with uvloop' "$(cpu_ratio "$rows.fluxgraph" "$rows.python")" '<= 0.6'
  target '500 streams: memory of each, ws, KiB' "$(kib_each 500)" '<= 48'
  for streams in 100 1000 3000; do
    start_server
    run_fluxgraph $streams ws "$source" resume=cut
    if [ $streams = 1000 ]; then
      target '1000 streams on one core: p99 of lateness, ms' "$(cut -f 4 "$work/server.tsv")" '<= 10'
      target '1000 streams on one core: chunks missing' "$(missing 1000)" '<= 0'
    fi
    live_row fluxgraph $streams "$(kib_each $streams)"
  done
  start_server
  run_fluxgraph 500 ws "$source" ''
  live_row 'fluxgraph, the open turn kept' 500 "$(kib_each 500)"
  start_server -t 1000000
  run_fluxgraph 500 ws "$source" buffer=10s
  live_row 'fluxgraph, a buffer of 10 s full' 500 "$(kib_each 500)"
  start_server
  run_fluxgraph 300 ws "file $work/live.opus" resume=cut
  live_row 'fluxgraph, from Ogg Opus files' 300 "$(kib_each 300)"
  start_server -k "$work/live.pem"
  run_client "$work/live-client" 500 $live_seconds https://127.0.0.1:$live_port "$work/live.crt"
  live_row 'C, TLS' 500 "$(<"$work/client.out")"
  start_server -k "$work/live.pem"
  run_fluxgraph 1 wss "$source" "resume=cut ca=$work/live.crt"
  alone=$peak
  start_server -k "$work/live.pem"
  run_fluxgraph 500 wss "$source" "resume=cut ca=$work/live.crt"
  live_row 'fluxgraph, TLS' 500 "$(kib_each 500)"
  target '500 streams: memory of each, wss, KiB' "$(kib_each 500)" '<= 112'
}

bench_live() {
  phase 'live (eight minutes)'
  ulimit -n 20000
  compile live-server -lssl -lcrypto
  compile live-client -lcurl
  ffmpeg -nostdin -v error -y -f lavfi -i "sine=frequency=300:sample_rate=48000:duration=$live_seconds" -c:a libopus \
    -b:a 32k "$work/live.opus"
  openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=127.0.0.1 -addext subjectAltName=IP:127.0.0.1 \
    -keyout "$work/live.key" -out "$work/live.crt" 2>/dev/null
  cat "$work/live.crt" "$work/live.key" >"$work/live.pem"
  live_rows >"$work/live.md"
  {
    printf 'Streams of 80 ms chunks in real time, a TurnInfo of a kilobyte every 240 ms. CPU: %% of one core, once all are\n'
    printf 'connected; ms each s: of it for each stream. KiB: peak memory for each stream beyond the first, with nothing kept\n'
    printf 'for a repetition (`resume=cut`) unless it is said. Late: ms a chunk arrives after its stream'"'"'s schedule. Missing:\n'
    printf 'chunks that never came. The first three rows are medians by CPU of three rounds in turn. fluxgraph sends on a tick of\n4 ms.\n\n'
    cat "$work/live.md"
  } | publish 'Live sessions'
}
