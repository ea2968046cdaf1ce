"""Measures what memory `gate load` needs for many requests, and whether it grows with time.

    python3 tests/bench/endure.py GATE [--minutes N] [--only million|minutes]

Loads nginx on loopback with a million requests, and for half an hour at 2,000 requests/s. Anonymous
memory (RssAnon) is looked at ten times a second until the process has ended, its judging included.
The slope is that of the means of each minute while load is sent, without the first sixth of the
time (least squares); the bound is the upper one of 95 %.
"""

import argparse
import json
import math
import os
import pathlib
import re
import subprocess
import tempfile
import time

from nginx import Nginx

MIB = 1024
MOST = 64
RATE = 2000


def anonymous(process):
    """In MiB; none when the process has ended."""
    try:
        status = pathlib.Path(f"/proc/{process.pid}/status").read_text()
    except OSError:
        return None
    found = re.search(r"RssAnon:\s+(\d+)", status)
    return int(found[1]) / MIB if found else None


def watched(gate, url, rate, seconds):
    """Its document, and its memory: instants in seconds, and MiB."""
    argv = [gate, "load", url, "--rate", f"{rate}/s", "--duration", f"{seconds}s",
            "--warm-up", "0s", "--json"]
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(argv, stdout=output, stderr=subprocess.DEVNULL)
        started, seen = time.monotonic(), []
        while process.poll() is None:
            memory = anonymous(process)
            if memory is not None:
                seen.append((time.monotonic() - started, memory))
            time.sleep(0.1)
        output.seek(0)
        return json.loads(output.read()), seen


def minutes_of(seen, seconds):
    """The mean of each whole minute while load was sent, without the first sixth of them."""
    first, last = round(seconds / 60 / 6), seconds // 60
    means = []
    for minute in range(first, last):
        values = [memory for at, memory in seen if minute * 60 <= at < (minute + 1) * 60]
        means.append(sum(values) / len(values))
    return means


def slope(values):
    """Of equidistant values: by how much each is larger than the one before, and an upper bound."""
    count = len(values)
    middle, mean = (count - 1) / 2, sum(values) / count
    spread = sum((at - middle) ** 2 for at in range(count))
    rise = sum((at - middle) * value for at, value in enumerate(values)) / spread
    rest = sum((value - mean - rise * (at - middle)) ** 2 for at, value in enumerate(values))
    freedom = count - 2
    error = math.sqrt(rest / freedom / spread)
    # Student's quantile for 95 %, from the normal one (Cornish and Fisher).
    normal = 1.6449
    return rise, rise + error * (normal + (normal**3 + normal) / (4 * freedom))


def tell(name, document, seen):
    lag = document["send_lag_us"]
    print(f"== {name}: {document['requests']:,} requests, {document['failures']:,} failed, "
          f"{document['cpu_us_per_request']} us each in the threads that send, sent "
          f"{lag['p50']} us late (p99 {lag['p99']:,}, max {lag['max']:,}), {document['verdict']}")
    most("anonymous memory", max(memory for _, memory in seen), MOST, "MiB")


def most(what, value, target, unit):
    verdict = "met" if value <= target else "MISSED"
    print(f"    {what}: {value:.2f} {unit}, at most {target:.4g}: {verdict}", flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("gate", type=os.path.abspath)
    parser.add_argument("--minutes", type=int, default=30)
    parser.add_argument("--only", choices=["million", "minutes"])
    parser.add_argument("--folder", default="target/bench", type=pathlib.Path)
    arguments = parser.parse_args()
    with Nginx(arguments.folder.resolve() / f"endure-{os.getpid()}") as nginx:
        if arguments.only != "minutes":
            document, seen = watched(arguments.gate, nginx.url, 20_000, 50)
            tell("a million requests, 20,000/s", document, seen)
        if arguments.only != "million":
            seconds = arguments.minutes * 60
            document, seen = watched(arguments.gate, nginx.url, RATE, seconds)
            tell(f"{arguments.minutes} minutes at {RATE:,}/s", document, seen)
            means = minutes_of(seen, seconds)
            rise, bound = slope(means)
            print(f"    its slope over the last {len(means)} minutes: {rise * 60:.3f} MiB an hour, "
                  f"from {means[0]:.2f} to {means[-1]:.2f} MiB")
            most("the upper bound of that", bound * 60, 1, "MiB an hour")


if __name__ == "__main__":
    main()
