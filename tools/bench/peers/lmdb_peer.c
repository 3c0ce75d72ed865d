// Bare LMDB in C, as the peer of Backstop's log: the least that one durable put, a batch of puts,
// or a scan can cost through this library on this disk.
// It runs with the log's own flags (full sync, MDB_NOTLS) and the unnamed table only, because each
// further table would dirty further pages. It must never relax a sync, overwrite a database that it
// did not make, or measure on tmpfs, where a sync costs nothing. It removes its files when it ends.
#include "measure.h"

#include <errno.h>
#include <linux/magic.h>
#include <lmdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

enum { scan_fill_batch = 1000, scan_rounds = 3 };

// LMDB 0.9.24 must not spill pages in one transaction: this keeps it well under 100,000 dirty ones.
#define BATCH_RECORDS_MAX 50000u
#define BATCH_BYTES_MAX (64u << 20)

static const char usage[] =
    "usage: lmdb_peer lone  FOLDER N BYTES        N transactions of one put and a commit each\n"
    "       lmdb_peer batch FOLDER N BYTES BATCH  N puts, BATCH a commit\n"
    "       lmdb_peer scan  FOLDER N BYTES        N records written untimed, then read by cursor,\n"
    "                                             3 times: rate_per_s is the best, and the median\n"
    "FOLDER exists, is on a disk and holds no database; BYTES is 8 to 65536.\n"
    "The last line of output is one JSON object. Exit: 0 measured, 1 failed, 2 wrong usage.\n";

struct database {
    MDB_env *environment;
    MDB_dbi table;
    unsigned char *body;
    size_t bytes;
};

static char data_path[4096], lock_path[4096];

static void check(int status, const char *call) {
    if (status != MDB_SUCCESS) fail("%s: %s", call, mdb_strerror(status));
}

static void remove_files(void) {
    unlink(data_path);
    unlink(lock_path);
}

// Refuses a folder that is missing, not on a disk, or already in use.
static void claim_folder(const char *folder) {
    struct statfs answer;
    if (statfs(folder, &answer) != 0) fail("%s: %s", folder, strerror(errno));
    if (answer.f_type == TMPFS_MAGIC) fail("%s is on tmpfs, where a sync costs nothing: give a folder on a disk", folder);
    int length = snprintf(data_path, sizeof data_path, "%s/data.mdb", folder);
    snprintf(lock_path, sizeof lock_path, "%s/lock.mdb", folder);
    if (length < 0 || (size_t)length >= sizeof data_path) fail("the name of the folder is too long");
    if (access(data_path, F_OK) == 0 || access(lock_path, F_OK) == 0) fail("%s already holds a database", folder);
    atexit(remove_files);
}

// Address space for twice the records: the file itself grows only as pages are used.
static size_t map_bytes(uint64_t n, size_t bytes) {
    size_t stored = bytes > 1900 ? (bytes + 16 + 4095) / 4096 * 4096 + 32 : bytes + 32;
    return ((size_t)1 << 30) + n * stored * 2 / 4096 * 4096;
}

static struct database open_database(const char *folder, uint64_t n, size_t bytes) {
    claim_folder(folder);
    struct database database = {.body = allocate(bytes), .bytes = bytes};
    fill_body(database.body, bytes);
    check(mdb_env_create(&database.environment), "mdb_env_create");
    check(mdb_env_set_mapsize(database.environment, map_bytes(n, bytes)), "mdb_env_set_mapsize");
    check(mdb_env_open(database.environment, folder, MDB_NOTLS, 0600), "mdb_env_open");
    MDB_txn *transaction;
    check(mdb_txn_begin(database.environment, NULL, 0, &transaction), "mdb_txn_begin");
    check(mdb_dbi_open(transaction, NULL, MDB_CREATE | MDB_INTEGERKEY, &database.table), "mdb_dbi_open");
    check(mdb_txn_commit(transaction), "mdb_txn_commit");
    return database;
}

// One transaction of `count` puts with the keys `first`, `first` + 1, …; each body begins with its key.
static void append(struct database *database, uint64_t first, uint64_t count) {
    MDB_txn *transaction;
    check(mdb_txn_begin(database->environment, NULL, 0, &transaction), "mdb_txn_begin");
    for (uint64_t sequence = first; sequence < first + count; sequence++) {
        memcpy(database->body, &sequence, sizeof sequence);
        MDB_val key = {sizeof sequence, &sequence}, value = {database->bytes, database->body};
        check(mdb_put(transaction, database->table, &key, &value, MDB_APPEND), "mdb_put");
    }
    check(mdb_txn_commit(transaction), "mdb_txn_commit");
}

static void append_all(struct database *database, uint64_t n, uint64_t batch) {
    for (uint64_t done = 0; done < n; done += batch)
        append(database, done + 1, n - done < batch ? n - done : batch);
}

// Reads every record by cursor and returns the seconds it took; wrong contents are a failure.
static double scan_seconds(struct database *database, uint64_t n) {
    MDB_txn *transaction;
    MDB_cursor *cursor;
    MDB_val key, value;
    uint64_t count = 0, sum = 0, start = now_ns();
    check(mdb_txn_begin(database->environment, NULL, MDB_RDONLY, &transaction), "mdb_txn_begin");
    check(mdb_cursor_open(transaction, database->table, &cursor), "mdb_cursor_open");
    int status = mdb_cursor_get(cursor, &key, &value, MDB_FIRST);
    for (; status == MDB_SUCCESS; status = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) {
        uint64_t head;
        memcpy(&head, value.mv_data, sizeof head);
        sum += head;
        count++;
    }
    mdb_cursor_close(cursor);
    mdb_txn_abort(transaction);
    uint64_t elapsed_ns = now_ns() - start;
    if (status != MDB_NOTFOUND) check(status, "mdb_cursor_get");
    if (count != n || sum != n * (n + 1) / 2) fail("the scan did not find what was written");
    return (double)elapsed_ns / 1e9;
}

static void measure_lone(struct database *database, struct result *result) {
    struct samples samples = samples_for(result->n);
    uint64_t start = now_ns(), before = start;
    for (uint64_t sequence = 1; sequence <= result->n; sequence++) {
        append(database, sequence, 1);
        uint64_t after = now_ns();
        samples_add(&samples, after - before);
        before = after;
    }
    result->rate_per_s = (double)result->n * 1e9 / (double)(before - start);
    samples_summarise(&samples, result);
    free(samples.tenths_us);
}

static void measure_batch(struct database *database, struct result *result, uint64_t batch) {
    uint64_t start = now_ns();
    append_all(database, result->n, batch);
    result->rate_per_s = (double)result->n * 1e9 / (double)(now_ns() - start);
}

static int compare(const void *left, const void *right) {
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

static void measure_scan(struct database *database, struct result *result) {
    double seconds[scan_rounds];
    append_all(database, result->n, scan_fill_batch);
    for (int round = 0; round < scan_rounds; round++) seconds[round] = scan_seconds(database, result->n);
    qsort(seconds, scan_rounds, sizeof *seconds, compare);
    result->rate_per_s = (double)result->n / seconds[0];
    result->median_rate_per_s = (double)result->n / seconds[scan_rounds / 2];
}

static uint64_t batch_argument(const char *text, uint64_t bytes) {
    uint64_t batch = number("BATCH", text, 1, BATCH_RECORDS_MAX);
    if (batch * bytes > BATCH_BYTES_MAX) refuse("BATCH x BYTES must not exceed %u bytes", BATCH_BYTES_MAX);
    return batch;
}

int main(int count, char **arguments) {
    if (count == 2 && strcmp(arguments[1], "--help") == 0) return fputs(usage, stdout) < 0;
    const char *mode = count > 1 ? arguments[1] : "";
    int lone = strcmp(mode, "lone") == 0, batch = strcmp(mode, "batch") == 0, scan = strcmp(mode, "scan") == 0;
    if (!lone && !batch && !scan) refuse("the first argument must be lone, batch or scan");
    if (count != (batch ? 6 : 5)) refuse("%s takes %d arguments", mode, batch ? 4 : 3);
    struct result result = {.peer = "lmdb", .mode = mode};
    result.n = number("N", arguments[3], 1, RECORD_COUNT_MAX);
    result.bytes = number("BYTES", arguments[4], sizeof(uint64_t), RECORD_BYTES_MAX);
    uint64_t batch_records = batch ? batch_argument(arguments[5], result.bytes) : 1;

    struct database database = open_database(arguments[2], result.n, result.bytes);
    if (lone) measure_lone(&database, &result);
    if (batch) measure_batch(&database, &result, batch_records);
    if (scan) measure_scan(&database, &result);
    mdb_env_close(database.environment);
    free(database.body);
    print_result(&result);
    return 0;
}
