// Preloaded into fluxgraph: counts what its audio threads (`audio-0…n`) ask of the allocator and of locks, and writes the counts
// to the file STEADY_COUNTS when the program ends: one line for the whole run, and one for its middle, from the eleventh part of
// the turns of the threads' loops to the tenth of the eleven. cc -O2 -shared -fPIC steady.c -o steady.so -ldl
//
// Only calls made by the program itself or by Swift's libraries count; what libopus or libpulse do is their business.
//
// A Swift `Mutex` that is free is taken without any call. But whoever takes one writes down the thread's number, and asks the
// kernel for it the first time: it is kept in a thread-local variable of each module. So the thread-local variables of the
// program that hold the thread's number are set back to "not asked yet" whenever the thread reads the clock, which it does in
// every turn of its loop, and each turn with a lock in it asks once more.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <link.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { allocations, releases, locks, kinds, range_limit = 64, patience = 1000, turn_limit = 1 << 18 };
static atomic_long counts[kinds], turns;
// What had been counted when a turn began.
static long before[turn_limit][kinds];

// What is loaded of the program and of Swift.
static struct { uintptr_t start, end; } ranges[range_limit];
static int range_count;

// A thread is named soon after its start; one that has no audio thread's name by then is none.
static __thread __attribute__((tls_model("initial-exec"))) int is_audio, looked;

void *__libc_malloc(size_t), *__libc_calloc(size_t, size_t), *__libc_realloc(void *, size_t), *__libc_memalign(size_t, size_t);
void __libc_free(void *);

static int on_audio_thread(void) {
  if (is_audio || looked > patience) return is_audio;
  char name[16];
  looked++;
  is_audio = prctl(PR_GET_NAME, name) == 0 && strncmp(name, "audio-", 6) == 0;
  return is_audio;
}

static void note(int kind, const void *caller) {
  if (!on_audio_thread()) return;
  for (int index = 0; index < range_count; index++)
    if ((uintptr_t)caller >= ranges[index].start && (uintptr_t)caller < ranges[index].end) {
      atomic_fetch_add(&counts[kind], 1);
      return;
    }
}

#define CALLER __builtin_return_address(0)

void *malloc(size_t size) { note(allocations, CALLER); return __libc_malloc(size); }
void *calloc(size_t count, size_t size) { note(allocations, CALLER); return __libc_calloc(count, size); }
void *realloc(void *old, size_t size) { note(allocations, CALLER); return __libc_realloc(old, size); }
void *aligned_alloc(size_t alignment, size_t size) { note(allocations, CALLER); return __libc_memalign(alignment, size); }
void free(void *memory) { if (memory) note(releases, CALLER); __libc_free(memory); }

int posix_memalign(void **result, size_t alignment, size_t size) {
  note(allocations, CALLER);
  void *memory = __libc_memalign(alignment, size);
  if (!memory) return ENOMEM;
  *result = memory;
  return 0;
}

static int (*real_lock)(pthread_mutex_t *), (*real_read_lock)(pthread_rwlock_t *), (*real_write_lock)(pthread_rwlock_t *);
static int (*real_clock)(clockid_t, struct timespec *);
static long (*real_syscall)(long, ...);

static void find(void) {
  real_lock = dlsym(RTLD_NEXT, "pthread_mutex_lock");
  real_read_lock = dlsym(RTLD_NEXT, "pthread_rwlock_rdlock");
  real_write_lock = dlsym(RTLD_NEXT, "pthread_rwlock_wrlock");
  real_clock = dlsym(RTLD_NEXT, "clock_gettime");
  real_syscall = dlsym(RTLD_NEXT, "syscall");
}

int pthread_mutex_lock(pthread_mutex_t *mutex) {
  if (!real_lock) find();
  note(locks, CALLER);
  return real_lock(mutex);
}

int pthread_rwlock_rdlock(pthread_rwlock_t *lock) {
  if (!real_lock) find();
  note(locks, CALLER);
  return real_read_lock(lock);
}

int pthread_rwlock_wrlock(pthread_rwlock_t *lock) {
  if (!real_lock) find();
  note(locks, CALLER);
  return real_write_lock(lock);
}

// What Swift's Mutex asks: the thread's number, and to wait for whoever has the lock, or to wake who waits.
long syscall(long number, ...) {
  if (!real_lock) find();
  va_list list;
  va_start(list, number);
  long a = va_arg(list, long), b = va_arg(list, long), c = va_arg(list, long), d = va_arg(list, long), e = va_arg(list, long),
       f = va_arg(list, long);
  va_end(list);
  if (number == SYS_gettid || number == SYS_futex) note(locks, CALLER);
  return real_syscall(number, a, b, c, d, e, f);
}

static int forget(struct dl_phdr_info *information, size_t size, void *thread) {
  (void)size;
  // The program comes first; its thread-local variables are a segment of their own.
  for (int index = 0; information->dlpi_tls_data && index < information->dlpi_phnum; index++)
    if (information->dlpi_phdr[index].p_type == PT_TLS) {
      uint32_t *word = information->dlpi_tls_data;
      for (size_t left = information->dlpi_phdr[index].p_memsz / 4; left > 0; left--, word++)
        if (*word == *(uint32_t *)thread) *word = 0;
    }
  return 1;
}

int clock_gettime(clockid_t clock, struct timespec *time) {
  if (!real_lock) find();
  if (on_audio_thread()) {
    uint32_t thread = real_syscall(SYS_gettid);
    dl_iterate_phdr(forget, &thread);
    long turn = atomic_fetch_add(&turns, 1);
    for (int kind = 0; kind < kinds && turn < turn_limit; kind++) before[turn][kind] = atomic_load(&counts[kind]);
  }
  return real_clock(clock, time);
}

static int remember(struct dl_phdr_info *information, size_t size, void *unused) {
  (void)size, (void)unused;
  const char *name = information->dlpi_name, *file = strrchr(name, '/');
  if (*name && strncmp(file ? file + 1 : name, "libswift", 8)) return 0;
  for (int index = 0; index < information->dlpi_phnum && range_count < range_limit; index++) {
    const ElfW(Phdr) *part = &information->dlpi_phdr[index];
    if (part->p_type != PT_LOAD || !(part->p_flags & PF_X)) continue;
    ranges[range_count].start = information->dlpi_addr + part->p_vaddr;
    ranges[range_count++].end = information->dlpi_addr + part->p_vaddr + part->p_memsz;
  }
  return 0;
}

__attribute__((constructor)) static void begin(void) {
  find();
  dl_iterate_phdr(remember, NULL);
}

__attribute__((destructor)) static void end(void) {
  const char *path = getenv("STEADY_COUNTS");
  FILE *file = path ? fopen(path, "w") : NULL;
  if (!file) return;
  long count = atomic_load(&turns);
  if (count > turn_limit) count = turn_limit;
  fprintf(file, "%ld %ld %ld %ld\n", atomic_load(&counts[allocations]), atomic_load(&counts[releases]),
          atomic_load(&counts[locks]), count);
  long *first = before[count / 11], *last = before[count * 10 / 11];
  fprintf(file, "%ld %ld %ld %ld\n", last[allocations] - first[allocations], last[releases] - first[releases],
          last[locks] - first[locks], count * 10 / 11 - count / 11);
  fclose(file);
}
