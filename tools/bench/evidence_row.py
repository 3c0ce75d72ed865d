"""Verify, backup and restore on a log of --records random keys and 200-byte bodies, beside sha256sum and mdb_copy over the same
bytes; and lone appends beside a backup. Times are of whole commands, nothing of the file in memory where it says so."""
import json, os, shutil, subprocess, threading, time


def peak_anonymous_kb(pid, seen):
    """Samples the memory that is not a mapped file until the process ends."""
    while True:
        try:
            with open(f"/proc/{pid}/status") as status:
                for line in status:
                    if line.startswith("RssAnon"):
                        seen.append(int(line.split()[1]))
        except (OSError, ProcessLookupError):
            return
        time.sleep(0.02)


def timed(command, **more):
    """Seconds, the last line as JSON or nothing, and the largest anonymous memory of it and its children in KiB."""
    began, seen = time.monotonic(), [0]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, **more)
    threading.Thread(target=peak_anonymous_kb, args=(process.pid, seen), daemon=True).start()
    output = process.communicate()[0]
    seconds = time.monotonic() - began
    if process.returncode != 0:
        raise SystemExit(f"bench: {' '.join(command)} ended with {process.returncode}")
    lines = output.strip().splitlines()
    return seconds, json.loads(lines[-1]) if lines and lines[-1].startswith("{") else None, max(seen)


def rows(bench, products, records, rate, mebibytes):
    backstop = os.path.join(products, "backstop")
    log = os.path.join(bench.fresh("evidence"), "log")
    bench.ours("grow", records, keep=log)
    data = os.path.join(log, "log", "data.mdb")
    size = os.path.getsize(data)
    what = f"{records:,} records, {size / (1 << 20):.0f} MiB"

    def verify():
        seconds, answer, memory = timed([backstop, "verify", "--in-process", "--json", "--log", log])
        return {"rate": answer["head"] / seconds, "memory": memory}

    def sums():
        seconds, _, memory = timed(["sha256sum", data])
        return {"rate": records / seconds, "memory": memory}

    def backup():
        target = os.path.join(bench.fresh("copy"), "backup")
        seconds, answer, memory = timed([backstop, "backup", target, "--json", "--log", log])
        return {"copy": answer["copy_ms"] / 1000, "all": seconds, "memory": memory}

    def mdb_copy():
        target = bench.fresh("copy")
        seconds, _, memory = timed(["mdb_copy", "-c", os.path.join(log, "log"), target])
        return {"copy": seconds, "all": seconds, "memory": memory}

    def restore():
        target = os.path.join(bench.fresh("restored"), "log")
        seconds, _, memory = timed([backstop, "restore", os.path.join(bench.folder, "copy", "backup"), target, "--json"])
        return {"all": seconds, "memory": memory}

    def median(runs, name):
        values = sorted(run[name] for run in runs)
        return values[len(values) // 2]

    ours, theirs = [], []
    for _ in range(bench.rounds):
        ours.append(verify())
        theirs.append(sums())
    a, b = median(ours, "rate"), median(theirs, "rate")
    yield f"verify, {what}", rate(a), "sha256sum over the data file", rate(b), a / b, ""
    yield "memory of it, without mapped file pages", mebibytes(median(ours, "memory")), "sha256sum", mebibytes(median(theirs, "memory")), None, ""
    copies, peers = [], []
    for _ in range(bench.rounds):
        peers.append(mdb_copy())
        copies.append(backup())
    a, b = median(copies, "copy"), median(peers, "copy")
    yield f"backup, its copying, {what}", f"{a:.2f} s", "mdb_copy -c", f"{b:.2f} s", a / b, ""
    yield "backup with its verification", f"{median(copies, 'all'):.2f} s", "the same", f"{b:.2f} s", median(copies, "all") / b, ""
    yield "restore from it, verified", f"{median([restore()], 'all'):.2f} s", "", "", None, ""
    yield from beside(bench, backstop, log)
    shutil.rmtree(os.path.join(bench.folder, "evidence"))


def beside(bench, backstop, log):
    """Lone appends to the log alone, then while backups of it are made one after the other."""
    alone = bench.ours("lone", 1000, keep=log)
    stopped = threading.Event()

    def back_up():
        while not stopped.is_set():
            target = os.path.join(bench.fresh("beside"), "backup")
            subprocess.run([backstop, "backup", target, "--json", "--log", log], check=True, stdout=subprocess.DEVNULL)

    worker = threading.Thread(target=back_up)
    worker.start()
    busy = bench.ours("lone", 1000, keep=log)
    stopped.set()
    worker.join()
    for name, what in (("median_us", "median"), ("p99_us", "p99")):
        yield (f"lone append while backups are made, {what}", f"{busy[name] / 1000:.2f} ms", "the same, without backups",
               f"{alone[name] / 1000:.2f} ms", busy[name] / alone[name], "")
