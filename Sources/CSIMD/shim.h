// Vector code Swift cannot express: functions for instructions that not every processor of the architecture has.
#pragma once
#if defined(__x86_64__)
#include <immintrin.h>
#include <stdbool.h>

#define CSIMD_AVX2 __attribute__((target("avx2,fma")))

typedef struct {
  float first, second;
} CSIMD_Pair;

/// Whether this processor and the kernel have what the functions marked with CSIMD_AVX2 need.
static inline bool CSIMD_hasAVX2(void) {
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}

CSIMD_AVX2 static inline float CSIMD_total(__m256 a, __m256 b, __m256 c, __m256 d) {
  __m256 sum = _mm256_add_ps(_mm256_add_ps(a, b), _mm256_add_ps(c, d));
  __m128 half = _mm_add_ps(_mm256_castps256_ps128(sum), _mm256_extractf128_ps(sum, 1));
  half = _mm_add_ps(half, _mm_movehl_ps(half, half));
  return _mm_cvtss_f32(_mm_add_ss(half, _mm_shuffle_ps(half, half, 1)));
}

/// The dot products of `x` with `h` and of `y` with `g`, each over `count` floats, a multiple of 16. Two at once keep eight sums
/// in flight, which hides the latency of the addition; both are summed in the same order. Needs CSIMD_hasAVX2.
CSIMD_AVX2 static __attribute__((noinline)) CSIMD_Pair CSIMD_dot(
    const float *x, const float *h, const float *y, const float *g, long count) {
  __m256 a = _mm256_setzero_ps(), b = a, c = a, d = a, e = a, f = a, i = a, j = a;
  long k = 0;
  for (; k + 32 <= count; k += 32) {
    a = _mm256_fmadd_ps(_mm256_loadu_ps(x + k), _mm256_loadu_ps(h + k), a);
    e = _mm256_fmadd_ps(_mm256_loadu_ps(y + k), _mm256_loadu_ps(g + k), e);
    b = _mm256_fmadd_ps(_mm256_loadu_ps(x + k + 8), _mm256_loadu_ps(h + k + 8), b);
    f = _mm256_fmadd_ps(_mm256_loadu_ps(y + k + 8), _mm256_loadu_ps(g + k + 8), f);
    c = _mm256_fmadd_ps(_mm256_loadu_ps(x + k + 16), _mm256_loadu_ps(h + k + 16), c);
    i = _mm256_fmadd_ps(_mm256_loadu_ps(y + k + 16), _mm256_loadu_ps(g + k + 16), i);
    d = _mm256_fmadd_ps(_mm256_loadu_ps(x + k + 24), _mm256_loadu_ps(h + k + 24), d);
    j = _mm256_fmadd_ps(_mm256_loadu_ps(y + k + 24), _mm256_loadu_ps(g + k + 24), j);
  }
  if (k < count) {
    a = _mm256_fmadd_ps(_mm256_loadu_ps(x + k), _mm256_loadu_ps(h + k), a);
    e = _mm256_fmadd_ps(_mm256_loadu_ps(y + k), _mm256_loadu_ps(g + k), e);
    b = _mm256_fmadd_ps(_mm256_loadu_ps(x + k + 8), _mm256_loadu_ps(h + k + 8), b);
    f = _mm256_fmadd_ps(_mm256_loadu_ps(y + k + 8), _mm256_loadu_ps(g + k + 8), f);
  }
  return (CSIMD_Pair){CSIMD_total(a, b, c, d), CSIMD_total(e, f, i, j)};
}
#endif
