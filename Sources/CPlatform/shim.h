// What glibc has and its Swift module does not show.
#ifndef FLUXGRAPH_CPLATFORM_H
#define FLUXGRAPH_CPLATFORM_H

#include <pthread.h>
#include <spawn.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

// glibc 2.34, 2.29 and 2.35.
int posix_spawn_file_actions_addclosefrom_np(posix_spawn_file_actions_t *actions, int from);
int posix_spawn_file_actions_addchdir_np(posix_spawn_file_actions_t *actions, const char *path);
int posix_spawn_file_actions_addtcsetpgrp_np(posix_spawn_file_actions_t *actions, int terminal);

// glibc 2.26 and 2.12.
ssize_t preadv2(int descriptor, const struct iovec *pieces, int count, off_t offset, int flags);
int pthread_setname_np(pthread_t thread, const char *name);

// Reads on in a file as far as what is wanted is in memory: EAGAIN where it would have to be fetched, EOPNOTSUPP where the file system
// cannot say (RWF_NOWAIT, Linux 4.14).
static inline ssize_t CPlatform_read_now(int descriptor, void *bytes, size_t count) {
  struct iovec piece = {bytes, count};
  return preadv2(descriptor, &piece, 1, -1, 8);
}

// How many processors this thread may run on: in a container, or under taskset(1), fewer than the machine has.
static inline int CPlatform_processors(void) {
  unsigned char mask[1024];
  long size = syscall(SYS_sched_getaffinity, 0, sizeof mask, mask);
  int count = 0;
  for (long place = 0; place < size; place++) count += __builtin_popcount(mask[place]);
  return count > 0 ? count : 1;
}

#endif
