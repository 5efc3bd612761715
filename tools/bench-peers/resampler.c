// The speed of speexdsp's and soxr's resamplers, mono, in blocks of 20 ms. cc -O2 resampler.c -lspeexdsp -lsoxr -o resampler
//
// usage: resampler speex|soxr QUALITY FROM TO     QUALITY: 0 to 10 of speexdsp, the recipe of soxr (4 is "high quality")
// Prints: millions of input samples per CPU second, the median of seven runs.
#include <soxr.h>
#include <speex/speex_resampler.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static double cpu(void) {
  struct timespec time;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return time.tv_sec + time.tv_nsec * 1e-9;
}

static int in_order(const void *a, const void *b) {
  double difference = *(const double *)a - *(const double *)b;
  return (difference > 0) - (difference < 0);
}

int main(int count, char **arguments) {
  if (count != 5) return 64;
  int is_soxr = !strcmp(arguments[1], "soxr"), quality = atoi(arguments[2]), from = atoi(arguments[3]), to = atoi(arguments[4]);
  int block = from / 50, length = block * 500;
  float *input = malloc(length * sizeof *input), output[4096];
  for (int index = 0; index < length; index++) input[index] = (float)rand() / RAND_MAX - 0.5f;
  double rates[7];
  for (int run = 0; run < 7; run++) {
    soxr_t soxr = NULL;
    SpeexResamplerState *speex = NULL;
    int error;
    if (is_soxr) {
      soxr_io_spec_t samples = soxr_io_spec(SOXR_FLOAT32_I, SOXR_FLOAT32_I);
      soxr_quality_spec_t recipe = soxr_quality_spec(quality, 0);
      soxr = soxr_create(from, to, 1, NULL, &samples, &recipe, NULL);
    } else {
      speex = speex_resampler_init(1, from, to, quality, &error);
    }
    double begin = cpu();
    long total = 0;
    while (cpu() - begin < 0.3) {
      for (int start = 0; start < length; start += block) {
        if (soxr) {
          size_t used, made;
          soxr_process(soxr, input + start, block, &used, output, 4096, &made);
        } else {
          spx_uint32_t used = block, made = 4096;
          speex_resampler_process_float(speex, 0, input + start, &used, output, &made);
        }
      }
      total += length;
    }
    rates[run] = total / (cpu() - begin) / 1e6;
    if (soxr) soxr_delete(soxr);
    else speex_resampler_destroy(speex);
  }
  qsort(rates, 7, sizeof *rates, in_order);
  printf("%.1f\n", rates[3]);
}
