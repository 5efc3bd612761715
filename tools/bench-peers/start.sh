# A short file, from the start of the process to its end.

# swift_start NAME IMPORT…: a program that does nothing but bring in these libraries.
swift_start() {
  local name=$1 import
  shift
  for import in "$@"; do printf 'import %s\n' "$import"; done >"$work/$name.swift"
  case $* in
    *FoundationEssentials*) echo 'print(Date.now.timeIntervalSince1970 > 0)' ;;
    *) echo 'print(getpid() > 0)' ;;
  esac >>"$work/$name.swift"
  swiftc -O -static-stdlib "$work/$name.swift" -o "$work/$name" 2>/dev/null
}

bench_start() {
  local runs=25 file=$work/second.opus
  phase 'start'
  compile start
  ffmpeg -nostdin -v error -y -f lavfi -i 'sine=frequency=440:sample_rate=48000:duration=1' -c:a libopus "$file"
  ffmpeg -nostdin -v error -y -i "$file" "$work/second.wav"
  swift_start start-swift Glibc
  swift_start start-foundation Glibc FoundationEssentials
  printf 'int main(void) { return 0; }\n' >"$work/start-c.c"
  cc "$work/start-c.c" -o "$work/start-c"
  cc -Wl,--no-as-needed "$work/start-c.c" -lcurl -lopus -lpulse -o "$work/start-libraries"
  # start_row NAME COMMAND…
  start_row() {
    local name=$1
    shift
    "$work/start" $runs "$@" | awk -F '\t' -v name="$name" '{ printf "| %s | %.1f | %.1f | %.1f |\n", name, $1, $2, $3 / 1024 }'
  }
  {
    printf 'One second of audio to 16 kHz mono, discarded: ms from the start of the process to its end, of %s runs.\n\n' $runs
    printf '| | median ms | smallest | peak MiB |\n|---|--:|--:|--:|\n'
    start_row 'GStreamer, Ogg Opus' gst-launch-1.0 -q filesrc "location=$file" ! oggdemux ! opusdec ! audioconvert \
      ! audioresample ! audio/x-raw,format=S16LE,rate=16000,channels=1 ! fakesink sync=false
    start_row 'fluxgraph, Ogg Opus' "$fluxgraph" run -e "file $file | mix mono | resample 16k | format s16le | chunk 80ms | null"
    start_row 'fluxgraph, WAV' "$fluxgraph" run -e "file $work/second.wav | mix mono | resample 16k | format s16le | chunk 80ms | null"
    start_row 'ffmpeg, Ogg Opus' ffmpeg -nostdin -v error -i "$file" -ac 1 -ar 16000 -f s16le -
    printf '\nWhere the time goes, in programs that do nothing:\n\n| | median ms | smallest | peak MiB |\n|---|--:|--:|--:|\n'
    start_row 'C' "$work/start-c"
    start_row 'C, linked with libcurl, libopus and libpulse' "$work/start-libraries"
    start_row 'Swift, static' "$work/start-swift"
    start_row 'Swift with FoundationEssentials, static' "$work/start-foundation"
    start_row 'fluxgraph version' "$fluxgraph" version
    printf '\nThe program as built: %s MiB; stripped, as `tools/install` installs it: %s MiB.\n' \
      "$(du -m "$fluxgraph" | cut -f 1)" "$(strip -o "$work/stripped" "$fluxgraph" && du -m "$work/stripped" | cut -f 1)"
  } | publish Start
}
