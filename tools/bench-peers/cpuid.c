// What one CPUID instruction costs: inside most virtual machines it traps to the hypervisor. cc -O2 cpuid.c -o cpuid
//
// Prints: nanoseconds, or - on processors that have no such instruction.
#include <stdio.h>
#include <time.h>
#ifdef __x86_64__
#include <cpuid.h>
#endif

int main(void) {
#ifdef __x86_64__
  enum { count = 100000 };
  struct timespec begin, end;
  unsigned a, b, c, d;
  clock_gettime(CLOCK_MONOTONIC, &begin);
  for (int index = 0; index < count; index++) __cpuid(1, a, b, c, d);
  clock_gettime(CLOCK_MONOTONIC, &end);
  printf("%.0f\n", ((end.tv_sec - begin.tv_sec) * 1e9 + (end.tv_nsec - begin.tv_nsec)) / count);
#else
  puts("-");
#endif
}
