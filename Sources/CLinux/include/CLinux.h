// System calls that Swift's Glibc module does not show. Nothing else belongs here.
#ifndef BACKSTOP_CLINUX_H
#define BACKSTOP_CLINUX_H
#include <stdint.h>

/// Magic number of the file system that holds `path`, or -1 with errno set. The call is statfs(2).
int64_t backstop_filesystem_magic(const char *path);

/// Names the calling thread; at most 15 bytes are kept. The call is prctl(2), PR_SET_NAME.
void backstop_set_thread_name(const char *name);

#endif
