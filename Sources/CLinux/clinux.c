#include "CLinux.h"
#include <sys/prctl.h>
#include <sys/vfs.h>

int64_t backstop_filesystem_magic(const char *path) {
    struct statfs answer;
    if (statfs(path, &answer) != 0) return -1;
    return (int64_t)answer.f_type;
}

void backstop_set_thread_name(const char *name) {
    prctl(PR_SET_NAME, name, 0, 0, 0);
}
