# An hour of audio to 16 kHz mono s16.

# make_audio OPUS WAV48 WAV44: voices with pauses over a faint noise, 48 kHz stereo: about half an hour of speech, repeated; the
# noise does not repeat. The words are those of the GPL, which every Debian system has.
make_audio() {
  local temporary=$work/making voices=(en-us en-gb+m5 en-us+f3 en-gb en-us+m7 en-us+f2) index=0 line
  rm -rf "$temporary"
  mkdir "$temporary"
  tr -s ' \n' ' ' </usr/share/common-licenses/GPL-3 | sed 's/[.;:] /&\n/g' |
    while read -r line; do
      espeak-ng -v "${voices[index % ${#voices[@]}]}" -s $((130 + index * 37 % 70)) -w "$temporary/line.wav" -- "$line"
      tail -c +45 "$temporary/line.wav"                # 22.05 kHz mono s16, without the header
      head -c $((4410 * (index * 7 % 9 + 1))) /dev/zero  # a pause of 0.1 to 0.9 s
      index=$((index + 1))
    done >"$temporary/speech.raw"
  # The voice stands a little to the left, so that both channels carry something.
  ffmpeg -nostdin -v error -y -stream_loop -1 -f s16le -ar 22050 -ac 1 -i "$temporary/speech.raw" \
    -f lavfi -i 'anoisesrc=sample_rate=48000:amplitude=0.003:color=pink:seed=1' \
    -filter_complex '[0]aresample=48000,pan=stereo|c0=0.9*c0|c1=0.7*c0[voice]; [1]pan=stereo|c0=c0|c1=c0[noise];
                     [voice][noise]amix=inputs=2:normalize=0' \
    -t "$seconds" -c:a libopus -b:a 64k -vbr constrained -bitexact "$temporary/audio.opus"
  ffmpeg -nostdin -v error -y -i "$temporary/audio.opus" -c:a pcm_s16le "$temporary/48.wav"
  ffmpeg -nostdin -v error -y -i "$temporary/audio.opus" -ar 44100 -c:a pcm_s16le "$temporary/44.wav"
  mv "$temporary/48.wav" "$2"
  mv "$temporary/44.wav" "$3"
  mv "$temporary/audio.opus" "$1"
  rm -r "$temporary"
}

# opus_round FILE INPUT and wav_round FILE INPUT: every program once, so that all of them see the same moods of the machine.
opus_round() {
  measure "$1" 'libopus alone' "$work/opus" "$2"
  measure "$1" fluxgraph "$fluxgraph" run -e "file $2 | $chunks"
  measure "$1" 'ffmpeg, its own decoder' ffmpeg -nostdin -v error -i "$2" -ac 1 -ar 16000 -f s16le -
  measure "$1" 'ffmpeg, libopus' ffmpeg -nostdin -v error -c:a libopus -i "$2" -ac 1 -ar 16000 -f s16le -
  measure "$1" 'GStreamer' gst-launch-1.0 -q filesrc "location=$2" ! oggdemux ! opusdec ! audioconvert \
    ! audioresample ! "$pcm" ! audiobuffersplit output-buffer-duration=80/1000 ! fakesink sync=false
}

wav_round() {
  local gstreamer=(gst-launch-1.0 -q filesrc "location=$2" ! wavparse ! audioconvert ! audioresample)
  local split=(! "$pcm" ! audiobuffersplit output-buffer-duration=80/1000 ! fakesink sync=false)
  measure "$1" fluxgraph "$fluxgraph" run -e "file $2 | $chunks"
  measure "$1" 'GStreamer' "${gstreamer[@]}" "${split[@]}"
  measure "$1" 'GStreamer, quality=10' "${gstreamer[@]}" quality=10 "${split[@]}"
  measure "$1" 'ffmpeg' ffmpeg -nostdin -v error -i "$2" -ac 1 -ar 16000 -f s16le -
  measure "$1" 'ffmpeg, soxr' ffmpeg -nostdin -v error -i "$2" -af aresample=16000:resampler=soxr -ac 1 -f s16le -
}

# medians FILE: NAME, CPU seconds, seconds between the slowest and the fastest run, largest peak in KiB; tabs between them.
medians() {
  sort -t $'\t' -k 1,1 -s "$1" | awk -F '\t' '
    function finish(  i, j, swap) {
      if (count == 0) return
      for (i = 2; i <= count; i++)
        for (j = i; j > 1 && cpu[j] < cpu[j - 1]; j--) { swap = cpu[j]; cpu[j] = cpu[j - 1]; cpu[j - 1] = swap }
      printf "%s\t%.3f\t%.2f\t%d\n", name, cpu[int((count + 1) / 2)], cpu[count] - cpu[1], largest
      count = largest = 0
    }
    $1 != name { finish(); name = $1 }
    {
      split($2, value, " ")
      cpu[++count] = value[1] + value[2]
      if (value[4] > largest) largest = value[4]
    }
    END { finish() }'
}

# of FILE NAME and ratio FILE NAME: the median of NAME, and that of fluxgraph divided by it.
of() { medians "$1" | awk -F '\t' -v name="$2" '$1 == name { print $2 }'; }
ratio() { awk -v ours="$(of "$1" fluxgraph)" -v theirs="$(of "$1" "$2")" 'BEGIN { printf "%.3f\n", ours / theirs }'; }

# throughput_table FILE: as Markdown, quickest first.
throughput_table() {
  printf '| | CPU s | spread | x real time | peak MiB | fluxgraph against it |\n|---|--:|--:|--:|--:|--:|\n'
  medians "$1" | sort -t $'\t' -k 2,2n | awk -F '\t' -v seconds="$seconds" -v ours="$(of "$1" fluxgraph)" '
    { printf "| %s | %.2f | %.2f | %.0f | %.1f | %.3f |\n", $1, $2, $3, seconds / $2, $4 / 1024, ours / $2 }'
  echo
}

# peak FILE: the memory fluxgraph needs for it at most, in KiB.
peak() {
  rm -f "$work/peak.tsv"
  measure "$work/peak.tsv" fluxgraph "$fluxgraph" run -e "file $1 | $chunks"
  medians "$work/peak.tsv" | cut -f 4
}

# part_of INPUT: the name of a file that holds its first twelfth, which is made if it is not there.
part_of() {
  local part=$work/part-${1##*/}
  [ -e "$part" ] || ffmpeg -nostdin -v error -y -i "$1" -t $((seconds / 12)) -c copy "$part"
  echo "$part"
}

# memory_table INPUT…: peaks for all of the audio and for a twelfth of it, and what of that was wanted.
memory_table() {
  local input long short name
  printf '| | %s s | %s s |\n|---|--:|--:|\n' $((seconds / 12)) "$seconds"
  for input in "$@"; do
    name=${input##*/}
    short=$(peak "$(part_of "$input")")
    long=$(peak "$input")
    awk -v name="$name" -v short="$short" -v long="$long" \
      'BEGIN { printf "| %s | %.1f | %.1f |\n", name, short / 1024, long / 1024 }'
    target "$name: peak MiB" "$(awk -v long="$long" 'BEGIN { printf "%.1f", long / 1024 }')" '<= 32'
    target "$name: peak of $seconds s against that of $((seconds / 12)) s" \
      "$(awk -v long="$long" -v short="$short" 'BEGIN { printf "%.2f", long / short }')" '<= 1.05'
  done
}

bench_throughput() {
  local seconds=${BENCH_SECONDS:-3600} rounds=3 chunks='mix mono | resample 16k | format s16le | chunk 80ms | null'
  local pcm='audio/x-raw,format=S16LE,rate=16000,channels=1' run kind file against
  local opus=$work/speech-$seconds.opus wav48=$work/speech-$seconds-48k.wav wav44=$work/speech-$seconds-44k.wav
  if [ ! -e "$opus" ]; then
    phase "making $seconds s of audio, once (an hour takes a few minutes)"
    make_audio "$opus" "$wav48" "$wav44"
  fi
  compile opus -lopus
  compile cpuid
  # Everything is in memory before the first run that counts, and GStreamer knows its plugins.
  cat "$opus" "$wav48" "$wav44" >/dev/null
  opus_round "$work/warm-up.tsv" "$(part_of "$opus")"
  wav_round "$work/warm-up.tsv" "$(part_of "$wav48")"
  rm -f "$work"/throughput-*.tsv
  for ((run = 1; run <= rounds; run++)); do
    phase "throughput: round $run of $rounds"
    opus_round "$work/throughput-opus.tsv" "$opus"
    wav_round "$work/throughput-48.tsv" "$wav48"
    wav_round "$work/throughput-44.tsv" "$wav44"
  done
  phase 'throughput: memory'
  {
    printf '%s s of speech to 16 kHz mono s16 in chunks of 80 ms, discarded (ffmpeg and libopus alone: without chunks). CPU s: user\n' "$seconds"
    printf 'and system, all threads, the median of %s rounds in which every program runs once. Spread: slowest less fastest.\n\n' $rounds
    printf '### Ogg Opus, 64 kb/s, stereo\n\n'
    file=$work/throughput-opus.tsv
    throughput_table "$file"
    target 'Ogg Opus: CPU against libopus alone' "$(ratio "$file" 'libopus alone')" '<= 1.05'
    target 'Ogg Opus: CPU against GStreamer' "$(ratio "$file" GStreamer)" '<= 0.35'
    target 'Ogg Opus: CPU against ffmpeg, its own decoder' "$(ratio "$file" 'ffmpeg, its own decoder')" '<= 0.85'
    awk -v nanoseconds="$("$work/cpuid")" -v packets=$((seconds * 50)) -v gstreamer="$(of "$file" GStreamer)" \
      -v ffmpeg="$(of "$file" 'ffmpeg, libopus')" -v ours="$(of "$file" fluxgraph)" \
      -v alone="$(of "$file" 'libopus alone')" 'BEGIN {
        print "libopus alone is the single-stream API at 16 kHz mono, as fluxgraph uses it. GStreamer, and ffmpeg with libopus, use"
        print "the multistream API, which in libopus 1.3.1 looks up the processor'"'"'s abilities again for every packet: 8 times CPUID,"
        print "an instruction that traps to the hypervisor in a virtual machine."
        printf "libopus alone against GStreamer: %.3f. ", alone / gstreamer
        if (nanoseconds != "-") {
          lost = packets * 8 * nanoseconds * 1e-9
          printf "One takes %.0f ns here, that is %.1f s for the %d packets. Without\n", nanoseconds, lost, packets
          printf "that, as on bare metal, GStreamer would need %.1f s (fluxgraph against it: %.2f), ffmpeg with libopus %.1f s (%.2f).\n",
            gstreamer - lost, ours / (gstreamer - lost), ffmpeg - lost, ours / (ffmpeg - lost)
        }
        print ""
      }'
    for kind in 48 44.1; do
      file=$work/throughput-${kind%.1}.tsv
      printf '### WAV, %s kHz, s16 stereo\n\n' "$kind"
      throughput_table "$file"
      for against in GStreamer ffmpeg; do
        target "WAV $kind kHz: CPU against $against" "$(ratio "$file" "$against")" '<= 1'
      done
      for against in 'GStreamer, quality=10' 'ffmpeg, soxr'; do
        target "WAV $kind kHz: CPU against $against (equal quality)" "$(ratio "$file" "$against")" '<= 1'
      done
    done
    cat <<'TEXT'
What of the band above 8.2 kHz is left as an alias: fluxgraph -100 dB (Tests/AudioDSPTests holds it to that), GStreamer
-72 dB (quality=10: -67 dB, of its 16-bit arithmetic), ffmpeg -15 dB (soxr: -92 dB).

### Memory

Peak MiB of fluxgraph:

TEXT
    memory_table "$opus" "$wav48" "$wav44"
  } | publish Throughput
}
