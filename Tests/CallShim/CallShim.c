// Preloaded into a process of the tests (LD_PRELOAD): records the calls that change a log's files, or makes the
// Nth one of them fail. One mutex is held around each call and its line in the trace, so that the order of the
// trace is the order on the file. It calls the kernel directly: no lookup of symbols, nothing to initialise late.
#define _GNU_SOURCE
#include "CallShim.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

enum { FILES_MAX = 4096, PATHS_MAX = 512, KINDS = 16, SHORT_WRITE = -1, LIE = -2, LATE = -3 };

static struct {
    uint8_t is_seen, is_mark, is_synced;
    uint16_t path;
} files[FILES_MAX];
static char *paths[PATHS_MAX];
static int path_count;
static unsigned long calls[KINDS];
static char folder[PATH_MAX], marks[PATH_MAX];
static int trace = -1, is_on;
static int fail_kind = -1, fail_how;
static unsigned long fail_at;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

// MARK: The trace

static void append(struct call_event event, const struct iovec *parts, int count) {
    if (trace < 0) return;
    struct iovec all[IOV_MAX];
    all[0] = (struct iovec){&event, sizeof event};
    size_t left = event.length;
    int used = 1;
    for (int i = 0; i < count && left > 0 && used < IOV_MAX; i++, used++) {
        size_t length = parts[i].iov_len < left ? parts[i].iov_len : left;
        all[used] = (struct iovec){parts[i].iov_base, length};
        left -= length;
    }
    // A trace with a hole would prove nothing.
    long wanted = (long)(sizeof event + event.length - left);
    if (left > 0 || syscall(SYS_writev, trace, all, used) != wanted) abort();
}

static uint16_t path_number(const char *path) {
    for (int i = 0; i < path_count; i++)
        if (strcmp(paths[i], path) == 0) return (uint16_t)i;
    if (path_count == PATHS_MAX || !(paths[path_count] = strdup(path))) abort();
    struct iovec name = {paths[path_count], strlen(path)};
    append((struct call_event){.kind = CALL_PATH, .path = (uint16_t)path_count, .length = (uint32_t)name.iov_len},
           &name, 1);
    return (uint16_t)path_count++;
}

static void note(int kind, int flags, uint16_t path, long result, uint64_t offset) {
    int error = result < 0 ? errno : 0;
    append((struct call_event){.kind = (uint8_t)kind, .flags = (uint8_t)flags, .path = path, .error = error,
                               .offset = offset}, 0, 0);
    if (error) errno = error;
}

// MARK: What is seen, and what fails

__attribute__((constructor)) static void start(void) {
    const char *root = getenv("CALL_SHIM_FOLDER");
    if (!root) return;
    snprintf(folder, sizeof folder, "%s", root);
    const char *mark = getenv("CALL_SHIM_MARKS"), *to = getenv("CALL_SHIM_TRACE"), *fail = getenv("CALL_SHIM_FAIL");
    if (mark) snprintf(marks, sizeof marks, "%s", mark);
    if (to) trace = (int)syscall(SYS_openat, AT_FDCWD, to, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
    if (to && trace < 0) abort();
    if (fail) {
        static const char *const kinds[] = {"", "open", "read", "write", "sync", "truncate", "map", "unlink",
                                            "rename", "allocate"};
        static const struct { const char *name; int value; } hows[] = {
            {"EIO", EIO}, {"ENOSPC", ENOSPC}, {"EINTR", EINTR}, {"ENOMEM", ENOMEM}, {"SHORT", SHORT_WRITE}, {"LIE", LIE}, {"LATE", LATE}};
        char kind[16], how[16];
        if (sscanf(fail, "%15[a-z]:%lu:%15[A-Z]", kind, &fail_at, how) != 3) abort();
        for (int i = CALL_OPEN; i <= CALL_ALLOCATE; i++)
            if (strcmp(kinds[i], kind) == 0) fail_kind = i;
        for (size_t i = 0; i < sizeof hows / sizeof *hows; i++)
            if (strcmp(hows[i].name, how) == 0) fail_how = hows[i].value;
        if (fail_kind < 0 || fail_how == 0) abort();
    }
    is_on = 1;
}

/// The part of the path behind the folder, or null.
static const char *below(const char *path) {
    size_t length = strlen(folder);
    if (!is_on || !path || strncmp(path, folder, length) != 0) return 0;
    if (path[length] != '/' && path[length] != 0) return 0;
    return path[length] ? path + length + 1 : ".";
}

static int is_seen(int file) { return is_on && file >= 0 && file < FILES_MAX && files[file].is_seen; }

/// How this call shall fail (an errno or SHORT_WRITE), or 0. The mutex is held.
static int injected(int kind) { return ++calls[kind] == fail_at && kind == fail_kind ? fail_how : 0; }

/// A call that is to fail and was not made.
static long failed(int kind, uint16_t path, int how, uint64_t offset) {
    errno = how < 0 ? EIO : how;
    note(kind, CALL_INJECTED, path, -1, offset);
    return -1;
}

// MARK: Opening and closing

static int opened(int at, const char *path, int flags, mode_t mode) {
    const char *name = below(path);
    int is_mark = is_on && marks[0] && path && strcmp(path, marks) == 0;
    if (!name && !is_mark) return (int)syscall(SYS_openat, at, path, flags, mode);
    pthread_mutex_lock(&mutex);
    uint16_t number = name ? path_number(name) : 0;
    int how = name ? injected(CALL_OPEN) : 0;
    long file = how ? failed(CALL_OPEN, number, how, 0) : syscall(SYS_openat, at, path, flags, mode);
    if (name && !how) note(CALL_OPEN, 0, number, file, 0);
    if (file >= FILES_MAX) abort();
    if (file >= 0) {
        files[file].is_seen = name != 0;
        files[file].is_mark = (uint8_t)is_mark;
        files[file].is_synced = (flags & (O_DSYNC | O_SYNC)) != 0;
        files[file].path = number;
    }
    if (file >= 0 && name && (flags & O_TRUNC)) note(CALL_TRUNCATE, 0, number, 0, 0);
    pthread_mutex_unlock(&mutex);
    return (int)file;
}

static mode_t mode_of(int flags, va_list list) {
    return flags & (O_CREAT | __O_TMPFILE) ? va_arg(list, mode_t) : 0;
}

int open(const char *path, int flags, ...) {
    va_list list;
    va_start(list, flags);
    mode_t mode = mode_of(flags, list);
    va_end(list);
    return opened(AT_FDCWD, path, flags, mode);
}

int open64(const char *path, int flags, ...) {
    va_list list;
    va_start(list, flags);
    mode_t mode = mode_of(flags, list);
    va_end(list);
    return opened(AT_FDCWD, path, flags, mode);
}

int openat(int at, const char *path, int flags, ...) {
    va_list list;
    va_start(list, flags);
    mode_t mode = mode_of(flags, list);
    va_end(list);
    return opened(at, path, flags, mode);
}

int openat64(int at, const char *path, int flags, ...) __attribute__((alias("openat")));

int close(int file) {
    pthread_mutex_lock(&mutex);
    if (file >= 0 && file < FILES_MAX) files[file].is_seen = files[file].is_mark = 0;
    int result = (int)syscall(SYS_close, file);
    pthread_mutex_unlock(&mutex);
    return result;
}

// MARK: Reading and writing

ssize_t pread(int file, void *buffer, size_t count, off_t offset) {
    if (!is_seen(file)) return syscall(SYS_pread64, file, buffer, count, offset);
    pthread_mutex_lock(&mutex);
    int how = injected(CALL_READ);
    long result = how ? failed(CALL_READ, files[file].path, how, (uint64_t)offset)
                      : syscall(SYS_pread64, file, buffer, count, offset);
    if (!how) note(CALL_READ, 0, files[file].path, result, (uint64_t)offset);
    pthread_mutex_unlock(&mutex);
    return result;
}

ssize_t pread64(int, void *, size_t, off_t) __attribute__((alias("pread")));

static size_t sum(const struct iovec *parts, int count) {
    size_t bytes = 0;
    for (int i = 0; i < count; i++) bytes += parts[i].iov_len;
    return bytes;
}

/// One write of any form; `offset` -1: at the descriptor's position.
static ssize_t written(int file, const struct iovec *parts, int count, off_t offset) {
    uint16_t path = files[file].path;
    int at_position = offset < 0;
    if (at_position) offset = syscall(SYS_lseek, file, 0, SEEK_CUR);
    int how = injected(CALL_WRITE), flags = files[file].is_synced ? CALL_SYNCED : 0;
    if (how && how != SHORT_WRITE && how != LATE) return failed(CALL_WRITE, path, how, (uint64_t)offset);
    long result;
    if (how == SHORT_WRITE) {
        size_t half = sum(parts, count) / 2;
        char *bytes = malloc(half + 1);
        if (!bytes) abort();
        size_t copied = 0;
        for (int i = 0; i < count && copied < half; i++) {
            size_t length = parts[i].iov_len < half - copied ? parts[i].iov_len : half - copied;
            memcpy(bytes + copied, parts[i].iov_base, length);
            copied += length;
        }
        result = at_position ? syscall(SYS_write, file, bytes, half) : syscall(SYS_pwrite64, file, bytes, half, offset);
        free(bytes);
        flags |= CALL_INJECTED;
    } else {
        result = at_position ? syscall(SYS_writev, file, parts, count)
                             : syscall(SYS_pwritev, file, parts, count, (long)offset, 0L);
    }
    int error = result < 0 ? errno : 0;
    uint32_t length = result > 0 ? (uint32_t)result : 0;
    if (how == LATE) {
        flags |= CALL_INJECTED;
        error = EIO;
        result = -1;
    }
    append((struct call_event){.kind = CALL_WRITE, .flags = (uint8_t)flags, .path = path, .error = error,
                               .offset = (uint64_t)offset, .length = length}, parts, count);
    if (error) errno = error;
    return result;
}

static ssize_t locked_write(int file, const struct iovec *parts, int count, off_t offset) {
    pthread_mutex_lock(&mutex);
    ssize_t result = written(file, parts, count, offset);
    pthread_mutex_unlock(&mutex);
    return result;
}

ssize_t pwrite(int file, const void *buffer, size_t count, off_t offset) {
    if (!is_seen(file)) return syscall(SYS_pwrite64, file, buffer, count, offset);
    struct iovec part = {(void *)buffer, count};
    return locked_write(file, &part, 1, offset);
}

ssize_t pwrite64(int, const void *, size_t, off_t) __attribute__((alias("pwrite")));

ssize_t pwritev(int file, const struct iovec *parts, int count, off_t offset) {
    if (!is_seen(file)) return syscall(SYS_pwritev, file, parts, count, (long)offset, 0L);
    return locked_write(file, parts, count, offset);
}

ssize_t pwritev64(int, const struct iovec *, int, off_t) __attribute__((alias("pwritev")));

ssize_t writev(int file, const struct iovec *parts, int count) {
    if (!is_seen(file)) return syscall(SYS_writev, file, parts, count);
    return locked_write(file, parts, count, -1);
}

ssize_t write(int file, const void *buffer, size_t count) {
    struct iovec part = {(void *)buffer, count};
    if (is_seen(file)) return locked_write(file, &part, 1, -1);
    if (!is_on || file < 0 || file >= FILES_MAX || !files[file].is_mark) return syscall(SYS_write, file, buffer, count);
    pthread_mutex_lock(&mutex);
    long result = syscall(SYS_write, file, buffer, count);
    append((struct call_event){.kind = CALL_MARK, .length = (uint32_t)count}, &part, 1);
    pthread_mutex_unlock(&mutex);
    return result;
}

// MARK: Syncing

static int synced(int file, long number) {
    if (!is_seen(file)) return (int)syscall(number, file);
    pthread_mutex_lock(&mutex);
    int how = injected(CALL_SYNC);
    long result = how == LIE ? 0 : how ? failed(CALL_SYNC, files[file].path, how, 0) : syscall(number, file);
    if (how == LIE) note(CALL_SYNC, CALL_INJECTED, files[file].path, 0, 0);
    if (!how) note(CALL_SYNC, result == 0 ? CALL_SYNCED : 0, files[file].path, result, 0);
    pthread_mutex_unlock(&mutex);
    return (int)result;
}

int fdatasync(int file) { return synced(file, SYS_fdatasync); }
int fsync(int file) { return synced(file, SYS_fsync); }

/// Memory that was written to is nothing that a trace could hold: whoever does that is not to be recorded.
int msync(void *address, size_t length, int flags) {
    if (is_on && trace >= 0) abort();
    return (int)syscall(SYS_msync, address, length, flags);
}

/// Makes nothing durable that a trace could rely on.
int sync_file_range(int file, off_t offset, off_t bytes, unsigned flags) {
    return (int)syscall(SYS_sync_file_range, file, offset, bytes, flags);
}

// MARK: Size, maps, names

int ftruncate(int file, off_t length) {
    if (!is_seen(file)) return (int)syscall(SYS_ftruncate, file, length);
    pthread_mutex_lock(&mutex);
    int how = injected(CALL_TRUNCATE);
    long result = how ? failed(CALL_TRUNCATE, files[file].path, how, (uint64_t)length)
                      : syscall(SYS_ftruncate, file, length);
    if (!how) note(CALL_TRUNCATE, 0, files[file].path, result, (uint64_t)length);
    pthread_mutex_unlock(&mutex);
    return (int)result;
}

int ftruncate64(int, off_t) __attribute__((alias("ftruncate")));

void *mmap(void *address, size_t length, int protection, int flags, int file, off_t offset) {
    if (!is_seen(file)) return (void *)syscall(SYS_mmap, address, length, protection, flags, file, offset);
    pthread_mutex_lock(&mutex);
    int how = injected(CALL_MAP);
    long result = how ? failed(CALL_MAP, files[file].path, how, (uint64_t)offset)
                      : syscall(SYS_mmap, address, length, protection, flags, file, offset);
    if (!how) note(CALL_MAP, 0, files[file].path, result == -1 ? -1 : 0, (uint64_t)offset);
    pthread_mutex_unlock(&mutex);
    return (void *)result;
}

void *mmap64(void *, size_t, int, int, int, off_t) __attribute__((alias("mmap")));

int unlink(const char *path) {
    const char *name = below(path);
    if (!name) return (int)syscall(SYS_unlinkat, AT_FDCWD, path, 0);
    pthread_mutex_lock(&mutex);
    uint16_t number = path_number(name);
    int how = injected(CALL_UNLINK);
    long result = how ? failed(CALL_UNLINK, number, how, 0) : syscall(SYS_unlinkat, AT_FDCWD, path, 0);
    if (!how) note(CALL_UNLINK, 0, number, result, 0);
    pthread_mutex_unlock(&mutex);
    return (int)result;
}

int rename(const char *from, const char *to) {
    const char *name = below(to);
    if (!name) return (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0);
    pthread_mutex_lock(&mutex);
    uint16_t number = path_number(name);
    int how = injected(CALL_RENAME);
    long result = how ? failed(CALL_RENAME, number, how, 0)
                      : syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0);
    if (!how) note(CALL_RENAME, 0, number, result, 0);
    pthread_mutex_unlock(&mutex);
    return (int)result;
}

int fallocate(int file, int mode, off_t offset, off_t length) {
    if (!is_seen(file)) return (int)syscall(SYS_fallocate, file, mode, offset, length);
    pthread_mutex_lock(&mutex);
    int how = injected(CALL_ALLOCATE);
    long result = how ? failed(CALL_ALLOCATE, files[file].path, how, (uint64_t)offset)
                      : syscall(SYS_fallocate, file, mode, offset, length);
    if (!how) note(CALL_ALLOCATE, 0, files[file].path, result, (uint64_t)offset);
    pthread_mutex_unlock(&mutex);
    return (int)result;
}

int fallocate64(int, int, off_t, off_t) __attribute__((alias("fallocate")));

/// Answers an errno, and leaves errno alone.
int posix_fallocate(int file, off_t offset, off_t length) {
    int before = errno;
    int error = fallocate(file, 0, offset, length) == 0 ? 0 : errno;
    errno = before;
    return error;
}

int posix_fallocate64(int, off_t, off_t) __attribute__((alias("posix_fallocate")));
