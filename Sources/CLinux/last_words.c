// A handler of SIGBUS that does only what a handler may: socket, connect, send, recv, write.
#define _GNU_SOURCE
#include "CLinux.h"
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

// As many as a local socket takes: Limits.localMessageBytesMax.
#define WORDS_MAX (16 << 10)
#define ANSWER_SECONDS_MAX 2

struct words {
  struct sockaddr_storage address;
  socklen_t address_bytes;
  char message[WORDS_MAX];
  uint32_t bytes;
  int taken_status;
};

// One is filled while the other one is what a handler reads.
static struct words slots[2];
static _Atomic(struct words *) current;
static atomic_flag speaking = ATOMIC_FLAG_INIT;

static void say(const char *text) {
  if (write(STDERR_FILENO, text, strlen(text)) < 0) return;
}

static int is_taken(const struct words *words) {
  int file = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
  if (file < 0) return 0;
  struct timeval limit = {.tv_sec = ANSWER_SECONDS_MAX};
  setsockopt(file, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  setsockopt(file, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  if (connect(file, (const struct sockaddr *)&words->address, words->address_bytes) != 0) return 0;
  if (send(file, words->message, words->bytes, MSG_NOSIGNAL) != (ssize_t)words->bytes) return 0;
  char answer[WORDS_MAX];
  ssize_t count = recv(file, answer, sizeof answer, 0);
  return count > 0 && memmem(answer, (size_t)count, "\"taken\"", 7) != NULL;
}

static void handle(int number) {
  // Whichever thread comes second must not end the process before the first has spoken.
  if (atomic_flag_test_and_set(&speaking)) for (;;) pause();
  const struct words *words = atomic_load(&current);
  say("backstop: SIGBUS: the log's file is shorter than its map, or its disk fails; waking the exit worker\n");
  if (is_taken(words)) {
    say("The exit worker has taken the trigger.\n");
    if (words->taken_status >= 0) _exit(words->taken_status);
  } else {
    say("NOBODY HAS TAKEN THE TRIGGER: close positions by hand, on the exchange\n");
  }
  signal(number, SIG_DFL);
  raise(number);
}

int backstop_set_last_words(
    const struct sockaddr *address, socklen_t address_bytes, const void *message, uint32_t bytes, int taken_status) {
  struct words *active = atomic_load(&current);
  struct words *words = active == &slots[0] ? &slots[1] : &slots[0];
  if (address_bytes > sizeof words->address || bytes > WORDS_MAX) return -1;
  memcpy(&words->address, address, address_bytes);
  words->address_bytes = address_bytes;
  memcpy(words->message, message, bytes);
  words->bytes = bytes;
  words->taken_status = taken_status;
  atomic_store(&current, words);
  if (active != NULL) return 0;
  struct sigaction action = {.sa_handler = handle, .sa_flags = SA_NODEFER};
  sigemptyset(&action.sa_mask);
  return sigaction(SIGBUS, &action, NULL);
}
