"""Counts how often `gate load` passes although the generator itself was not fit to tell.

    python3 tests/bench/unfit.py GATE [--runs N] [--only CASE] [--contention]

Cases: it is stopped (SIGSTOP) for two seconds; it has half a CPU (a control group, or other
processes on the one that it is bound to) for a rate that needs at least 0.8; it may open too few
files; it has sent nothing. Each is run so many times against nginx on loopback, in
runs of a few seconds, and none may be anything but inconclusive (exit code 3).
"""

import argparse
import collections
import json
import os
import pathlib
import resource
import signal
import subprocess
import sys
import time

from nginx import Nginx

INCONCLUSIVE = 3
GROUPS = pathlib.Path("/sys/fs/cgroup")


class HalfACpu:
    """A control group with half a CPU; without one, a processor that others use as well."""

    def __init__(self, is_contention):
        self.processor, self.others = min(os.sched_getaffinity(0)), []
        if is_contention or not self.is_grouped():
            self.group, self.how = None, "another process on its processor"

    def begin(self):
        if not self.group:
            argv = [sys.executable, "-c", "while True: pass"]
            self.others.append(subprocess.Popen(argv, preexec_fn=self.bind))

    def end(self):
        for process in self.others:
            process.kill()
            process.wait()
        self.others = []

    def is_grouped(self):
        name = f"gate-unfit-{os.getpid()}"
        for folder, file, value in ((GROUPS, "cpu.max", "50000 100000"),
                                    (GROUPS / "cpu", "cpu.cfs_quota_us", "50000")):
            self.group = folder / name
            try:
                self.group.mkdir()
                # Nobody but the kernel makes this file: elsewhere it is a folder like any other.
                with open(self.group / file, "r+") as limit:
                    limit.write(value)
                self.how = f"a control group ({file})"
                return True
            except OSError:
                self.leave_group()
        return False

    def bind(self):
        os.sched_setaffinity(0, {self.processor})

    def enter(self):
        if self.group:
            (self.group / "cgroup.procs").write_text(str(os.getpid()))
        else:
            self.bind()

    def leave_group(self):
        for _ in range(20):
            try:
                self.group.rmdir()
                return
            except FileNotFoundError:
                return
            except OSError:
                time.sleep(0.05)

    def close(self):
        self.end()
        if self.group:
            self.leave_group()


def run(argv, prepare=None, stop_after=None):
    """The exit code, and why, in one line."""
    process = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                               preexec_fn=prepare)
    if stop_after:
        time.sleep(stop_after)
        process.send_signal(signal.SIGSTOP)
        time.sleep(2)
        process.send_signal(signal.SIGCONT)
    output, errors = process.communicate()
    try:
        document = json.loads(output)
    except ValueError:
        return process.returncode, f"no document: {errors.strip()}"
    reasons = "; ".join(document["reasons"]) or document["verdict"]
    return process.returncode, f"{document['cpu_us_per_request']} us each: {reasons}"


def needing(gate, url):
    """A rate that needs at least 0.8 of a CPU, by what so many requests a second cost here."""
    rate = 60_000
    while rate < 1_000_000:
        argv = [gate, "load", url, "--rate", f"{rate}/s", "--duration", "2s", "--warm-up", "0s",
                "--json"]
        document = json.loads(subprocess.run(argv, capture_output=True, text=True).stdout)
        needed = document["cpu_us_per_request"] * rate / 1e6
        if needed >= 0.8:
            return rate, needed
        # The more at once, the less each of them costs.
        rate = int(rate * max(1.1, 0.8 / needed))
    sys.exit("no rate needs 0.8 of a CPU here")


def cases(arguments, url, half):
    usual = ["--duration", "2s", "--warm-up", "0s", "--json"]
    gate = [arguments.gate, "load", url]
    few = lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (24, 24))
    yield "stopped for 2 s, open loop", lambda: run([*gate, "--rate", "500/s", *usual], None, 0.7)
    yield "stopped for 2 s, closed loop", lambda: run([*gate, "--connections", "8", *usual], None, 0.7)
    if not arguments.only or arguments.only in "half a CPU":
        rate, needed = needing(arguments.gate, url)
        print(f"    {rate:,} requests/s need {needed:.2f} of a CPU here; half of one by {half.how}")
        half.begin()
        yield "half a CPU", lambda: run([*gate, "--rate", f"{rate}/s", *usual], half.enter)
        half.end()
    yield "24 open files", lambda: run([*gate, "--connections", "64", *usual], few)
    yield "no samples", lambda: run([*gate, "--rate", "0.01/s", *usual])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("gate", type=os.path.abspath)
    parser.add_argument("--runs", type=int, default=50)
    parser.add_argument("--only", help="cases whose name holds this")
    parser.add_argument("--contention", action="store_true", help="no control group")
    parser.add_argument("--folder", default="target/bench", type=pathlib.Path)
    arguments = parser.parse_args()
    half = HalfACpu(arguments.contention)
    try:
        with Nginx(arguments.folder.resolve() / f"unfit-{os.getpid()}", workers=2) as nginx:
            for name, once in cases(arguments, nginx.url, half):
                if arguments.only and arguments.only not in name:
                    continue
                seen = [once() for _ in range(arguments.runs)]
                codes = collections.Counter(code for code, _ in seen)
                good = codes[INCONCLUSIVE]
                verdict = "met" if good == arguments.runs else "MISSED"
                print(f"    {name}: {good} of {arguments.runs} inconclusive, {codes[0]} passed: "
                      f"{verdict}", flush=True)
                for code, why in seen:
                    if code != INCONCLUSIVE:
                        print(f"        {code}: {why}")
                        break
                print(f"        such as: {seen[0][1]}", flush=True)
    finally:
        half.close()


if __name__ == "__main__":
    main()
