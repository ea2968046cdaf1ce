#!/usr/bin/env python3
"""Synthetic visitors on the demo: how long 300 of them take, 12 in browsers, and how often a clean site is
said not to be one.

    visits.py GATE [--clean N]

GATE is the program. N clean runs of 30 visitors, 2 in browsers, follow the long one; 200 unless said.
"""

import argparse
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("gate", type=pathlib.Path)
    arguments.add_argument("--clean", type=int, default=200)
    arguments = arguments.parse_args()
    gate = str(arguments.gate.resolve())
    with tempfile.TemporaryDirectory() as folder:
        demo = pathlib.Path(folder) / "demo"
        shutil.copytree(ROOT / "specs/demo", demo)
        shutil.copytree(ROOT / "specs/plugins", pathlib.Path(folder) / "plugins")
        site = subprocess.Popen([gate, "demo", "serve", "--port", "0"], stdout=subprocess.PIPE, text=True)
        try:
            url = site.stdout.readline().split()[1]
            environment = {**os.environ, "TEST_URL": url, "LIVE_URL": url, "CRM_TOKEN": "x"}

            def visit(visitors, browsers):
                words = [gate, "experiment", "visit", "specs/hero.yaml", "--env", "test", "--json"]
                words += ["--visitors", str(visitors), "--browsers", str(browsers)]
                started = time.monotonic()
                ended = subprocess.run(words, cwd=demo, env=environment, capture_output=True, text=True)
                return json.loads(ended.stdout), ended.returncode, time.monotonic() - started

            seen, code, took = visit(300, 12)
            assert code == 0, seen
            print(f"300 visitors, 12 in browsers: {took:.1f} s (target: below 180 s)", flush=True)
            alarms, times = [], []
            for _ in range(arguments.clean):
                seen, code, took = visit(30, 2)
                times.append(took)
                wrong = [check for check in seen["checks"] if check["verdict"] != "pass"]
                alarms += [f"{check['id']}: {check['message']}" for check in wrong]
            for alarm in alarms:
                print(f"  {alarm}")
            times.sort()
            print(
                f"{arguments.clean} clean runs: {len(alarms)} alarms (target: 0), "
                f"median {times[len(times) // 2] if times else 0:.1f} s"
            )
            sys.exit(1 if alarms else 0)
        finally:
            site.terminate()
            site.wait()


if __name__ == "__main__":
    main()
