# An hour of audio to 16 kHz mono s16.

readonly seconds=3600 rounds=3

# An hour of voices with pauses over a faint noise, 48 kHz stereo: about half an hour of speech, repeated; the
# noise does not repeat. The words are those of the GPL, which every Debian system has.
make_audio() {
  local hour=$1 temporary voices=(en-us en-gb+m5 en-us+f3 en-gb en-us+m7 en-us+f2) index=0 line
  temporary=$work/making
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
    -t $seconds -c:a libopus -b:a 64k -vbr constrained -bitexact "$temporary/hour.opus"
  ffmpeg -nostdin -v error -y -i "$temporary/hour.opus" -c:a pcm_s16le "$temporary/48.wav"
  ffmpeg -nostdin -v error -y -i "$temporary/hour.opus" -ar 44100 -c:a pcm_s16le "$temporary/44.wav"
  mv "$temporary/48.wav" "$work/hour48.wav"
  mv "$temporary/44.wav" "$work/hour44.wav"
  mv "$temporary/hour.opus" "$hour"
  rm -r "$temporary"
}

# opus_round FILE and wav_round FILE INPUT: every program once, so that all of them see the same moods of the machine.
opus_round() {
  measure "$1" 'libopus alone' "$work/opus" "$hour"
  measure "$1" fluxgraph "$fluxgraph" run -e "file $hour | mix mono | resample 16k | format s16le | chunk 80ms | null"
  measure "$1" "ffmpeg, its own decoder" ffmpeg -nostdin -v error -i "$hour" -ac 1 -ar 16000 -f s16le -
  measure "$1" 'ffmpeg, libopus' ffmpeg -nostdin -v error -c:a libopus -i "$hour" -ac 1 -ar 16000 -f s16le -
  measure "$1" 'GStreamer' gst-launch-1.0 -q filesrc "location=$hour" ! oggdemux ! opusdec ! audioconvert \
    ! audioresample ! "$pcm" ! audiobuffersplit output-buffer-duration=80/1000 ! fakesink sync=false
}

wav_round() {
  local gstreamer=(gst-launch-1.0 -q filesrc "location=$2" ! wavparse ! audioconvert ! audioresample)
  local split=(! "$pcm" ! audiobuffersplit output-buffer-duration=80/1000 ! fakesink sync=false)
  measure "$1" fluxgraph "$fluxgraph" run -e "file $2 | mix mono | resample 16k | format s16le | chunk 80ms | null"
  measure "$1" 'GStreamer' "${gstreamer[@]}" "${split[@]}"
  measure "$1" 'GStreamer, quality=10' "${gstreamer[@]}" quality=10 "${split[@]}"
  measure "$1" 'ffmpeg' ffmpeg -nostdin -v error -i "$2" -ac 1 -ar 16000 -f s16le -
  measure "$1" 'ffmpeg, soxr' ffmpeg -nostdin -v error -i "$2" -af aresample=16000:resampler=soxr -ac 1 -f s16le -
}

# throughput_table FILE BASE: medians, as Markdown, quickest first; ratios against BASE.
throughput_table() {
  printf '| | CPU s | spread | x real time | peak MiB | ratio |\n|---|--:|--:|--:|--:|--:|\n'
  sort -t $'\t' -k 1,1 -s "$1" | awk -F '\t' -v seconds=$seconds -v base="$2" '
    function add_row(  i, j, swap) {
      if (count == 0) return
      for (i = 2; i <= count; i++)
        for (j = i; j > 1 && cpu[j] < cpu[j - 1]; j--) { swap = cpu[j]; cpu[j] = cpu[j - 1]; cpu[j - 1] = swap }
      median[name] = cpu[int((count + 1) / 2)]
      spread[name] = cpu[count] - cpu[1]
      peak[name] = largest
      count = largest = 0
    }
    $1 != name { add_row(); name = $1 }
    {
      split($2, value, " ")
      cpu[++count] = value[1] + value[2]
      if (value[4] > largest) largest = value[4]
    }
    END {
      add_row()
      for (name in median)
        printf "%9.2f| %s | %.2f | %.2f | %.0f | %.1f | %.2f |\n", median[name], name, median[name], spread[name],
          seconds / median[name], peak[name] / 1024, median[name] / median[base]
    }' | sort -n | cut -d '|' -f 2- | sed 's/^/|/'
  echo
}

bench_throughput() {
  local pcm='audio/x-raw,format=S16LE,rate=16000,channels=1' run kind
  hour=$work/hour.opus
  if [ ! -e "$hour" ] || [ ! -e "$work/hour44.wav" ]; then
    phase 'making an hour of audio, once (a few minutes)'
    make_audio "$hour"
  fi
  compile opus -lopus
  rm -f "$work"/throughput-*.tsv
  for ((run = 0; run <= rounds; run++)); do
    if [ $run = 0 ]; then phase 'throughput: warming up'; else phase "throughput: round $run of $rounds"; fi
    opus_round "$work/throughput-opus.tsv"
    wav_round "$work/throughput-48.tsv" "$work/hour48.wav"
    wav_round "$work/throughput-44.tsv" "$work/hour44.wav"
    [ $run != 0 ] || rm "$work"/throughput-*.tsv
  done
  {
    printf 'An hour of audio to 16 kHz mono s16, discarded. CPU s: user and system, all threads, median of %s runs.\n' $rounds
    printf 'Spread: slowest run less fastest. x real time: audio seconds per CPU second.\n\n'
    printf '### Ogg Opus, 64 kb/s, stereo\n\n'
    throughput_table "$work/throughput-opus.tsv" 'libopus alone'
    cat <<'TEXT'
GStreamer and ffmpeg with libopus use the multistream API, which in libopus 1.3.1 looks up the processor's abilities for
every packet; inside a virtual machine each of its 8 CPUID instructions traps, which makes some 5 s an hour. On bare metal
they would need that much less.

TEXT
    for kind in 48 44; do
      printf '### WAV, %s kHz, stereo\n\n' "$([ $kind = 48 ] && echo 48 || echo 44.1)"
      throughput_table "$work/throughput-$kind.tsv" fluxgraph
    done
    cat <<'TEXT'
What of the band above 8.2 kHz is left as an alias: fluxgraph -100 dB, GStreamer -72 dB (quality=10: -67 dB, of its 16-bit
arithmetic), ffmpeg -15 dB (soxr: -92 dB).
TEXT
  } | publish Throughput
}
