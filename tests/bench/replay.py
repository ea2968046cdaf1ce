"""Measures the replay of cassettes with 100 and with 100,000 interactions.

    python3 tests/bench/replay.py GATE LARGE_CASSETTE BARE_SERVER [--seconds N] [--runs N]

LARGE_CASSETTE and BARE_SERVER are examples of the recorder. Requests come from wrk over two
connections a core; replay, the bare server and, where it is installed, mitmproxy take turns, and
medians are told. Besides: the time to the first answer with an index and without one, and memory.
"""

import argparse
import json
import os
import pathlib
import random
import re
import statistics
import subprocess
import sys
import time
import urllib.request

LARGE = 100_000
SCRIPT = """
local paths = {}
for path in io.lines(os.getenv("PATHS")) do paths[#paths + 1] = path end
local at = 0
request = function()
  at = at % #paths + 1
  return wrk.format("GET", paths[at])
end
"""


class Server:
    def __init__(self, argv, **more):
        started = time.perf_counter()
        self.process = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                                        text=True, **more)
        line = self.process.stdout.readline().strip()
        self.url = json.loads(line)["listening"] if line.startswith("{") else line
        self.started = started

    def first(self, path):
        with urllib.request.urlopen(self.url + path) as answer:
            length = len(answer.read())
        return (time.perf_counter() - self.started) * 1000, length

    def memory(self):
        """Resident memory without what is mapped from files, and all of it, in MiB."""
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        value = lambda name: int(re.search(rf"{name}:\s+(\d+)", status)[1]) / 1024
        return value("RssAnon"), value("VmRSS")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()


def rate(url, paths, folder, seconds):
    (folder / "paths").write_text("\n".join(paths) + "\n")
    (folder / "wrk.lua").write_text(SCRIPT)
    argv = ["wrk", "-t1", "-c4", f"-d{seconds}s", "-s", str(folder / "wrk.lua"), url]
    environment = dict(os.environ, PATHS=str(folder / "paths"))
    text = subprocess.run(argv, capture_output=True, text=True, check=True, env=environment).stdout
    if "Non-2xx" in text:
        sys.exit(f"not every answer was right:\n{text}")
    return float(re.search(r"Requests/sec:\s+([\d.]+)", text)[1])


def path_of(order):
    return f"/v3/objects/kind-{order % 100 // 10}{order % 10}/{order}?limit=10"


def main():
    parser = argparse.ArgumentParser()
    for name in ("gate", "large_cassette", "bare_server"):
        parser.add_argument(name, type=os.path.abspath)
    parser.add_argument("--seconds", type=int, default=3)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--folder", default="target/bench", type=pathlib.Path)
    arguments = parser.parse_args()
    folder = arguments.folder.resolve() / "replay"
    folder.mkdir(parents=True, exist_ok=True)
    os.environ.pop("CI", None)
    cassettes = {}
    for count in (100, LARGE):
        cassettes[count] = folder / f"{count}.cassette"
        if not (cassettes[count] / "cassette.yaml").exists():
            subprocess.run([arguments.large_cassette, cassettes[count], str(count)], check=True)
    replay = lambda count: Server([arguments.gate, "replay", "--cassette", cassettes[count],
                                   "--allow-repeats"])
    (cassettes[LARGE] / ".index").unlink(missing_ok=True)
    with replay(LARGE) as server:
        rebuild, length = server.first(path_of(4321))
    warm = []
    for _ in range(arguments.runs):
        with replay(LARGE) as server:
            warm.append(server.first(path_of(4321))[0])
    random.seed(1)
    paths = {100: [path_of(n) for n in range(100)],
             LARGE: [path_of(random.randrange(LARGE)) for _ in range(20_000)]}
    rates = {"bare": [], 100: [], LARGE: []}
    with replay(100) as small, replay(LARGE) as large, \
            Server([arguments.bare_server, str(length)]) as bare:
        for _ in range(arguments.runs):
            rates["bare"].append(rate(bare.url, paths[100], folder, arguments.seconds))
            rates[100].append(rate(small.url, paths[100], folder, arguments.seconds))
            rates[LARGE].append(rate(large.url, paths[LARGE], folder, arguments.seconds))
        memory = large.memory()
    middle = {name: statistics.median(values) for name, values in rates.items()}
    print(f"== replay, medians of {arguments.runs} runs of {arguments.seconds} s")
    for name, what in (("bare", "a bare hyper server"), (100, "100 interactions"),
                       (LARGE, f"{LARGE} interactions")):
        print(f"    {what}: {middle[name]:,.0f} requests/s")
    told("the cost of an answer at 100,000 against 100", middle[100] / middle[LARGE], 1.2, "times")
    told("the bare server against the replay of 100", middle["bare"] / middle[100], 1 / 0.8, "times")
    told("the first answer, with an index", statistics.median(warm), 200, "ms")
    told("the first answer, without one", rebuild, 3000, "ms")
    told("memory beyond what is mapped", memory[0], 150, "MiB")


def told(what, value, target, unit):
    verdict = "met" if value <= target else "MISSED"
    print(f"    {what}: {value:.2f} {unit}, target {target:.4g}: {verdict}")


if __name__ == "__main__":
    main()
