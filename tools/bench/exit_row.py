"""How long it takes from a panic trigger until every position is closed, beside closing one after the other.

Real processes: exchange-simulator, `backstop serve --roles exit`, the trigger by `backstop panic`. Positions are opened by
signed orders. Then every call to the exchange takes 50 ms. Ours: from the stamp of the trigger's record to the last
answer to a close, by the completion. The peer: the same positions, closed by one client that sends a reduce-only market
order after the other over one kept-alive connection.
"""
import hashlib, hmac, http.client, json, os, re, subprocess, tempfile, time
from concurrent.futures import ThreadPoolExecutor

KEY, SECRET, LATENCY = "key-of-the-bench", "secret-of-the-bench", 50


class Exchange:
    def __init__(self, binaries, folder, count):
        symbols = os.path.join(folder, "symbols")
        self.symbols = [f"A{number}USDT" for number in range(count)]
        with open(symbols, "w") as file:
            file.writelines(f"{name} {name[:-4]} USDT 100 0.01 0.1 100000 10000 5\n" for name in self.symbols)
        self.child = subprocess.Popen(
            [os.path.join(binaries, "exchange-simulator"), "--port", "0", "--move-every", "0", "--symbols", symbols,
             "--account", f"{KEY}:{SECRET}", "--balance", "1000000000"], stdout=subprocess.PIPE, text=True)
        self.url = self.child.stdout.readline().split()[-1]
        self.host = self.url.removeprefix("http://")

    def ask(self, connection, method, path, query=None, body=None):
        if query is not None:
            query = f"{query}&timestamp={int(time.time() * 1000)}"
            path += f"?{query}&signature=" + hmac.new(SECRET.encode(), query.encode(), hashlib.sha256).hexdigest()
        connection.request(method, path, body=body, headers={"X-MBX-APIKEY": KEY})
        answer = connection.getresponse()
        text = answer.read()
        if answer.status != 200:
            raise RuntimeError(f"{method} {path}: {answer.status} {text[:200]}")
        return json.loads(text)

    def connection(self):
        return http.client.HTTPConnection(self.host, timeout=60)

    def order(self, connection, symbol, side, more=""):
        self.ask(connection, "POST", "/fapi/v1/order", f"symbol={symbol}&side={side}&type=MARKET&quantity=1{more}")

    def latency(self, milliseconds):
        self.ask(self.connection(), "POST", "/sim/options", body=json.dumps({"latency_ms": milliseconds}))

    def open_all(self):
        def some(part):
            connection = self.connection()
            for symbol in part:
                self.order(connection, symbol, "BUY")
        self.latency(0)
        time.sleep(10.5 - time.time() % 10)
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(some, [self.symbols[place::4] for place in range(4)]))
        # Orders of the opening must not stand in the way of the closes: 300 in ten seconds are allowed.
        time.sleep(10.5 - time.time() % 10)
        self.latency(LATENCY)

    def close_all_in_turn(self):
        connection = self.connection()
        self.ask(connection, "GET", "/fapi/v1/time")
        began = time.monotonic()
        for symbol in self.symbols:
            self.order(connection, symbol, "SELL", "&reduceOnly=true")
        return time.monotonic() - began

    def held(self):
        state = self.ask(self.connection(), "GET", "/sim/state")
        return sum(len(account["positions"]) for account in state["accounts"])


class Worker:
    def __init__(self, binaries, folder, url):
        self.binary = os.path.join(binaries, "backstop")
        self.environment = {k: v for k, v in os.environ.items() if not k.startswith("BACKSTOP_")}
        self.environment.update(
            BACKSTOP_LOG=os.path.join(folder, "log"), BACKSTOP_EXCHANGE_KEY=KEY, BACKSTOP_EXCHANGE_SECRET=SECRET,
            BACKSTOP_LOG_RESERVE_BYTES="0")
        self.run("init", os.path.join(folder, "log"))
        self.errors = os.path.join(folder, "exit.err")
        with open(self.errors, "w") as errors:
            self.child = subprocess.Popen(
                [self.binary, "serve", "--roles", "exit", "--exchange", url], env=self.environment, stderr=errors)
        while "the recorder has log" not in open(self.errors).read():
            if self.child.poll() is not None:
                raise RuntimeError(f"exit did not start: {open(self.errors).read()[-400:]}")
            time.sleep(0.02)

    def run(self, *arguments):
        done = subprocess.run([self.binary, *arguments], env=self.environment, capture_output=True, text=True)
        if done.returncode not in (0, 1):
            raise RuntimeError(f"backstop {' '.join(arguments)}: {done.stderr[-300:]}")
        return done.stdout

    def records(self, kind):
        return [json.loads(line) for line in self.run("query", "--kind", kind, "--limit", "0", "--json").splitlines()]

    def panic(self):
        """Seconds from the trigger's record to the last answer to a close."""
        known = len(self.records("panic.completed"))
        self.run("panic", "--reason", "bench", "--wait", "120")
        ends = self.records("panic.completed")
        if len(ends) != known + 1 or ends[-1]["data"]["positions_failed"] != 0:
            raise RuntimeError(f"not flat: {ends[-1:]}")
        trigger = self.records("panic.requested")[-1]
        started = instant(ends[-1]["data"]["started_at"]) - instant(trigger["recorded_at"])
        return started + ends[-1]["data"]["execution_time_ms"] / 1000, ends[-1]["data"]["positions_total"]


def instant(text):
    import calendar
    seconds, fraction = re.match(r"(.*)\.(\d+)Z", text).groups()
    return calendar.timegm(time.strptime(seconds, "%Y-%m-%dT%H:%M:%S")) + float("0." + fraction)


def measure(binaries, count, rounds):
    """Medians of the rounds: ours, in turn."""
    ours, peers = [], []
    with tempfile.TemporaryDirectory() as folder:
        exchange = Exchange(binaries, folder, count)
        worker = Worker(binaries, folder, exchange.url)
        try:
            for _ in range(rounds):
                exchange.open_all()
                took, total = worker.panic()
                if total != count or exchange.held():
                    raise RuntimeError(f"{total} of {count} closed, {exchange.held()} held")
                ours.append(took)
                exchange.open_all()
                peers.append(exchange.close_all_in_turn())
        finally:
            worker.child.terminate()
            worker.child.wait()
            exchange.child.terminate()
            exchange.child.wait()
    middle = lambda values: sorted(values)[len(values) // 2]
    return middle(ours), middle(peers)


def rows(binaries, rounds):
    for count in (1, 10, 100, 300):
        ours, peer = measure(binaries, count, rounds)
        yield (f"panic trigger → {count} position{'s' if count > 1 else ''} closed, {LATENCY} ms a call", f"{ours:.2f} s",
               "closed one after the other", f"{peer:.2f} s", peer / ours, "< 1 s" if count == 100 else "")
