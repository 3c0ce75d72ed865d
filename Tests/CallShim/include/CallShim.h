// Nothing is called by name: the library is preloaded. What a trace holds is said here, for its readers
// (Tests/Programmes/CallTrace.swift).
//
// Environment:
//   CALL_SHIM_FOLDER   only calls on files below this folder are seen; without it everything passes through
//   CALL_SHIM_TRACE    every such call is appended to this file, in the order in which they were done
//   CALL_SHIM_MARKS    a file outside the folder: each write to it stands in the trace as a mark
//   CALL_SHIM_FAIL     KIND:N:HOW, as `write:3:EIO`: the Nth call of that kind fails
//                      KIND: open read write sync truncate map unlink rename allocate
//                      HOW: EIO ENOSPC EINTR ENOMEM SHORT (half of a write is done)
//                      LIE (a sync is not made, and answers success) LATE (a write is done, and answers EIO)
#pragma once
#include <stdint.h>

enum call_kind {
    CALL_PATH = 0,  // a name below the folder: what `path` means from here on
    CALL_OPEN = 1,
    CALL_READ = 2,
    CALL_WRITE = 3,  // `length` bytes follow, as they were written at `offset`
    CALL_SYNC = 4,  // fsync, fdatasync, msync
    CALL_TRUNCATE = 5,  // to `offset` bytes
    CALL_MAP = 6,
    CALL_UNLINK = 7,
    CALL_RENAME = 8,
    CALL_ALLOCATE = 9,
    CALL_MARK = 10,  // `length` bytes follow
};

enum call_flag {
    CALL_SYNCED = 1,  // a write through a descriptor of O_DSYNC or O_SYNC; a sync that was made
    CALL_INJECTED = 2,  // this is the call that was made to fail
};

struct call_event {
    uint8_t kind;
    uint8_t flags;
    uint16_t path;
    int32_t error;  // errno; 0: success
    uint64_t offset;
    uint32_t length;
    uint32_t reserved;
};
