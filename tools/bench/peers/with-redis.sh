#!/usr/bin/env bash
# Runs a command beside a fresh, durable Redis (every reply after its fsync), with REDIS_PORT set.
# The server keeps its files in a new folder below BENCH_FOLDER (else the current one), which must be on
# a disk; REDIS_OPTIONS adds server options. Server and folder are gone when this ends, however it ends.
# It must never touch a server that it did not start. Exit: the command's, or 2 wrong usage, 125 no server.
set -euo pipefail

usage() { echo "usage: [BENCH_FOLDER=FOLDER] [REDIS_OPTIONS=\"--name value\"] with-redis.sh COMMAND [ARGUMENT...]"; }
case "${1:-}" in
  "") usage >&2; exit 2 ;;
  -h | --help) usage; exit 0 ;;
esac

give_up() { echo "with-redis: $1" >&2; exit 125; }
for tool in redis-server redis-cli setpriv; do
  command -v "$tool" >/dev/null || give_up "$tool is missing (Debian: redis-server, redis-tools, util-linux)"
done

folder="" server="" child=""

stop() {
  [ -n "$1" ] || return 0
  kill -TERM "$1" 2>/dev/null || true
  for _ in $(seq 100); do kill -0 "$1" 2>/dev/null || break; sleep 0.05; done
  kill -KILL "$1" 2>/dev/null || true
  wait "$1" 2>/dev/null || true
}

# Goes on after a failing step: inside an exit trap, `set -e` would leave the rest standing.
clean_up() {
  set +e
  trap '' INT TERM HUP
  stop "$child"
  stop "$server"
  [ -z "$folder" ] || rm -rf "$folder"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
trap 'exit 129' HUP

folder="$(mktemp -d -p "${BENCH_FOLDER:-.}" redis.XXXXXX)" || give_up "cannot make a folder below ${BENCH_FOLDER:-.}"
folder="$(realpath "$folder")"
[ "$(stat -f -c %T "$folder")" != tmpfs ] || give_up "$folder is on tmpfs, where an fsync costs nothing; set BENCH_FOLDER"

# Ours answers with our process id; a stranger on that port does not.
answers() { redis-cli -h 127.0.0.1 -p "$1" INFO server 2>/dev/null | tr -d '\r' | grep -x "process_id:$server" >/dev/null; }

start_on() {
  # shellcheck disable=SC2086 # REDIS_OPTIONS is a list of words on purpose
  setpriv --pdeathsig KILL redis-server --bind 127.0.0.1 --port "$1" --dir "$folder" --daemonize no \
    --appendonly yes --appendfsync always --save "" ${REDIS_OPTIONS:-} </dev/null >"$folder/server.out" 2>&1 &
  server=$!
  for _ in $(seq 100); do
    kill -0 "$server" 2>/dev/null || return 1
    answers "$1" && return 0
    sleep 0.05
  done
  return 1
}

# A free port cannot be reserved for another program, so ports are tried until one is ours.
for attempt in $(seq 10); do
  port=$((20000 + RANDOM % 12000))
  start_on "$port" && break
  stop "$server"
  server=""
  [ "$attempt" -lt 10 ] || { tail -5 "$folder/server.out" >&2; give_up "redis-server did not start"; }
done

export REDIS_PORT="$port"
"$@" <&0 &
child=$!
status=0
wait "$child" || status=$?
child=""
exit "$status"
