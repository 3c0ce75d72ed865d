"""The Redis face and the bridge, measured by clients of Redis' world.

resp: one C client over hiredis (peers/redis_peer.c) drives `backstop serve --resp` and then a real Redis with
`appendfsync always`, with the same commands. bridge: entries that a client adds to a Redis (appendfsync always) until the
log has them, and results that are appended to the log until the Redis has them; the latency is that of single entries.
"""
import json, os, re, shutil, socket, statistics, subprocess, time


class Serve:
    """A `backstop serve` on a log of its own."""

    def __init__(self, binaries, folder, *arguments):
        self.backstop = os.path.join(binaries, "backstop")
        self.environment = {k: v for k, v in os.environ.items() if not k.startswith("BACKSTOP_")}
        self.environment.update(BACKSTOP_LOG=os.path.join(folder, "log"))
        self.said = os.path.join(folder, "serve.err")
        with open(self.said, "w") as errors:
            self.child = subprocess.Popen(
                [self.backstop, "serve", "--init", *arguments], env=self.environment, stdout=errors, stderr=errors)

    def wait(self, pattern):
        end = time.monotonic() + 30
        while time.monotonic() < end:
            with open(self.said) as file:
                found = re.search(pattern, file.read())
            if found:
                return found
            time.sleep(0.01)
        raise SystemExit(f"bench: serve did not say {pattern}; see {self.said}")

    def run(self, *arguments, given=None):
        return subprocess.run([self.backstop, *arguments], env=self.environment, input=given, capture_output=True,
                              text=True, check=True).stdout

    def memory(self):
        """Without mapped file pages, in KiB."""
        with open(f"/proc/{self.child.pid}/status") as file:
            return int(re.search(r"RssAnon:\s+(\d+)", file.read()).group(1))

    def stop(self):
        self.child.terminate()
        self.child.wait()


def face(bench, binaries, peer, mode, *arguments):
    """One run of the client against a fresh log."""
    serve = Serve(binaries, bench.fresh("face"), "--resp", "127.0.0.1:0")
    try:
        port = serve.wait(r"resp listening on 127\.0\.0\.1:(\d+)").group(1)
        words = ["--command", "xadd"] if mode != "group" else []
        return bench.last_json([peer, *words, mode, "127.0.0.1", port, *map(str, arguments)])
    finally:
        serve.stop()


def rows(bench, binaries, out, rate):
    peer = os.path.join(out, "redis_peer")
    for what, figure, mode, arguments, shown in [
        ("XADD over RESP, one client, median", "median_us", "lone", (5000, 200), lambda v: f"{v:.0f} µs"),
        ("XADD over RESP, 50 clients", "rate_per_s", "clients", (50000, 200, 50), rate),
        ("XADD over RESP, 1,000 in flight, one connection", "rate_per_s", "pipelined", (200000, 200, 1000, 1), rate),
        ("XADD over RESP, 1,000 in flight, 10 connections", "rate_per_s", "pipelined", (200000, 200, 1000, 10), rate),
        ("XREADGROUP by 1,000 + XACK over RESP", "rate_per_s", "group", (200000, 200, 1000), rate),
    ]:
        redis_mode = ("--command xadd " if mode != "group" else "") + mode
        a, b = bench.median(
            figure, lambda: face(bench, binaries, peer, mode, *arguments), lambda: bench.redis(redis_mode, *arguments))
        yield what, shown(a), "Redis always, the same client and commands", shown(b), a / b, ""


class Redis:
    def __init__(self, folder):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.child = subprocess.Popen(
            ["redis-server", "--port", str(self.port), "--dir", folder, "--appendonly", "yes", "--appendfsync", "always",
             "--save", ""], stdout=subprocess.DEVNULL)
        end = time.monotonic() + 20
        while True:
            try:
                self.socket = socket.create_connection(("127.0.0.1", self.port), 60)
                break
            except OSError:
                if time.monotonic() > end:
                    raise
                time.sleep(0.01)
        self.file = self.socket.makefile("rb")

    @staticmethod
    def encoded(words):
        return b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(w), w) for w in map(str.encode, map(str, words)))

    def reply(self):
        line = self.file.readline()
        if line[:1] == b"$" and line != b"$-1\r\n":
            return self.file.read(int(line[1:]) + 2)[:-2].decode()
        if line[:1] == b"-":
            raise SystemExit(f"bench: redis says {line}")
        return int(line[1:]) if line[:1] == b":" else line

    def ask(self, *words):
        self.socket.sendall(self.encoded(words))
        return self.reply()

    def stop(self):
        self.child.kill()
        self.child.wait()


DECISIONS, RESULTS = "quantum:stream:ai.decision.made", "quantum:stream:execution.result"


def decision(number):
    return ["symbol", "BTCUSDT", "side", "buy", "confidence", "0.9", "trace_id", f"bench-{number}"]


def until(condition):
    while not condition():
        time.sleep(0.0005)


def bridge_rows(bench, binaries, rate, count=20_000, singles=200):
    folder = bench.fresh("bridge")
    redis = Redis(folder)
    serve = Serve(binaries, folder, "--roles", "bridge", "--redis", f"redis://127.0.0.1:{redis.port}", "--resp", "127.0.0.1:0")
    try:
        port = int(serve.wait(r"resp listening on 127\.0\.0\.1:(\d+)").group(1))
        log = Redis.__new__(Redis)
        log.socket = socket.create_connection(("127.0.0.1", port), 60)
        log.file = log.socket.makefile("rb")
        # Both sides know their streams before anything is timed.
        redis.ask("XADD", DECISIONS, "*", *decision("first"))
        until(lambda: log.ask("XLEN", DECISIONS) == 1)
        yield from way("Redis → log", redis, log, DECISIONS, decision, count, singles, rate, serve)
        result = lambda n: ["trace_id", f"bench-{n}", "symbol", "BTCUSDT", "side", "buy", "status", "FILLED"]
        log.ask("XADD", RESULTS, "*", *result("first"))
        until(lambda: redis.ask("XLEN", RESULTS) == 1)
        yield from way("log → Redis", log, redis, RESULTS, result, count, singles, rate, serve)
    finally:
        serve.stop()
        redis.stop()


def way(name, source, sink, stream, fields, count, singles, rate, serve):
    times = []
    for number in range(singles):
        before = sink.ask("XLEN", stream)
        began = time.monotonic()
        source.ask("XADD", stream, "*", *fields(f"single-{number}"))
        until(lambda: sink.ask("XLEN", stream) > before)
        times.append((time.monotonic() - began) * 1000)
    times.sort()
    yield (f"bridge, {name}: XADD sent → to be read on the other side, median; p99 of {singles}",
           f"{statistics.median(times):.1f} ms; {times[int(len(times) * 0.99) - 1]:.1f} ms", "", "", None, "")
    before = sink.ask("XLEN", stream)
    began = time.monotonic()
    for start in range(0, count, 1000):
        source.socket.sendall(b"".join(Redis.encoded(["XADD", stream, "*", *fields(n)]) for n in range(start, start + 1000)))
        for _ in range(1000):
            source.reply()
        if start == 19_000:
            early = serve.memory()
    until(lambda: sink.ask("XLEN", stream) >= before + count)
    yield (f"bridge, {name}: {count:,} entries, added by a pipelining client and there on the other side",
           rate(count / (time.monotonic() - began)), "", "", None, "")
    yield (f"bridge, {name}: memory without mapped file pages after the first 20,000; at the end",
           f"{early / 1024:.1f} MiB; {serve.memory() / 1024:.1f} MiB", "", "", None, "")
