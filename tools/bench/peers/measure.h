// What the benchmark peers share: a clock, latency samples, checked numbers from the command line,
// and the one JSON line at the end of a run that a driver reads.
// Nothing here may do I/O or allocate between the start and the end of a measurement.
#ifndef BACKSTOP_BENCH_MEASURE_H
#define BACKSTOP_BENCH_MEASURE_H
#include <stddef.h>
#include <stdint.h>

enum { exit_failed = 1, exit_usage = 2 };

// Limits of every peer, so that no argument can ask for unbounded memory or disk.
#define RECORD_COUNT_MAX 100000000u
#define RECORD_BYTES_MAX 65536u

/// Figures of one run. A figure of 0 was not measured and is left out of the JSON line.
struct result {
    const char *peer, *mode;
    uint64_t n, bytes;
    double rate_per_s, median_rate_per_s, median_us, p99_us;
};

/// Latencies in tenths of a microsecond; longer than 429 s is recorded as that.
struct samples {
    uint32_t *tenths_us;
    size_t count, capacity;
};

/// Says what went wrong on standard error and ends the process with `exit_failed`.
_Noreturn void fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

/// Says what is wrong with the arguments on standard error and ends the process with `exit_usage`.
_Noreturn void refuse(const char *format, ...) __attribute__((format(printf, 1, 2)));

/// A whole decimal number from `low` to `high`, else refuses, naming the argument.
uint64_t number(const char *name, const char *text, uint64_t low, uint64_t high);

/// Monotonic nanoseconds.
uint64_t now_ns(void);

/// `bytes` of zeroed memory whose pages are already in place, so that no page fault is measured.
void *allocate(size_t bytes);

/// Fills `body` with fixed pseudo-random bytes, the same in every run.
void fill_body(unsigned char *body, size_t bytes);

/// The number at `index` of a random-looking sequence that repeats nothing before 2^64.
uint64_t scrambled(uint64_t seed, uint64_t index);

struct samples samples_for(uint64_t count);
void samples_add(struct samples *samples, uint64_t elapsed_ns);

/// Sorts the samples and writes the median and the 99th percentile (nearest rank) into `result`.
void samples_summarise(struct samples *samples, struct result *result);

/// The last output of a peer: one JSON object on one line of standard output.
void print_result(const struct result *result);

#endif
