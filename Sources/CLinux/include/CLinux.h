// System calls that Swift's Glibc module does not show. Nothing else belongs here.
#ifndef BACKSTOP_CLINUX_H
#define BACKSTOP_CLINUX_H
#include <spawn.h>
#include <stdint.h>
#include <sys/socket.h>

/// Magic number of the file system that holds `path`, or -1 with errno set. The call is statfs(2).
int64_t backstop_filesystem_magic(const char *path);

/// Names the calling thread; at most 15 bytes are kept. The call is prctl(2), PR_SET_NAME.
void backstop_set_thread_name(const char *name);

/// A descriptor that becomes readable when process `pid` ends, or -1 with errno set; close-on-exec. The call is
/// pidfd_open(2).
int backstop_pidfd_open(int pid);

/// The spawned process closes every descriptor from `first` up: posix_spawn_file_actions_addclosefrom_np(3).
int backstop_spawn_closes_from(posix_spawn_file_actions_t *actions, int first);

/// The spawned process works in `folder`: posix_spawn_file_actions_addchdir_np(3).
int backstop_spawn_changes_to(posix_spawn_file_actions_t *actions, const char *folder);

/// What is sent to the SOCK_SEQPACKET socket at `address` when this process gets SIGBUS, because a page of a mapped file is
/// gone; then it dies. The words of the last call count. Returns 0, or -1 where address or message are too long.
/// `taken_status` is the process' exit status where the answer says "taken"; -1: it dies of the signal all the same.
int backstop_set_last_words(
    const struct sockaddr *address, socklen_t address_bytes, const void *message, uint32_t bytes, int taken_status);

#endif
