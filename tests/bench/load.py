"""Measures what `gate load` costs, and whether what it says of a stall is true.

    python3 tests/bench/load.py GATE KNOWN_SERVER [--seconds N] [--runs N] [--only cost|http2|truth]

Cost: CPU time (user and system) of the whole client process for each request, start and judging
included, over 64 connections that are kept, from one thread. The server is nginx on loopback with
one worker and a processor of its own, and counts the requests; the clients have another one and
take turns. Medians are told; those of ratios are of the ratios of each turn.

Truth: KNOWN_SERVER, an example of the engine, takes known times and writes down how long each answer
took it; or it stands still for a second of a run of five. What clients say of that is told beside
the truth. Without hey, h2load or oha the bench says so.
"""

import argparse
import json
import os
import pathlib
import re
import shutil
import statistics
import subprocess
import sys
import tempfile

from nginx import Nginx

CONNECTIONS, RATE = 64, 10_000
# What gate's CPU for a request is held against, as a share of the other's.
TARGETS = {"wrk": 0.95, "oha": 0.65, "hey": 0.35}
MOST_OPEN = 25
STALL_RATE, STALL_SECONDS, STALL_CONNECTIONS = 400, 5, 400
# Seconds with their shares; no quantile lies where one of them ends.
MIXTURE = {0.005: 0.55, 0.02: 0.3, 0.06: 0.12, 0.25: 0.025, 0.8: 0.005}
# In milliseconds.
LAG_BUDGET = 0.2
# In milliseconds: a fifth of the requests wait, for anything from nothing to the whole second.
TRUTH = {"p50": None, "p90": 500, "p99": 950, "max": 1000}
HOW = {
    "wrk": "apt-get install wrk",
    "h2load": "apt-get install nghttp2-client",
    "hey": "apt-get install hey",
    "oha": "cargo install oha --locked --root FOLDER, and --oha FOLDER/bin/oha",
}


def closed(arguments, url):
    """How each client is told to keep its connections busy."""
    seconds, count = arguments.seconds, str(CONNECTIONS)
    argvs = {
        # It sends for a second more, which it does not count and the server does.
        "gate": [arguments.gate, "load", url, "--connections", count, "--duration", f"{seconds}s",
                 "--warm-up", "1s", "--json"],
        "wrk": ["wrk", "-t1", "-c", count, f"-d{seconds}s", url],
        "h2load": ["h2load", "--h1", "-t1", "-c", count, f"-D{seconds}", url],
        "hey": ["hey", "-cpus", "1", "-c", count, "-z", f"{seconds}s", url],
        "oha": [arguments.oha, "--no-tui", "-c", count, "-z", f"{seconds}s", url],
    }
    return {name: argv for name, argv in argvs.items() if argv[0] and shutil.which(argv[0])}


def multiplexed(arguments, url, connections, streams):
    """The same over HTTP/2, with so many requests at once on each connection."""
    seconds, count, each = arguments.seconds, str(connections), str(streams)
    argvs = {
        "gate": [arguments.gate, "load", url, "--connections", count, "--http2", "--streams", each,
                 "--duration", f"{seconds}s", "--warm-up", "1s", "--json"],
        "h2load": ["h2load", "-t1", "-c", count, "-m", each, f"-D{seconds}", url],
        "oha": [arguments.oha, "--no-tui", "--http2", "-c", count, "-p", each, "-z", f"{seconds}s",
                url],
    }
    return {name: argv for name, argv in argvs.items() if argv[0] and shutil.which(argv[0])}


def tell_multiplexed(arguments):
    processors = sorted(os.sched_getaffinity(0))
    with Nginx(arguments.folder / "http2", processor=processors[-1]) as nginx:
        for connections, streams in [(64, 1), (8, 8)]:
            argvs = multiplexed(arguments, nginx.http2, connections, streams)
            spent = {name: [] for name in argvs}
            for _ in range(arguments.runs):
                for name, argv in argvs.items():
                    spent[name].append(cost(nginx, argv, processors[0])[0])
            print(f"== load over HTTP/2, {connections} connections with {streams} at once each, "
                  f"medians of {arguments.runs} turns of {arguments.seconds} s")
            for name, values in spent.items():
                print(f"    {name}: {statistics.median(values):.2f} us of CPU for a request "
                      f"({min(values):.2f} to {max(values):.2f})")
            for name in spent:
                if name != "gate":
                    ratio = statistics.median(a / b for a, b in zip(spent["gate"], spent[name]))
                    print(f"    gate against {name}: {ratio:.2f} of its CPU", flush=True)


def used(argv, processor):
    """What it printed, and the CPU time of it and of all its threads, in seconds."""
    bind = lambda: os.sched_setaffinity(0, {processor})
    environment = dict(os.environ, TOKIO_WORKER_THREADS="1")
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(argv, stdout=output, stderr=subprocess.DEVNULL, preexec_fn=bind,
                                   env=environment)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        text = output.read().decode()
    # A generator that was disturbed says so with 3, and has sent all the same.
    if process.returncode not in (0, 3 if "load" in argv else 0):
        sys.exit(f"{argv[0]} ended with {process.returncode}:\n{text}")
    return text, usage.ru_utime + usage.ru_stime


def cost(nginx, argv, processor):
    """Microseconds for each request that the server has answered, and what was printed."""
    before = nginx.answered()
    text, seconds = used(argv, processor)
    return seconds * 1e6 / (nginx.answered() - before), text


def costs(arguments):
    processors = sorted(os.sched_getaffinity(0))
    ours, theirs = processors[0], processors[-1]
    with Nginx(arguments.folder / "load", processor=theirs) as nginx:
        argvs = closed(arguments, nginx.url)
        spent = {name: [] for name in argvs}
        own = {"closed": [], "open": []}
        opened = [arguments.gate, "load", nginx.url, "--rate", f"{RATE}/s", "--duration",
                  f"{arguments.seconds}s", "--warm-up", "1s", "--json"]
        spent["open"], lags = [], []
        for _ in range(arguments.runs):
            for name, argv in argvs.items():
                value, text = cost(nginx, argv, ours)
                spent[name].append(value)
                if name == "gate":
                    own["closed"].append(json.loads(text)["cpu_us_per_request"])
            value, text = cost(nginx, opened, ours)
            document = json.loads(text)
            spent["open"].append(value)
            own["open"].append(document["cpu_us_per_request"])
            lags.append(document["send_lag_us"])
    return spent, own, lags


def tell_costs(arguments, measured):
    spent, own, lags = measured
    print(f"== load, {CONNECTIONS} connections, medians of {arguments.runs} turns of "
          f"{arguments.seconds} s; gate with all its histograms")
    for name, values in spent.items():
        if name != "open":
            print(f"    {name}: {statistics.median(values):.2f} us of CPU for a request "
                  f"({min(values):.2f} to {max(values):.2f})")
    print(f"    gate without its start and its judging: {statistics.median(own['closed']):.2f} us")
    for name, target in TARGETS.items():
        if name in spent:
            ratio = statistics.median(a / b for a, b in zip(spent["gate"], spent[name]))
            most(f"gate against {name}", ratio, target, "of its CPU")
    lag = {part: statistics.median(one[part] for one in lags) for part in ("p50", "p99", "max")}
    print(f"== load, {RATE:,} requests/s, lag budget 200 us: sent {lag['p50']:.0f} us late, p99 "
          f"{lag['p99']:.0f}, max {lag['max']:,.0f}; without start and judging "
          f"{statistics.median(own['open']):.2f} us")
    most("CPU for a request", statistics.median(spent["open"]), MOST_OPEN, "us")


class Known:
    """The server that knows better, at `url`."""

    def __init__(self, program, *words):
        self.process = subprocess.Popen([program, *words], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)
        self.url = self.process.stdout.readline().strip()

    def end(self):
        """The quantiles of what its answers took it, in milliseconds."""
        output, _ = self.process.communicate()
        pairs = [line.split() for line in output.splitlines()]
        return {f"p{float(q) * 100:g}": float(value) for q, value in pairs}


def truths(arguments):
    """What is told of a mixture, and what the server's log says of the same requests."""
    shares = [f"{length}:{share}" for length, share in MIXTURE.items()]
    found = []
    for _ in range(3):
        known = Known(arguments.known_server, "mixture", *shares)
        argv = [arguments.gate, "load", known.url, "--rate", "500/s", "--duration", "5s",
                "--warm-up", "0s", "--json"]
        text, _ = used(argv, min(os.sched_getaffinity(0)))
        found.append((json.loads(text), known.end()))
    return found


def tell_truths(found):
    print("== load, a mixture of known latencies at 500/s, medians of 3\n")
    print("| | told, ms | the server's log, ms | apart, as a share of what may be |")
    print("|---|---:|---:|---:|")
    worst = {}
    for part in found[0][1]:
        told = [document["latency_ms"][part] for document, _ in found]
        logs = [log[part] for _, log in found]
        shares = [abs(a - b) / max(b / 100, LAG_BUDGET) for a, b in zip(told, logs)]
        worst[part] = statistics.median(shares)
        print(f"| {part} | {statistics.median(told):.2f} | {statistics.median(logs):.2f} | "
              f"{worst[part]:.2f} |")
    print()
    most("the largest of these", max(worst.values()), 1, "of max(1 %, lag budget)")


def milliseconds(text):
    """Such as wrk's `1.00s` and `640.00us`."""
    number, unit = re.fullmatch(r"([\d.]+)(us|ms|s|m)", text).groups()
    return float(number) * {"us": 0.001, "ms": 1, "s": 1000, "m": 60_000}[unit]


def of_gate(text):
    return json.loads(text)["latency_ms"]


def of_wrk(text):
    found = {f"p{part}": milliseconds(value)
             for part, value in re.findall(r"^\s+(\d+)%\s+(\S+)$", text, re.M)}
    found["max"] = milliseconds(re.search(r"Latency\s+\S+\s+\S+\s+(\S+)", text)[1])
    return found


def of_hey(text):
    found = {f"p{part}": float(value) * 1000
             for part, value in re.findall(r"^\s+(\d+)% in ([\d.]+) secs", text, re.M)}
    found["max"] = float(re.search(r"Slowest:\s+([\d.]+)", text)[1]) * 1000
    return found


def of_oha(text):
    document = json.loads(text)
    found = {name: value * 1000 for name, value in document["latencyPercentiles"].items() if value}
    found["max"] = document["summary"]["slowest"] * 1000
    return found


def stalled(arguments):
    """Who is asked how, and how what it says is read."""
    rate, seconds = str(STALL_RATE), f"{STALL_SECONDS}s"
    few, many = str(CONNECTIONS), str(STALL_CONNECTIONS)
    oha = [arguments.oha, "--no-tui", "--output-format", "json", "-z", seconds]
    # As many connections as will wait, and fewer.
    paced = lambda count: [*oha, "-c", count, "-q", rate]
    each = str(STALL_RATE // 50)
    asked = {
        f"gate, {rate}/s": ([arguments.gate, "load", "URL", "--rate", rate, "--duration", seconds,
                             "--warm-up", "0s", "--json"], of_gate),
        f"oha -c {many} -q {rate}": ([*paced(many), "URL"], of_oha),
        f"oha -c {few} -q {rate}": ([*paced(few), "URL"], of_oha),
        f"oha -c {few} -q {rate} --latency-correction": (
            [*paced(few), "--latency-correction", "URL"], of_oha),
        f"hey -c 50 -q {each}": (["hey", "-c", "50", "-q", each, "-z", seconds, "URL"], of_hey),
        f"wrk -c {few}": (["wrk", "-t1", "-c", few, "-d", seconds, "--latency", "URL"], of_wrk),
    }
    return {name: one for name, one in asked.items() if one[0][0] and shutil.which(one[0][0])}


def stalls(arguments):
    """For each client the medians of what it said, in milliseconds."""
    asked = stalled(arguments)
    said = {name: [] for name in asked}
    processors = sorted(os.sched_getaffinity(0))
    for _ in range(3):
        for name, (argv, read) in asked.items():
            known = Known(arguments.known_server, "stall", "2", "1")
            text, _ = used([known.url if word == "URL" else word for word in argv], processors[0])
            said[name].append(read(text))
            known.end()
    middle = lambda all, part: statistics.median(one[part] for one in all)
    return {name: {part: middle(all, part) for part in TRUTH} for name, all in said.items()}


def tell_stalls(said):
    print(f"== load, the server stands still for 1 s of {STALL_SECONDS}, medians of 3\n")
    print("| client | " + " | ".join(f"{part}, ms" for part in TRUTH) + " |")
    print("|---|" + "---:|" * len(TRUTH))
    told = [str(value) if value else "as without" for value in TRUTH.values()]
    print("| the truth at a constant rate | " + " | ".join(told) + " |")
    for name, values in said.items():
        print(f"| {name} | " + " | ".join(f"{values[part]:,.1f}" for part in TRUTH) + " |")
    print()
    gate = next(iter(said.values()))
    for part, truth in TRUTH.items():
        if truth:
            most(f"gate's error at {part}", abs(gate[part] / truth - 1) * 100, 2, "%")


def most(what, value, target, unit):
    verdict = "met" if value <= target else "MISSED"
    print(f"    {what}: {value:.2f} {unit}, at most {target:.4g}: {verdict}", flush=True)


def main():
    parser = argparse.ArgumentParser()
    for name in ("gate", "known_server"):
        parser.add_argument(name, type=os.path.abspath)
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--only", choices=["cost", "http2", "truth"])
    parser.add_argument("--oha", default=shutil.which("oha"))
    parser.add_argument("--folder", default="target/bench", type=pathlib.Path)
    arguments = parser.parse_args()
    os.environ.pop("CI", None)
    if arguments.only in (None, "cost"):
        tell_costs(arguments, costs(arguments))
    if arguments.only in (None, "http2"):
        tell_multiplexed(arguments)
    if arguments.only in (None, "truth"):
        tell_truths(truths(arguments))
        tell_stalls(stalls(arguments))
    for name, how in HOW.items():
        if not shutil.which(getattr(arguments, name, None) or name):
            print(f"    {name} is not installed, so gate was not held against it: {how}")


if __name__ == "__main__":
    main()
