// How long a program takes from its start to its end. cc -O2 start.c -o start
//
// usage: start RUNS PROGRAM ARGUMENTS…
// Prints: median and smallest time in ms, peak KiB of memory; tabs between them.
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>

extern char **environ;

static int in_order(const void *a, const void *b) {
  double difference = *(const double *)a - *(const double *)b;
  return (difference > 0) - (difference < 0);
}

int main(int count, char **arguments) {
  if (count < 3) return 64;
  int runs = atoi(arguments[1]);
  double *times = calloc(runs, sizeof *times);
  long memory = 0;
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
  posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
  for (int run = 0; run < runs; run++) {
    struct timespec begin, end;
    struct rusage usage;
    pid_t child;
    int status;
    clock_gettime(CLOCK_MONOTONIC, &begin);
    if (posix_spawnp(&child, arguments[2], &actions, NULL, arguments + 2, environ)) return perror(arguments[2]), 127;
    if (wait4(child, &status, 0, &usage) < 0 || status != 0) return fprintf(stderr, "%s failed\n", arguments[2]), 70;
    clock_gettime(CLOCK_MONOTONIC, &end);
    times[run] = (end.tv_sec - begin.tv_sec) * 1e3 + (end.tv_nsec - begin.tv_nsec) * 1e-6;
    if (usage.ru_maxrss > memory) memory = usage.ru_maxrss;
  }
  qsort(times, runs, sizeof *times, in_order);
  printf("%.2f\t%.2f\t%ld\n", times[runs / 2], times[0], memory);
}
