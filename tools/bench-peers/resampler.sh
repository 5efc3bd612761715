# The resampler's kernel alone.

bench_resampler() {
  local options=(-O -wmo -package-name fluxgraph -swift-version 6 -enable-experimental-feature Lifetimes
    -enable-upcoming-feature ExistentialAny -enable-upcoming-feature MemberImportVisibility
    -enable-upcoming-feature InternalImportsByDefault -module-name Resampler)
  local sources=(Sources/AudioDSP/*.swift "$peers/Resampler/main.swift") from
  phase 'resampler'
  compile resampler -lspeexdsp -lsoxr
  swiftc "${options[@]}" "${sources[@]}" -o "$work/resampler-sse2"
  swiftc "${options[@]}" -Xcc -march=x86-64-v3 "${sources[@]}" -o "$work/resampler-avx2"
  {
    printf 'Millions of input samples per CPU second, mono, blocks of 20 ms, median of seven runs.\n\n'
    printf '| to 16 kHz from | fluxgraph | compiled for AVX2 | speexdsp q8 | soxr HQ | against speexdsp | against soxr |\n'
    printf '|---|--:|--:|--:|--:|--:|--:|\n'
    for from in 48000 44100 8000; do
      printf '%s\t%s\t%s\t%s\t%s\n' $from "$("$work/resampler-sse2" $from 16000)" "$("$work/resampler-avx2" $from 16000)" \
        "$("$work/resampler" speex 8 $from 16000)" "$("$work/resampler" soxr 4 $from 16000)"
    done | awk -F '\t' '{ printf "| %.1f kHz | %.0f | %.0f | %.0f | %.0f | %.1f | %.2f |\n", $1 / 1000, $2, $3, $4, $5, $2 / $4, $2 / $5 }'
    cat <<'TEXT'

fluxgraph is compiled for any x86-64 (SSE2). Vector code of its own for AVX2 would have to gain more than the compiler does
there to pay for a second set of kernels: the resampler is a small part of every run.
TEXT
  } | publish Resampler
}
