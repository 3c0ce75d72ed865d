// Preloaded into a process of the tests (LD_PRELOAD): records the calls that change a log's files, or makes the
// Nth one of them fail.
#include "CallShim.h"
