"""Measures the replay of cassettes with 100 and with 100,000 interactions.

    python3 tests/bench/replay.py GATE LARGE_CASSETTE BARE_SERVER [--seconds N] [--runs N]

LARGE_CASSETTE and BARE_SERVER are examples of the recorder. Requests come from wrk over four
connections, for small (300 bytes) and for typical bodies (4,000 bytes); a bare hyper server that
answers as many bytes, both replays and mitmproxy's server replay of the same answers take turns,
and medians are told; those of ratios are of the ratios of each turn. Besides: the time to the first
answer with an index and without one, and memory. Without mitmproxy the bench says so, and how to
get it.
"""

import argparse
import json
import os
import pathlib
import random
import re
import shutil
import socket
import statistics
import subprocess
import sys
import time
import urllib.request

SMALL, LARGE = 100, 100_000
BODIES = (300, 4000)
# Who is asked, and over how many addresses: more of them cost the client and the parser more, too.
BARE_SMALL, BARE_LARGE = "a bare hyper server, 100 addresses", "a bare hyper server, 20,000 addresses"
REPLAY_SMALL, REPLAY_LARGE = "replay of 100", "replay of 100,000, 20,000 of them"
# So many that a request seldom comes again while it is remembered.
BARE_ALL, REPLAY_ALL = "a bare hyper server, 100,000 addresses", "replay of 100,000, all of them"
MITMPROXY = "mitmproxy's replay of 100"
NO_MITMPROXY = """    mitmproxy is not installed, so replay was not held against it. Install it outside of this
    tree, and name its mitmdump:
        python3 -m venv FOLDER && FOLDER/bin/pip install mitmproxy
        python3 tests/bench/replay.py ... --mitmdump FOLDER/bin/mitmdump"""
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
    """A process that answers at `url`, which it says on its first line unless it is given."""

    def __init__(self, argv, url=None):
        self.started = time.perf_counter()
        self.process = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                                        text=True)
        if url is None:
            line = self.process.stdout.readline().strip()
            url = json.loads(line)["listening"] if line.startswith("{") else line
        self.url = url

    def first(self, path):
        with urllib.request.urlopen(self.url + path) as answer:
            answer.read()
        return (time.perf_counter() - self.started) * 1000

    def memory(self):
        """Resident memory without what is mapped from files, in MiB."""
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"RssAnon:\s+(\d+)", status)[1]) / 1024

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()


def mitmproxy(argv, *more):
    """mitmdump as a reverse proxy that listens."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    server = Server([*argv, "--quiet", "--listen-host", "127.0.0.1", "--listen-port", str(port),
                     *more], f"http://127.0.0.1:{port}")
    for _ in range(600):
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            return server
        except OSError:
            time.sleep(0.05)
    sys.exit("mitmdump does not listen")


def mitmproxy_replay(mitmdump, upstream, paths, flows):
    """mitmproxy answering what it has recorded itself, and nothing else."""
    flows.unlink(missing_ok=True)
    with mitmproxy([mitmdump], "--mode", f"reverse:{upstream}", "--save-stream-file", flows) as it:
        for path in paths:
            it.first(path)
    # What costs time and changes no answer is off: the log, dates, the connection upstream.
    settings = ["server_replay_reuse=true", "server_replay_extra=404", "server_replay_refresh=false",
                "connection_strategy=lazy"]
    more = [word for setting in settings for word in ("--set", setting)]
    return mitmproxy([mitmdump], "--mode", f"reverse:{upstream}", "--server-replay", flows, *more)


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


def paths_of(count):
    random.seed(1)
    return [path_of(random.randrange(count)) for _ in range(min(count, 20_000))]


def all_paths():
    return [path_of(order) for order in random.Random(2).sample(range(LARGE), LARGE)]


def cassettes(arguments, folder, size):
    made = {}
    for count in (SMALL, LARGE):
        made[count] = folder / f"{size}-{count}.cassette"
        if not (made[count] / "cassette.yaml").exists():
            argv = [arguments.large_cassette, made[count], str(count), str(size)]
            subprocess.run(argv, check=True)
    return made


def replay(arguments, cassette):
    return Server([arguments.gate, "replay", "--cassette", cassette, "--allow-repeats"])


def starts(arguments, cassette):
    """The first answer without an index, and with one, in milliseconds."""
    (cassette / ".index").unlink(missing_ok=True)
    with replay(arguments, cassette) as server:
        rebuilt = server.first(path_of(4321))
    warm = []
    for _ in range(arguments.runs):
        with replay(arguments, cassette) as server:
            warm.append(server.first(path_of(4321)))
    return rebuilt, statistics.median(warm)


def measure(arguments, folder, size):
    made = cassettes(arguments, folder, size)
    rebuilt, warm = starts(arguments, made[LARGE])
    bare = Server([arguments.bare_server, str(size)])
    servers = {
        BARE_SMALL: (bare, paths_of(SMALL)),
        REPLAY_SMALL: (replay(arguments, made[SMALL]), paths_of(SMALL)),
        BARE_LARGE: (bare, paths_of(LARGE)),
        REPLAY_LARGE: (replay(arguments, made[LARGE]), paths_of(LARGE)),
    }
    servers[BARE_ALL] = (bare, all_paths())
    servers[REPLAY_ALL] = (servers[REPLAY_LARGE][0], all_paths())
    if arguments.mitmdump:
        upstream = servers[REPLAY_SMALL][0].url
        known = [path_of(order) for order in range(SMALL)]
        server = mitmproxy_replay(arguments.mitmdump, upstream, known, folder / "flows")
        servers[MITMPROXY] = (server, paths_of(SMALL))
    rates = {name: [] for name in servers}
    for _ in range(arguments.runs):
        for name, (server, paths) in servers.items():
            rates[name].append(rate(server.url, paths, folder, arguments.seconds))
    memory = servers[REPLAY_LARGE][0].memory()
    for server, _ in servers.values():
        server.__exit__()
    return rates, rebuilt, warm, memory


def tell(size, runs, seconds, measured):
    rates, rebuilt, warm, memory = measured
    print(f"== replay, bodies of {size} bytes, medians of {runs} turns of {seconds} s")
    middle = {name: statistics.median(values) for name, values in rates.items()}
    for name, values in rates.items():
        print(f"    {name}: {middle[name]:,.0f} requests/s ({min(values):,.0f} to {max(values):,.0f})")
    # Of two that took turns: a machine that is slower for a while is so for both.
    beside = lambda one, other: statistics.median(a / b for a, b in zip(rates[one], rates[other]))
    small, large = beside(REPLAY_SMALL, BARE_SMALL), beside(REPLAY_LARGE, BARE_LARGE)
    least("replay of 100 against the bare server", small, 0.8, "of its rate")
    least("replay of 100,000 against it", large, 0.8, "of its rate")
    print(f"    the same, when hardly anything is asked again: {beside(REPLAY_ALL, BARE_ALL):.2f} of it")
    if MITMPROXY in rates:
        least("replay against mitmproxy", beside(REPLAY_SMALL, MITMPROXY), 10, "times")
    # What more addresses cost client and parser shows in the bare server, and is no cost of replay.
    print(f"    replay of 100 against 100,000: {beside(REPLAY_SMALL, REPLAY_LARGE):.2f} times, "
          f"the bare server {beside(BARE_SMALL, BARE_LARGE):.2f}")
    most("the cost of an answer at 100,000 against 100", small / large, 1.2, "times")
    most("the first answer, with an index", warm, 200, "ms")
    most("the first answer, without one", rebuilt, 3000, "ms")
    most("memory beyond what is mapped", memory, 150, "MiB")


def most(what, value, target, unit):
    verdict = "met" if value <= target else "MISSED"
    print(f"    {what}: {value:.2f} {unit}, at most {target:.4g}: {verdict}")


def least(what, value, target, unit):
    verdict = "met" if value >= target else "MISSED"
    print(f"    {what}: {value:.2f} {unit}, at least {target:.4g}: {verdict}")


def main():
    parser = argparse.ArgumentParser()
    for name in ("gate", "large_cassette", "bare_server"):
        parser.add_argument(name, type=os.path.abspath)
    parser.add_argument("--seconds", type=int, default=1)
    parser.add_argument("--runs", type=int, default=9)
    parser.add_argument("--bodies", type=int, nargs="*", default=BODIES)
    parser.add_argument("--mitmdump", default=shutil.which("mitmdump"))
    parser.add_argument("--folder", default="target/bench", type=pathlib.Path)
    arguments = parser.parse_args()
    folder = arguments.folder.resolve() / "replay"
    folder.mkdir(parents=True, exist_ok=True)
    os.environ.pop("CI", None)
    for size in arguments.bodies:
        measured = measure(arguments, folder, size)
        tell(size, arguments.runs, arguments.seconds, measured)
    if not arguments.mitmdump:
        print(NO_MITMPROXY)


if __name__ == "__main__":
    main()
