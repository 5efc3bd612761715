# The resampler's kernel alone.

bench_resampler() {
  local options=(-O -wmo -package-name fluxgraph -swift-version 6 -enable-experimental-feature Lifetimes
    -enable-upcoming-feature ExistentialAny -enable-upcoming-feature MemberImportVisibility
    -enable-upcoming-feature InternalImportsByDefault -module-name Resampler -I Sources/CSIMD)
  local sources=(Sources/AudioDSP/*.swift "$peers/Resampler/main.swift") from round rounds=3 result=$work/resampler.tsv
  phase 'resampler'
  compile resampler -lspeexdsp -lsoxr
  swiftc "${options[@]}" "${sources[@]}" -o "$work/resampler-fluxgraph"
  rm -f "$result"
  for ((round = 1; round <= rounds; round++)); do
    for from in 48000 44100 8000; do
      printf '%s\t%s\t%s\t%s\t%s\n' $from "$("$work/resampler-fluxgraph" $from 16000 sse2)" \
        "$(resampler_avx2 $from)" "$("$work/resampler" speex 8 $from 16000)" "$("$work/resampler" soxr 4 $from 16000)" >>"$result"
    done
  done
  {
    printf 'Millions of input samples per CPU second, mono, 32-bit floating point, blocks of 20 ms, one core: the best of %s rounds,\n' $rounds
    printf 'each the median of seven runs.\n\n'
    printf '| to 16 kHz from | fluxgraph, SSE2 | fluxgraph, AVX2 | speexdsp q8 | soxr HQ | SSE2 against speexdsp | SSE2 against soxr | AVX2 against soxr |\n'
    printf '|---|--:|--:|--:|--:|--:|--:|--:|\n'
    for from in 48000 44100 8000; do
      resampler_best $from |
        awk -F '\t' '{
          printf "| %.1f kHz | %.0f | %s | %.0f | %.0f | %.2f | %.2f | %s |\n", $1 / 1000, $2, $3 ? sprintf("%.0f", $3) : "-",
            $4, $5, $2 / $4, $2 / $5, $3 ? sprintf("%.2f", $3 / $5) : "-"
        }'
    done
    target '48 to 16 kHz, SSE2: speed against speexdsp q8' "$(resampler_best 48000 | awk -F '\t' '{ printf "%.2f", $2 / $4 }')" '>= 2'
    target '48 to 16 kHz, SSE2: speed against soxr HQ' "$(resampler_best 48000 | awk -F '\t' '{ printf "%.2f", $2 / $5 }')" '>= 0.5'
    resampler_best 48000 | awk -F '\t' '{
      print "\nWhich of the two runs is decided by the processor."
      if ($3) printf "With AVX2 and FMA the kernel is %.0f %% faster from 48 kHz than with SSE2 alone.\n", ($3 / $2 - 1) * 100
    }'
  } | publish Resampler
}

# resampler_avx2 FROM: its speed, or 0 where the processor cannot run it.
resampler_avx2() {
  if grep -qw avx2 /proc/cpuinfo && grep -qw fma /proc/cpuinfo; then "$work/resampler-fluxgraph" "$1" 16000 avx2; else echo 0; fi
}

# resampler_best FROM: the line of this rate with the best figure of each program.
resampler_best() {
  awk -F '\t' -v from="$1" '
    $1 == from { for (column = 2; column <= 5; column++) if ($column > best[column]) best[column] = $column }
    END { printf "%s\t%s\t%s\t%s\t%s\n", from, best[2], best[3], best[4], best[5] }' "$result"
}
