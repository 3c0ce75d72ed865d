#define _GNU_SOURCE
#include "CLinux.h"
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

int64_t backstop_filesystem_magic(const char *path) {
    struct statfs answer;
    if (statfs(path, &answer) != 0) return -1;
    return (int64_t)answer.f_type;
}

void backstop_set_thread_name(const char *name) {
    prctl(PR_SET_NAME, name, 0, 0, 0);
}

int backstop_pidfd_open(int pid) {
    return (int)syscall(SYS_pidfd_open, pid, 0);
}

int backstop_spawn_closes_from(posix_spawn_file_actions_t *actions, int first) {
    return posix_spawn_file_actions_addclosefrom_np(actions, first);
}

int backstop_spawn_changes_to(posix_spawn_file_actions_t *actions, const char *folder) {
    return posix_spawn_file_actions_addchdir_np(actions, folder);
}
