// What glibc has and its Swift module does not show.
#ifndef FLUXGRAPH_CPLATFORM_H
#define FLUXGRAPH_CPLATFORM_H

#include <spawn.h>

// glibc 2.34, 2.29 and 2.35.
int posix_spawn_file_actions_addclosefrom_np(posix_spawn_file_actions_t *actions, int from);
int posix_spawn_file_actions_addchdir_np(posix_spawn_file_actions_t *actions, const char *path);
int posix_spawn_file_actions_addtcsetpgrp_np(posix_spawn_file_actions_t *actions, int terminal);

#endif
