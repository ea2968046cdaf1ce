"""Measures how `gate load --compare` judges a version beside itself, and beside one that is worse.

    python3 tests/bench/compare.py GATE SAME_VERSION [--real N] [--runs N]

A server on loopback answers after delays around 20 ms that have bad moments, as those of real
services have. It is compared with itself, for real, N times: none of these may fail. The seconds of
one longer run are then drawn again for as many simulated comparisons as there are RUNS, each with
looks after 30 s and 60 s at a margin of 5%: of a version with itself, and with one whose 99th
percentile is 10% worse, which needs more time; how much is told.
"""

import argparse
import asyncio
import base64
import json
import math
import os
import pathlib
import random
import subprocess
import sys
import tempfile
import threading


class Server:
    """Answers after a delay drawn from a log-normal distribution with a tail and bad moments."""

    def __init__(self):
        self.random = random.Random(4)
        self.mood = 0.0
        self.loop = asyncio.new_event_loop()
        started = threading.Event()
        threading.Thread(target=self.run, args=(started,), daemon=True).start()
        started.wait()

    def run(self, started):
        asyncio.set_event_loop(self.loop)
        server = self.loop.run_until_complete(asyncio.start_server(self.serve, "127.0.0.1", 0))
        self.port = server.sockets[0].getsockname()[1]
        self.loop.create_task(self.moods())
        started.set()
        self.loop.run_forever()

    async def moods(self):
        while True:
            # What all requests of a while have in common.
            self.mood = 0.9 * self.mood + 0.03 * self.random.gauss(0, 1)
            await asyncio.sleep(0.2)

    async def serve(self, reader, writer):
        try:
            while await reader.readuntil(b"\r\n\r\n"):
                delay = 0.02 * math.exp(self.mood + 0.25 * self.random.gauss(0, 1))
                if self.random.random() < 0.03:
                    delay += self.random.expovariate(1 / 0.015)
                await asyncio.sleep(delay)
                writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello")
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}/"


def numbers(bytes):
    """Numbers in base 128, least significant group first."""
    value = shift = 0
    for byte in bytes:
        value |= (byte & 0x7F) << shift
        shift += 7
        if not byte & 0x80:
            yield value
            value = shift = 0


def smallest_of(bucket):
    """The smallest value of a bucket of a histogram: linear to 2048, then halves of powers of two."""
    if bucket < 2048:
        return bucket
    shift = bucket // 1024 - 1
    return (bucket - shift * 1024) << shift


def latencies(line):
    """What a second says of latency: the first histogram of its tally."""
    coded = json.loads(line)["tally"]
    read = numbers(base64.b64decode(coded + "=" * (-len(coded) % 4)))
    held, _sum, _smallest, _largest = (next(read) for _ in range(4))
    bucket, pairs = 0, []
    for _ in range(held):
        bucket += next(read)
        pairs.append((smallest_of(bucket), next(read)))
    return pairs


def real(gate, server, runs):
    """Of so many comparisons of the server with itself, how many end with which exit code."""
    codes = {}
    for _ in range(runs):
        argv = [gate, "load", server.url, "--compare", server.url, "--rate", "50/s", "--duration", "5s",
                "--warm-up", "1s", "--margin", "5%", "--tolerance", "0ms", "--json"]
        ended = subprocess.run(argv, capture_output=True, text=True)
        codes[ended.returncode] = codes.get(ended.returncode, 0) + 1
    return codes


def seconds(gate, server, length):
    """The seconds of a real run, from the evidence that a gate keeps."""
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        (folder / "specs").mkdir()
        (folder / "gate.yaml").write_text(f"environments:\n  test: {{ url: \"{server.url}\" }}\n")
        (folder / "specs/speed.yaml").write_text(
            f"gate: load\nname: speed\nwith:\n  rate: 300/s\n  duration: {length}s\n  warm_up: 1s\n")
        subprocess.run([gate, "run", "-q"], cwd=folder, capture_output=True)
        for path in (folder / ".gate/store").rglob("*"):
            text = path.read_bytes() if path.is_file() else b""
            if text.startswith(b'{"second"'):
                return [latencies(line) for line in text.decode().splitlines()]
    sys.exit("the run kept no seconds")


def simulated(program, path, runs, looks, factor, quantile):
    argv = [program, path, str(runs), "30", str(looks), "0.05", str(factor), str(quantile)]
    return json.loads(subprocess.run(argv, capture_output=True, text=True, check=True).stdout)


def upper(events, of):
    """The upper 95% bound of Clopper and Pearson, by halving."""
    low, high = events / of, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        tail = sum(math.exp(math.lgamma(of + 1) - math.lgamma(k + 1) - math.lgamma(of - k + 1)
                            + k * math.log(middle) + (of - k) * math.log1p(-middle))
                   for k in range(events + 1))
        low, high = (middle, high) if tail > 0.05 else (low, middle)
    return high


def main():
    parser = argparse.ArgumentParser()
    for name in ("gate", "same_version"):
        parser.add_argument(name, type=os.path.abspath)
    parser.add_argument("--real", type=int, default=30)
    parser.add_argument("--runs", type=int, default=10_000)
    parser.add_argument("--seconds", type=int, default=120)
    arguments = parser.parse_args()
    server = Server()
    print("== load: a version beside itself and beside a worse one")
    codes = real(arguments.gate, server, arguments.real)
    failed = codes.get(1, 0)
    verdict = "met" if failed == 0 else "MISSED"
    print(f"    real comparisons with itself at a margin of 5%: {codes.get(0, 0)} passed, {failed} "
          f"failed, {codes.get(3, 0)} open of {arguments.real}; none may fail: {verdict}")
    with tempfile.NamedTemporaryFile("w", suffix=".seconds") as kept:
        for second in seconds(arguments.gate, server, arguments.seconds):
            kept.write(" ".join(f"{value}:{count}" for value, count in second) + "\n")
        kept.flush()
        for quantile in (0.5, 0.95, 0.99):
            found = simulated(arguments.same_version, kept.name, arguments.runs, 2, 1.0, quantile)
            bound = upper(found["failed"], found["runs"])
            verdict = "met" if bound <= 0.01 else "MISSED"
            print(f"    simulated, with itself, p({quantile * 100:g}): {found['failed']} of "
                  f"{found['runs']} failed (at most {bound:.2%} with 95%, target 1%: {verdict}), "
                  f"{found['passed']} passed, {found['seconds']} s on average")
        for looks in range(2, 9):
            found = simulated(arguments.same_version, kept.name, max(arguments.runs // 20, 20), looks,
                              1.1, 0.99)
            caught = found["failed"] / found["runs"]
            print(f"    p(99) 10% worse, up to {30 << (looks - 1)} s at 300/s each: {caught:.1%} caught "
                  f"after {found['seconds']} s on average")
            if caught >= 0.9:
                print(f"    caught in at least 90%: met, with up to {30 << (looks - 1)} s")
                return
        print("    caught in at least 90%: MISSED")


if __name__ == "__main__":
    main()
