// The shared parts of the benchmark peers; measure.h says what each is for.
// It must never fail silently: every refusal is a sentence on standard error and an exit code.
#include "measure.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static void complain(const char *format, va_list arguments) {
    fprintf(stderr, "%s: ", program_invocation_short_name);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
}

void fail(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    complain(format, arguments);
    va_end(arguments);
    exit(exit_failed);
}

void refuse(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    complain(format, arguments);
    va_end(arguments);
    fprintf(stderr, "%s --help shows the usage\n", program_invocation_short_name);
    exit(exit_usage);
}

uint64_t number(const char *name, const char *text, uint64_t low, uint64_t high) {
    size_t digits = strspn(text, "0123456789");
    errno = 0;
    uint64_t value = strtoull(text, NULL, 10);
    if (digits == 0 || text[digits] != 0 || errno != 0 || value < low || value > high)
        refuse("%s must be a whole number from %" PRIu64 " to %" PRIu64 ", not \"%s\"", name, low, high, text);
    return value;
}

uint64_t now_ns(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

void *allocate(size_t bytes) {
    volatile unsigned char *memory = malloc(bytes > 0 ? bytes : 1);
    if (memory == NULL) fail("out of memory for %zu bytes", bytes);
    for (size_t i = 0; i < bytes; i++) memory[i] = 0;
    return (void *)memory;
}

uint64_t scrambled(uint64_t seed, uint64_t index) {
    // splitmix64: its last steps are a bijection, so distinct indexes give distinct numbers.
    uint64_t z = seed + index * 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

void fill_body(unsigned char *body, size_t bytes) {
    for (size_t i = 0; i < bytes; i++) body[i] = (unsigned char)scrambled(1, i);
}

struct samples samples_for(uint64_t count) {
    return (struct samples){.tenths_us = allocate(count * sizeof(uint32_t)), .capacity = count};
}

void samples_add(struct samples *samples, uint64_t elapsed_ns) {
    if (samples->count == samples->capacity) fail("more samples than requests: a fault of this program");
    uint64_t tenths_us = (elapsed_ns + 50) / 100;
    samples->tenths_us[samples->count++] = tenths_us < UINT32_MAX ? (uint32_t)tenths_us : UINT32_MAX;
}

static int compare(const void *left, const void *right) {
    uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;
    return (a > b) - (a < b);
}

static double percentile_us(const struct samples *samples, size_t percent) {
    size_t rank = (samples->count * percent + 99) / 100;
    return samples->tenths_us[rank - 1] / 10.0;
}

void samples_summarise(struct samples *samples, struct result *result) {
    if (samples->count == 0) fail("nothing was measured");
    qsort(samples->tenths_us, samples->count, sizeof(uint32_t), compare);
    result->median_us = percentile_us(samples, 50);
    result->p99_us = percentile_us(samples, 99);
}

static void print_figure(const char *name, double value) {
    if (value > 0) printf(",\"%s\":%.1f", name, value);
}

void print_result(const struct result *result) {
    printf("{\"peer\":\"%s\",\"mode\":\"%s\"", result->peer, result->mode);
    printf(",\"n\":%" PRIu64 ",\"bytes\":%" PRIu64, result->n, result->bytes);
    print_figure("rate_per_s", result->rate_per_s);
    print_figure("median_rate_per_s", result->median_rate_per_s);
    print_figure("median_us", result->median_us);
    print_figure("p99_us", result->p99_us);
    printf("}\n");
    if (fflush(stdout) != 0) fail("cannot write the result: %s", strerror(errno));
}
