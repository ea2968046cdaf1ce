"""Times what a pipeline pays for gate itself: `--version`, and a run of one `true`."""

import os
import statistics
import subprocess
import sys
import tempfile
import time

RUNS = 40


def median_ms(argv, folder):
    times = []
    for _ in range(RUNS):
        started = time.perf_counter()
        subprocess.run(argv, cwd=folder, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        times.append((time.perf_counter() - started) * 1000)
    return statistics.median(times), min(times), max(times)


def main(gate):
    gate = os.path.abspath(gate)
    with tempfile.TemporaryDirectory() as folder:
        spec = os.path.join(folder, "true.yaml")
        with open(spec, "w", encoding="utf-8") as out:
            out.write("gate: command\nname: nothing\nwith:\n  run: [\"true\"]\n")
        rows = [
            ("/bin/true, to compare with", ["/bin/true"], None),
            ("gate --version", [gate, "--version"], 10),
            ("gate run, one `true`", [gate, "run", spec], 30),
        ]
        print(f"median of {RUNS} whole processes, in ms (min, max)")
        for name, argv, target in rows:
            median, low, high = median_ms(argv, folder)
            goal = f"  target {target}" if target else ""
            print(f"{name:28} {median:7.1f}  ({low:.1f}, {high:.1f}){goal}")


if __name__ == "__main__":
    main(sys.argv[1])
