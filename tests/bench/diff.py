"""Times `gate diff` against odiff and blazediff, side by side.

    python3 tests/bench/diff.py GATE [--runs N]

The peers come from npm as their native executables; npm's wrapper would add the start of Node. The
commands of a row take turns, so that what else the machine does hits all of them. Times are medians
of whole processes; memory is the most that a process held.
"""

import argparse
import os
import pathlib
import statistics
import subprocess
import sys
import time

import pictures

ODIFF, BLAZEDIFF = "odiff-bin@4.5.0", "@blazediff/bin@3.5.0"


def fetch_peers(folder):
    """The native executables, installed once."""
    if not (folder / "node_modules/odiff-bin").exists():
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "package.json").write_text('{"private": true}')
        subprocess.run(["npm", "install", "--silent", ODIFF, BLAZEDIFF], cwd=folder, check=True)
    native = {}
    for path in sorted((folder / "node_modules").rglob("*")):
        if not path.is_file() or not os.access(path, os.X_OK) or path.is_symlink():
            continue
        if path.open("rb").read(4) == b"\x7fELF" and path.suffix != ".node":
            native.setdefault("odiff" if "odiff" in path.name else "blazediff", path)
    return native


def run(argv):
    """Seconds and the most memory in KiB of one process that has compared the pictures."""
    started = time.perf_counter()
    child = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    seconds = time.perf_counter() - started
    child.returncode = os.waitstatus_to_exitcode(status)
    # Same, different; odiff has a code of its own for different pixels.
    if child.returncode not in (0, 22 if "odiff" in os.path.basename(argv[0]) else 1):
        sys.exit(f"{argv} ended with {child.returncode}")
    return seconds, usage.ru_maxrss


def row(title, commands, runs, target, over="the faster peer"):
    """Runs the commands in turn; the first one is ours."""
    times = {name: [] for name in commands}
    memory = {name: 0 for name in commands}
    for name, argv in commands.items():
        run(argv)
    for _ in range(runs):
        for name, argv in commands.items():
            seconds, held = run(argv)
            times[name].append(seconds)
            memory[name] = max(memory[name], held)
    median = {name: statistics.median(found) for name, found in times.items()}
    ours, *peers = commands
    ratio = median[ours] / min(median[peer] for peer in peers)
    cells = ", ".join(f"{n} {median[n] * 1000:.1f} ms {memory[n] / 1024:.0f} MiB" for n in commands)
    verdict = "met" if ratio <= target else "MISSED"
    print(f"{title}\n    {cells}\n    {ratio:.3f} of {over}, target {target}: {verdict}", flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("gate")
    parser.add_argument("--runs", type=int, default=12)
    parser.add_argument("--folder", default="target/bench", type=pathlib.Path)
    arguments = parser.parse_args()
    gate, runs = os.path.abspath(arguments.gate), arguments.runs
    folder = arguments.folder.resolve()
    peers = fetch_peers(folder / "peers")
    odiff, blazediff = str(peers["odiff"]), str(peers["blazediff"])
    made = folder / "pictures"
    pictures.make(made)
    out = {name: str(folder / f"{name}-diff.png") for name in ("gate", "odiff", "blazediff")}

    def pair(kind):
        return [str(made / f"{kind}-before.png"), str(made / f"{kind}-after.png")]

    plain = [gate, "diff", "--no-align", "--count-antialiased"]
    for kind in ("text", "photo", "mixed"):
        before, after = pair(kind)
        both = os.path.getsize(before) / (pictures.WIDTH * pictures.HEIGHT)
        print(f"== {kind}: {pictures.WIDTH} x {pictures.HEIGHT}, {both:.3f} bytes a pixel")
        row("no diff image, every pixel counts", {
            "gate": [*plain, before, after],
            "odiff": [odiff, before, after],
            "blazediff": [blazediff, before, after],
        }, runs, 0.45)
        row("with a diff image", {
            "gate": [*plain, before, after, "--out", out["gate"]],
            "odiff": [odiff, before, after, out["odiff"]],
            "blazediff": [blazediff, before, after, out["blazediff"]],
        }, runs, 0.45)
        sizes = {name: os.path.getsize(path) for name, path in out.items() if os.path.exists(path)}
        met = "met" if sizes["gate"] <= sizes["odiff"] else "MISSED"
        print("    " + ", ".join(f"{n} {s / 1e6:.2f} MB" for n, s in sizes.items()) + f", no larger than odiff's: {met}")
        row("our defaults, the peers with anti-aliasing recognised", {
            "gate": [gate, "diff", before, after],
            "odiff": [odiff, "--antialiasing", before, after],
            "blazediff": [blazediff, "-a", before, after],
        }, runs, 0.9)
    before = pair("text")[0]
    print("== equal")
    for title, other, target in (
        ("the same bytes", "text-copy.png", 0.02),
        ("the same pixels in other bytes", "text-again.png", 0.45),
    ):
        commands = {
            "gate": [gate, "diff", before, str(made / other)],
            "odiff": [odiff, before, str(made / other)],
        }
        if target == 0.45:
            commands["blazediff"] = [blazediff, before, str(made / other)]
        row(title, commands, runs, target, "odiff" if target == 0.02 else "the faster peer")
    before, after = pair("small")
    print("== small: 800 x 600")
    row("every pixel counts", {
        "gate": [*plain, before, after],
        "odiff": [odiff, before, after],
        "blazediff": [blazediff, before, after],
    }, runs * 4, 1.0)
    row("our defaults, the peers with anti-aliasing recognised", {
        "gate": [gate, "diff", before, after],
        "odiff": [odiff, "--antialiasing", before, after],
        "blazediff": [blazediff, "-a", before, after],
    }, runs * 4, 1.0)


if __name__ == "__main__":
    main()
