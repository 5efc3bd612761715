// How long events take from being sent by live-server -r to being a line on the standard input.
// cc -O2 event-reader.c -o event-reader
//
// Prints: lines, milliseconds (p50, p99, largest); tabs between them. The first tenth is not counted.
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static int in_order(const void *a, const void *b) {
  double difference = *(const double *)a - *(const double *)b;
  return (difference > 0) - (difference < 0);
}

int main(void) {
  static const char field[] = "\"transcript\":\"";
  char *line = NULL;
  size_t room = 0, count = 0, capacity = 0;
  double *times = NULL;
  while (getline(&line, &room, stdin) > 0) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    char *found = strstr(line, field);
    if (!found) continue;
    if (count == capacity) times = realloc(times, (capacity = capacity * 2 + 4096) * sizeof *times);
    times[count++] = (time.tv_sec * 1000000000ll + time.tv_nsec - atoll(found + sizeof field - 1)) * 1e-6;
  }
  if (!count) return fprintf(stderr, "event-reader: no events came\n"), 65;
  size_t skipped = count / 10, counted = count - skipped;
  qsort(times + skipped, counted, sizeof *times, in_order);
  printf("%zu\t%.2f\t%.2f\t%.2f\n", count, times[skipped + counted / 2], times[skipped + counted * 99 / 100], times[count - 1]);
}
