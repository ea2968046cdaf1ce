"""Measures how near `gate load --capacity` comes to what a server is known to hold.

    python3 tests/bench/capacity.py GATE LIMITED_SERVER [--runs N]

LIMITED_SERVER, an example of the engine, has four workers that are busy for 10 ms with each request,
so that it holds 400 a second and lets others wait; or it answers 1,000 a second and refuses what
comes beyond. What is found has to lie within 5% of that, and between the bounds that are told, in
each of the runs.
"""

import argparse
import json
import os
import statistics
import subprocess
import time

SERVERS = {
    "4 workers, 10 ms each": (["workers", "4", "0.01"], 400),
    "1,000/s, 503 beyond": (["refuse", "1000"], 1000),
}


class Server:
    """LIMITED_SERVER for as long as it is needed."""

    def __init__(self, program, words):
        self.process = subprocess.Popen([program, *words], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)
        self.url = self.process.stdout.readline().strip()

    def end(self):
        self.process.stdin.close()
        self.process.wait()


def found(gate, url):
    argv = [gate, "load", url, "--capacity", "--threshold", "p(95)<200ms", "--threshold", "rate<1%",
            "--from", "50/s", "--duration", "3m", "--json"]
    ended = subprocess.run(argv, capture_output=True, text=True)
    if ended.returncode != 0:
        print(f"    it ended with {ended.returncode}: {ended.stderr}{ended.stdout}")
    return json.loads(ended.stdout)["capacity"]


def main():
    parser = argparse.ArgumentParser()
    for name in ("gate", "limited_server"):
        parser.add_argument(name, type=os.path.abspath)
    parser.add_argument("--runs", type=int, default=5)
    arguments = parser.parse_args()
    print("== load: the capacity of servers of known capacity")
    for name, (words, truth) in SERVERS.items():
        rates, covered, taken = [], 0, []
        for _ in range(arguments.runs):
            server = Server(arguments.limited_server, words)
            started = time.monotonic()
            one = found(arguments.gate, server.url)
            taken.append(time.monotonic() - started)
            server.end()
            rates.append(one["rate"] or 0)
            # Where a share of failures is allowed, just as much more than its capacity holds.
            covered += (one["low"] or 0) <= truth * 1.01 and (one["high"] or 0) >= truth * 0.99
        worst = max(abs(rate / truth - 1) for rate in rates)
        verdict = "met" if worst <= 0.05 and covered == arguments.runs else "MISSED"
        told = ", ".join(f"{rate:.0f}" for rate in rates)
        print(f"    {name}: {told}/s found, at worst {worst:.1%} off, {covered} of {arguments.runs} "
              f"between the bounds, {statistics.mean(taken):.0f} s on average; within 5%: {verdict}")


if __name__ == "__main__":
    main()
