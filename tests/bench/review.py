"""Measures the review of a run with 10,000 compared pictures in a real Chromium.

    python3 tests/bench/review.py GATE LARGE_RUN [--runs N] [--items N]

LARGE_RUN is the example of gate-review that writes such a run. What is measured: from the start of
`gate review` until it listens; from asking for the page until the first items can be read; from the
key that accepts until the page says that it was accepted; and the most memory that the server held.
Medians over the runs, in a workspace of its own each time. The browser is driven by playwright-core.
"""

import argparse
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import time

PLAYWRIGHT = "playwright-core@1.65.1"

SCRIPT = """
const { chromium } = require('playwright-core');
(async () => {
  const browser = await chromium.launch({ executablePath: process.env.CHROMIUM, args: ['--no-sandbox'] });
  const page = await (await browser.newContext({ viewport: { width: 1280, height: 800 } })).newPage();
  const origin = new URL(process.argv[2]).origin;
  await page.goto(process.argv[2]);
  // The first page sets the cookie and goes on by itself.
  await page.waitForURL(origin + '/');
  const asked = performance.now();
  await page.goto(origin + '/review.html', { waitUntil: 'commit' });
  await page.waitForSelector('.row-title, .group-name');
  const shown = performance.now() - asked;
  await page.waitForLoadState('load');
  await page.getByLabel('Group what changed alike').uncheck();
  await page.waitForSelector('.row-title');
  await page.keyboard.press('j');
  const accept = [];
  // The first one asks for the reason, which is kept for the others.
  await page.keyboard.press('a');
  const reason = page.locator('#reason');
  await reason.waitFor();
  await reason.fill('scale');
  await page.keyboard.press('Enter');
  const states = () => page.evaluate(() => performance.getEntriesByType('resource')
    .filter((entry) => entry.name.endsWith('/api/decisions')).map((entry) => entry.duration));
  await page.waitForFunction(() => performance.getEntriesByType('resource')
    .some((entry) => entry.name.endsWith('/api/decisions')));
  for (let at = 0; at < 20; at++) {
    await page.keyboard.press('j');
    const before = (await states()).length;
    const pressed = performance.now();
    await page.keyboard.press('a');
    await page.waitForFunction((n) => performance.getEntriesByType('resource')
      .filter((entry) => entry.name.endsWith('/api/decisions')).length > n, before, { polling: 5 });
    accept.push(performance.now() - pressed);
  }
  accept.sort((a, b) => a - b);
  console.log(JSON.stringify({ shown, accept: accept[accept.length >> 1], slowest: accept.at(-1) }));
  await browser.close();
})().catch((error) => { console.error(error); process.exit(1); });
"""


def fetch_playwright(folder):
    if not (folder / "node_modules/playwright-core").exists():
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "package.json").write_text('{"private": true}')
        subprocess.run(["npm", "install", "--silent", PLAYWRIGHT], cwd=folder, check=True)
    (folder / "review.js").write_text(SCRIPT)


def measured(gate, workspace, peers, environment):
    started = time.perf_counter()
    argv = [gate, "review", "--json", "--no-open", "--by", "Kim"]
    server = subprocess.Popen(argv, cwd=workspace, stdout=subprocess.PIPE, text=True)
    try:
        url = json.loads(server.stdout.readline())["url"]
        listens = (time.perf_counter() - started) * 1000
        driven = subprocess.run(["node", "review.js", url], cwd=peers, env=environment, check=True,
                                capture_output=True, text=True, timeout=120)
        status = pathlib.Path(f"/proc/{server.pid}/status").read_text()
        memory = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))
        return {"listens": listens, "memory": memory / 1024, **json.loads(driven.stdout)}
    finally:
        server.terminate()
        server.wait()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("gate")
    parser.add_argument("large_run")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--items", type=int, default=10_000)
    parser.add_argument("--folder", default="target/bench", type=pathlib.Path)
    arguments = parser.parse_args()
    folder = arguments.folder.resolve() / "review"
    peers = folder / "peers"
    fetch_playwright(peers)
    made = folder / f"run-{arguments.items}"
    if not (made / "gate.yaml").exists():
        made.mkdir(parents=True, exist_ok=True)
        subprocess.run([os.path.abspath(arguments.large_run), made, str(arguments.items)], check=True)
    chromium = shutil.which("chromium") or sys.exit("a Chromium is needed")
    environment = dict(os.environ, CHROMIUM=chromium)
    environment.pop("CI", None)
    found = []
    for _ in range(arguments.runs):
        for left in (made / "specs", made / ".gate/thumbnails"):
            shutil.rmtree(left, ignore_errors=True)
        found.append(measured(os.path.abspath(arguments.gate), made, peers, environment))
    print(f"== a run with {arguments.items} compared pictures, medians of {arguments.runs}")
    for key, what, unit, target in (
        ("listens", "until the server listens", "ms", None),
        ("shown", "until the first items can be read", "ms", 1000),
        ("accept", "until an accepted item is recorded", "ms", 100),
        ("slowest", "the slowest of 20 of them", "ms", None),
        ("memory", "the most memory of the server", "MiB", 200),
    ):
        value = statistics.median(one[key] for one in found)
        verdict = "" if target is None else f", target {target}: {'met' if value <= target else 'MISSED'}"
        print(f"    {what}: {value:.0f} {unit}{verdict}")


if __name__ == "__main__":
    main()
