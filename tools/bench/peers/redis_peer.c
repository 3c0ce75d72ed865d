// A Redis client over hiredis, as the peer of Backstop's appends: each request claims a random key
// (SET NX) and adds one stream entry (XADD), in one script. One thread serves all connections by
// poll(), so that the client costs little beside the server that it measures.
// `group` is the peer of group reads: one consumer reads what was added before, and acknowledges it.
// It must never count a request before its reply was read and checked, hold unbounded data in flight,
// or empty a server: it only adds keys of 16 hex digits and entries to the stream backstop-bench, and
// makes the group g of that stream.
#include "measure.h"

#include <errno.h>
#include <fcntl.h>
#include <hiredis/hiredis.h>
#include <hiredis/sds.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/time.h>

enum { key_digits = 16, connect_timeout_s = 5, stall_timeout_ms = 30000 };
#define INFLIGHT_MAX 100000u
#define CONNECTIONS_MAX 1000u
#define BATCH_MAX 10000u
#define UNSENT_BYTES_MAX (256u << 10) // a connection's own buffer takes no further request beyond this

static const char usage[] =
    "usage: redis_peer [--command NAME] pipelined HOST PORT N BYTES INFLIGHT [CONNECTIONS]\n"
    "       redis_peer [--command NAME] clients   HOST PORT N BYTES CLIENTS   one in flight each\n"
    "       redis_peer [--command NAME] lone      HOST PORT N BYTES           one in flight\n"
    "       redis_peer group HOST PORT N BYTES BATCH   N entries added untimed, then XREADGROUP of BATCH\n"
    "                                                  and XACK of what it gave, until none is left\n"
    "N requests, each a new random key and a stream entry of BYTES (1 to 65536) in one field.\n"
    "INFLIGHT is the total, shared by CONNECTIONS (1 if not given). BATCH is 1 to 10000.\n"
    "NAME: script (EVALSHA of SET NX and XADD; the default), multi (MULTI, SET NX, XADD, EXEC)\n"
    "      or xadd (XADD alone); the last two are for servers without scripts.\n"
    "The last line of output is one JSON object. Exit: 0 measured, 1 failed, 2 wrong usage.\n";

static const char script[] =
    "if redis.call('SET', KEYS[1], '1', 'NX') then "
    "return redis.call('XADD', KEYS[2], '*', 'body', ARGV[1]) end return false";
static const char stream[] = "backstop-bench";
static const char key_blank[] = "################";

enum command { command_script, command_multi, command_xadd };

/// The bytes of one request, with a place where each new key is written.
struct request {
    enum command command;
    char *text;
    size_t length, capacity, key_offset;
    unsigned replies; // how many the server sends for it; the last one says whether it was done
};

struct connection {
    redisContext *context;
    uint64_t *sent_ns; // a ring of `depth` places: when each waiting request was made
    size_t depth, oldest, waiting;
    unsigned replies_read; // of the oldest waiting request
};

struct run {
    struct request request;
    struct connection *connections;
    struct pollfd *polled;
    size_t connection_count;
    uint64_t n, bytes, sent, key_seed;
    struct samples samples;
};

// --- what is sent ---

static void add_command(struct request *request, int count, const char **words, const size_t *lengths) {
    char *text;
    int length = redisFormatCommandArgv(&text, count, words, lengths);
    if (length < 0) fail("cannot format a command");
    if (request->length + (size_t)length > request->capacity) fail("a request is too long: a fault of this program");
    memcpy(request->text + request->length, text, (size_t)length);
    request->length += (size_t)length;
    redisFreeCommand(text);
}

static void add_script_call(struct request *request, const char *sha, const char *body, size_t bytes) {
    const char *words[] = {"EVALSHA", sha, "2", key_blank, stream, body};
    const size_t lengths[] = {7, strlen(sha), 1, key_digits, strlen(stream), bytes};
    add_command(request, 6, words, lengths);
}

static void add_set(struct request *request) {
    const char *words[] = {"SET", key_blank, "1", "NX"};
    add_command(request, 4, words, (const size_t[]){3, key_digits, 1, 2});
}

static void add_xadd(struct request *request, const char *body, size_t bytes) {
    const char *words[] = {"XADD", stream, "*", "body", body};
    add_command(request, 5, words, (const size_t[]){4, strlen(stream), 1, 4, bytes});
}

static void add_word(struct request *request, const char *word) {
    add_command(request, 1, &word, (const size_t[]){strlen(word)});
}

static struct request make_request(enum command command, const char *sha, size_t bytes) {
    struct request request = {.command = command, .capacity = bytes + 1024, .replies = command == command_multi ? 4 : 1};
    request.text = allocate(request.capacity);
    char *body = allocate(bytes);
    fill_body((unsigned char *)body, bytes);
    switch (command) {
    case command_script: add_script_call(&request, sha, body, bytes); break;
    case command_multi:
        add_word(&request, "MULTI");
        add_set(&request);
        add_xadd(&request, body, bytes);
        add_word(&request, "EXEC");
        break;
    case command_xadd: add_xadd(&request, body, bytes); break;
    }
    free(body);
    const char *blank = memmem(request.text, request.length, key_blank, key_digits);
    request.key_offset = command == command_xadd ? 0 : (size_t)(blank - request.text);
    return request;
}

static void write_key(struct request *request, uint64_t key) {
    if (request->key_offset == 0) return;
    for (int digit = key_digits; digit-- > 0; key >>= 4)
        request->text[request->key_offset + (size_t)digit] = "0123456789abcdef"[key & 15];
}

static int may_send(const struct run *run, const struct connection *connection) {
    return connection->waiting < connection->depth && run->sent < run->n;
}

// Makes as many requests as may be in flight, and hands what the socket takes to it.
static void send_requests(struct run *run, struct connection *connection) {
    redisContext *context = connection->context;
    uint64_t now = now_ns();
    int written;
    while (may_send(run, connection) && sdslen(context->obuf) < UNSENT_BYTES_MAX) {
        write_key(&run->request, scrambled(run->key_seed, run->sent++));
        if (redisAppendFormattedCommand(context, run->request.text, run->request.length) != REDIS_OK)
            fail("cannot queue a request: %s", context->errstr);
        connection->sent_ns[(connection->oldest + connection->waiting++) % connection->depth] = now;
    }
    if (redisBufferWrite(context, &written) != REDIS_OK) fail("cannot send: %s", context->errstr);
}

// --- what comes back ---

static int is_text(const redisReply *reply) { return reply->type == REDIS_REPLY_STRING && reply->len > 0; }

static int is_pair(const redisReply *reply) {
    return reply->type == REDIS_REPLY_ARRAY && reply->elements == 2 &&
           reply->element[0]->type == REDIS_REPLY_STATUS && is_text(reply->element[1]);
}

// A request was done only if the server answered with the new entry's id.
static void check_reply(const struct run *run, const redisReply *reply, int last) {
    if (reply->type == REDIS_REPLY_ERROR) fail("the server answered: %s", reply->str);
    if (!last) {
        if (reply->type != REDIS_REPLY_STATUS) fail("the server did not queue a command of a transaction");
    } else if (run->request.command == command_multi ? !is_pair(reply) : !is_text(reply)) {
        fail("the server did not answer with an entry id: a key was taken, or this is not the command's answer");
    }
}

static void take_reply(struct run *run, struct connection *connection, const redisReply *reply, uint64_t now) {
    if (connection->waiting == 0) fail("the server sent a reply that nobody asked for");
    int last = ++connection->replies_read == run->request.replies;
    check_reply(run, reply, last);
    if (!last) return;
    samples_add(&run->samples, now - connection->sent_ns[connection->oldest]);
    connection->oldest = (connection->oldest + 1) % connection->depth;
    connection->waiting--;
    connection->replies_read = 0;
}

static void read_replies(struct run *run, struct connection *connection) {
    void *reply;
    redisContext *context = connection->context;
    if (redisBufferRead(context) != REDIS_OK) fail("cannot read: %s", context->errstr);
    uint64_t now = now_ns();
    for (;;) {
        if (redisGetReplyFromReader(context, &reply) != REDIS_OK) fail("cannot understand a reply: %s", context->errstr);
        if (reply == NULL) return;
        take_reply(run, connection, reply, now);
        freeReplyObject(reply);
    }
}

static void wait_for_sockets(struct run *run) {
    for (size_t i = 0; i < run->connection_count; i++) {
        struct connection *connection = &run->connections[i];
        int unsent = sdslen(connection->context->obuf) > 0 || may_send(run, connection);
        run->polled[i].events = unsent ? POLLIN | POLLOUT : POLLIN;
    }
    int ready = poll(run->polled, run->connection_count, stall_timeout_ms);
    if (ready == 0) fail("the server sent nothing for %d ms", stall_timeout_ms);
    if (ready < 0 && errno != EINTR) fail("poll: %s", strerror(errno));
}

static double run_seconds(struct run *run) {
    uint64_t start = now_ns();
    for (size_t i = 0; i < run->connection_count; i++) send_requests(run, &run->connections[i]);
    while (run->samples.count < run->n) {
        wait_for_sockets(run);
        for (size_t i = 0; i < run->connection_count; i++) {
            short events = run->polled[i].revents;
            if (events & (POLLIN | POLLHUP | POLLERR)) read_replies(run, &run->connections[i]);
            if (events != 0) send_requests(run, &run->connections[i]);
        }
    }
    return (double)(now_ns() - start) / 1e9;
}

// --- before the measurement ---

static redisContext *connect_to(const char *host, int port) {
    redisContext *context = redisConnectWithTimeout(host, port, (struct timeval){.tv_sec = connect_timeout_s});
    if (context == NULL) fail("out of memory for a connection");
    if (context->err != 0) fail("cannot connect to %s port %d: %s", host, port, context->errstr);
    if (redisSetTimeout(context, (struct timeval){.tv_sec = connect_timeout_s}) != REDIS_OK)
        fail("cannot set a timeout: %s", context->errstr);
    return context;
}

static redisReply *ask(redisContext *context, int count, const char **words) {
    redisReply *reply = redisCommandArgv(context, count, words, NULL);
    if (reply == NULL) fail("cannot ask the server %s: %s", words[0], context->errstr);
    return reply;
}

static void load_script(redisContext *context, char sha[41]) {
    redisReply *reply = ask(context, 3, (const char *[]){"SCRIPT", "LOAD", script});
    if (reply->type != REDIS_REPLY_STRING || reply->len != 40)
        fail("the server does not load scripts (%s): try --command multi", reply->str ? reply->str : "no text");
    memcpy(sha, reply->str, 41);
    freeReplyObject(reply);
}

static void print_setting(redisContext *context, const char *name) {
    redisReply *reply = ask(context, 3, (const char *[]){"CONFIG", "GET", name});
    int known = reply->type == REDIS_REPLY_ARRAY && reply->elements == 2 && is_text(reply->element[1]);
    printf(", %s %s", name, known ? reply->element[1]->str : "unknown");
    freeReplyObject(reply);
}

// The conditions of the run, for the reader: figures with other settings are not comparable.
static void print_conditions(redisContext *context, const struct run *run, size_t inflight) {
    redisReply *reply = ask(context, 2, (const char *[]){"INFO", "server"});
    const char *found = is_text(reply) ? strstr(reply->str, "redis_version:") : NULL;
    const char *version = found ? found + strlen("redis_version:") : "unknown";
    printf("# server %.*s", (int)strcspn(version, "\r\n"), version);
    freeReplyObject(reply);
    print_setting(context, "appendonly");
    print_setting(context, "appendfsync");
    printf("; connections %zu, in flight %zu, bytes a request %zu\n", run->connection_count, inflight, run->request.length);
}

static void make_nonblocking(redisContext *context) {
    int flags = fcntl(context->fd, F_GETFL);
    if (flags < 0 || fcntl(context->fd, F_SETFL, flags | O_NONBLOCK) < 0) fail("fcntl: %s", strerror(errno));
    context->flags &= ~REDIS_BLOCK;
}

static void open_connections(struct run *run, const char *host, int port, size_t inflight) {
    run->connections = allocate(run->connection_count * sizeof *run->connections);
    run->polled = allocate(run->connection_count * sizeof *run->polled);
    for (size_t i = 0; i < run->connection_count; i++) {
        struct connection *connection = &run->connections[i];
        connection->context = connect_to(host, port);
        connection->depth = inflight / run->connection_count + (i < inflight % run->connection_count);
        connection->sent_ns = allocate(connection->depth * sizeof *connection->sent_ns);
        run->polled[i].fd = connection->context->fd;
    }
}

static void prepare(struct run *run, enum command command, const char *host, int port, size_t inflight) {
    char sha[41] = "";
    open_connections(run, host, port, inflight);
    redisContext *first = run->connections[0].context;
    if (command == command_script) load_script(first, sha);
    run->request = make_request(command, sha, run->bytes);
    run->samples = samples_for(run->n);
    if (getrandom(&run->key_seed, sizeof run->key_seed, 0) != sizeof run->key_seed) fail("getrandom: %s", strerror(errno));
    print_conditions(first, run, inflight);
    for (size_t i = 0; i < run->connection_count; i++) make_nonblocking(run->connections[i].context);
}

static void release(struct run *run) {
    for (size_t i = 0; i < run->connection_count; i++) {
        redisFree(run->connections[i].context);
        free(run->connections[i].sent_ns);
    }
    free(run->connections);
    free(run->polled);
    free(run->request.text);
    free(run->samples.tenths_us);
}

// --- reading by a group ---

// Adds the entries in pipelines of one round trip each.
static void add_entries(redisContext *context, const struct request *request, uint64_t n) {
    for (uint64_t done = 0; done < n;) {
        uint64_t count = n - done < BATCH_MAX / 10 ? n - done : BATCH_MAX / 10;
        for (uint64_t i = 0; i < count; i++)
            if (redisAppendFormattedCommand(context, request->text, request->length) != REDIS_OK)
                fail("cannot queue a request: %s", context->errstr);
        for (uint64_t i = 0; i < count; i++) {
            void *reply;
            if (redisGetReply(context, &reply) != REDIS_OK) fail("cannot add an entry: %s", context->errstr);
            if (!is_text(reply)) fail("the server did not answer XADD with an entry id");
            freeReplyObject(reply);
        }
        done += count;
    }
}

static void make_group(redisContext *context) {
    redisReply *reply = ask(context, 5, (const char *[]){"XGROUP", "CREATE", stream, "g", "0"});
    if (reply->type != REDIS_REPLY_STATUS) fail("the server did not make the group: %s", reply->str ? reply->str : "");
    freeReplyObject(reply);
}

// The entries of the one stream that was asked for: pairs of id and fields, in order.
static const redisReply *entries_of(const redisReply *reply) {
    int is_answer = reply->type == REDIS_REPLY_ARRAY && reply->elements == 1 &&
                    reply->element[0]->type == REDIS_REPLY_ARRAY && reply->element[0]->elements == 2;
    if (!is_answer || reply->element[0]->element[1]->type != REDIS_REPLY_ARRAY)
        fail("the server did not answer with entries: %s", reply->str ? reply->str : "none is left");
    return reply->element[0]->element[1];
}

static const char *entry_id(const redisReply *entry, uint64_t bytes) {
    int is_whole = entry->type == REDIS_REPLY_ARRAY && entry->elements == 2 && is_text(entry->element[0]) &&
                   entry->element[1]->type == REDIS_REPLY_ARRAY && entry->element[1]->elements == 2 &&
                   entry->element[1]->element[1]->len == bytes;
    if (!is_whole) fail("the server gave an entry without its body");
    return entry->element[0]->str;
}

// One read and one acknowledgement of all that it gave; how many that was.
static uint64_t read_and_acknowledge(redisContext *context, const char *batch, uint64_t bytes, const char **words) {
    redisReply *read = ask(context, 9, (const char *[]){"XREADGROUP", "GROUP", "g", "c", "COUNT", batch, "STREAMS", stream, ">"});
    const redisReply *entries = entries_of(read);
    if (entries->elements > BATCH_MAX) fail("the server gave more entries than were asked for");
    for (size_t i = 0; i < entries->elements; i++) words[3 + i] = entry_id(entries->element[i], bytes);
    redisReply *done = ask(context, (int)entries->elements + 3, words);
    if (done->type != REDIS_REPLY_INTEGER || (uint64_t)done->integer != entries->elements)
        fail("the server did not acknowledge what it gave");
    uint64_t count = entries->elements;
    freeReplyObject(done);
    freeReplyObject(read);
    return count;
}

static void measure_group(struct run *run, const char *host, int port, const char *batch, struct result *result) {
    static const char *words[BATCH_MAX + 3] = {"XACK", stream, "g"};
    redisContext *context = connect_to(host, port);
    run->connection_count = 1;
    run->request = make_request(command_xadd, "", run->bytes);
    print_conditions(context, run, 1);
    add_entries(context, &run->request, run->n);
    make_group(context);
    run->samples = samples_for(run->n);
    uint64_t start = now_ns(), before = start;
    for (uint64_t done = 0; done < run->n;) {
        done += read_and_acknowledge(context, batch, run->bytes, words);
        uint64_t after = now_ns();
        samples_add(&run->samples, after - before);
        before = after;
    }
    result->rate_per_s = (double)run->n * 1e9 / (double)(before - start);
    samples_summarise(&run->samples, result);
    redisFree(context);
    free(run->request.text);
    free(run->samples.tenths_us);
}

// --- the command line ---

static enum command command_named(const char *name) {
    if (strcmp(name, "script") == 0) return command_script;
    if (strcmp(name, "multi") == 0) return command_multi;
    if (strcmp(name, "xadd") == 0) return command_xadd;
    refuse("--command must be script, multi or xadd, not \"%s\"", name);
}

// Sets how many connections and requests in flight the mode asks for; `rest` are the words after BYTES.
static size_t inflight_of(const char *mode, int rest_count, char **rest, size_t *connections) {
    *connections = 1;
    if (strcmp(mode, "lone") == 0 && rest_count == 0) return 1;
    if (strcmp(mode, "group") == 0 && rest_count == 1) return number("BATCH", rest[0], 1, BATCH_MAX);
    if (strcmp(mode, "clients") == 0 && rest_count == 1)
        return *connections = number("CLIENTS", rest[0], 1, CONNECTIONS_MAX);
    if (strcmp(mode, "pipelined") == 0 && (rest_count == 1 || rest_count == 2)) {
        size_t inflight = number("INFLIGHT", rest[0], 1, INFLIGHT_MAX);
        uint64_t most = inflight < CONNECTIONS_MAX ? inflight : CONNECTIONS_MAX;
        if (rest_count == 2) *connections = number("CONNECTIONS", rest[1], 1, most);
        return inflight;
    }
    refuse("the mode must be pipelined, clients, lone or group, with that mode's arguments");
}

int main(int count, char **arguments) {
    if (count == 2 && strcmp(arguments[1], "--help") == 0) return fputs(usage, stdout) < 0;
    enum command command = command_script;
    if (count > 2 && strcmp(arguments[1], "--command") == 0) {
        command = command_named(arguments[2]);
        arguments += 2;
        count -= 2;
    }
    if (count < 6) refuse("too few arguments");
    struct run run = {0};
    struct result result = {.peer = "redis", .mode = arguments[1]};
    size_t inflight = inflight_of(arguments[1], count - 6, arguments + 6, &run.connection_count);
    int port = (int)number("PORT", arguments[3], 1, 65535);
    result.n = run.n = number("N", arguments[4], 1, RECORD_COUNT_MAX);
    result.bytes = run.bytes = number("BYTES", arguments[5], 1, RECORD_BYTES_MAX);

    if (strcmp(result.mode, "group") == 0) {
        measure_group(&run, arguments[2], port, arguments[6], &result);
    } else {
        prepare(&run, command, arguments[2], port, inflight);
        result.rate_per_s = (double)run.n / run_seconds(&run);
        samples_summarise(&run.samples, &result);
        release(&run);
    }
    print_result(&result);
    return 0;
}
