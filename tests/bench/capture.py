"""Times the photographing of a suite of pages against BackstopJS and Playwright, side by side.

    python3 tests/bench/capture.py GATE [--runs N]

The suite is 10 pages at 5 viewports on one local site. All use the same Chromium, and each command
is a whole process, from its start to all pictures on the disk: `gate run` with its proof that each
page had settled, its layouts and its report; `backstop reference`; and a script for
playwright-core that takes one `fullPage` screenshot of each page as soon as it has loaded, with 1,
2 or 4 tabs that are kept from page to page. The commands take turns, so that what else the machine
does hits all of them.
"""

import argparse
import http.server
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import threading
import time
import zlib

from pictures import Dice

BACKSTOP, PLAYWRIGHT = "backstopjs@6.3.25", "playwright-core@1.65.1"
PAGES = 10
VIEWPORTS = [(320, 568), (390, 844), (768, 1024), (1280, 800), (1920, 1080)]

STYLE = """
* { box-sizing: border-box; margin: 0 }
body { font: 17px/1.55 'Liberation Sans', sans-serif; color: #223; background: #fff }
header { position: sticky; top: 0; background: #123c; color: #fff; padding: 16px 24px }
header a { color: #fff; margin-right: 20px }
.hero { padding: 64px 24px; background: linear-gradient(120deg, #06c, #9be) ; color: #fff }
.hero b { display: inline-block; padding: 12px 28px; border-radius: 24px; background: #f60 }
.row { display: flex; flex-wrap: wrap; gap: 24px; padding: 32px 24px }
.card { flex: 1 1 260px; border: 1px solid #dde; border-radius: 12px; padding: 20px;
        box-shadow: 0 4px 16px #0002 }
img { width: 100%; height: auto; border-radius: 8px }
footer { background: #123; color: #cde; padding: 40px 24px }
"""

SCRIPT = """
const { chromium } = require('playwright-core');
const [tabs, out, base] = [Number(process.argv[2]), process.argv[3], process.argv[4]];
const sizes = JSON.parse(process.argv[5]), pages = JSON.parse(process.argv[6]);
(async () => {
  const views = sizes.flatMap((size) => pages.map((page) => ({ size, page })));
  const browser = await chromium.launch({ executablePath: process.env.CHROMIUM, args: ['--no-sandbox'] });
  const work = async () => {
    const tab = await (await browser.newContext()).newPage();
    for (let view = views.shift(); view; view = views.shift()) {
      const [width, height] = view.size;
      await tab.setViewportSize({ width, height });
      await tab.goto(base + view.page);
      await tab.screenshot({ fullPage: true, path: `${out}/${view.page.slice(1)}-${width}.png` });
    }
  };
  await Promise.all(Array.from({ length: tabs }, work));
  await browser.close();
})().catch((error) => { console.error(error); process.exit(1); });
"""


def photo(seed, width=640, height=400):
    """A PNG with soft colours and the grain of a sensor."""
    dice, rows = Dice(seed), []
    base = [dice.below(160) + 40 for _ in range(6)]
    for y in range(height):
        row = bytearray(b"\0")
        for x in range(width):
            grain = dice.below(9) - 4
            for channel in range(3):
                to = base[channel] * (height - y) // height + base[channel + 3] * x // (2 * width)
                row.append(max(0, min(255, to + grain)))
        rows.append(bytes(row))
    chunk = lambda name, data: (
        len(data).to_bytes(4, "big") + name + data + zlib.crc32(name + data).to_bytes(4, "big")
    )
    head = width.to_bytes(4, "big") + height.to_bytes(4, "big") + b"\x08\x02\0\0\0"
    data = zlib.compress(b"".join(rows), 6)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def site():
    """The site by path: what each address answers, and its type."""
    answers = {f"/photo-{n}.png": (photo(n + 1), "image/png") for n in range(4)}
    answers["/style.css"] = (STYLE.encode(), "text/css")
    for number in range(PAGES):
        dice = Dice(number + 77)
        rows = []
        for row in range(3 + number % 4):
            cards = "".join(
                f'<div class="card"><h3>{dice.sentence(3)}</h3>'
                + (f'<img src="/photo-{dice.below(4)}.png" width="640" height="400" alt="">' if row == 1 else "")
                + f"<p>{' '.join(dice.sentence(9) for _ in range(4))}</p></div>"
                for _ in range(3)
            )
            rows.append(f'<div class="row">{cards}</div>')
        markup = (
            f'<!doctype html><html lang="en"><meta charset="utf-8"><title>Page {number}</title>'
            '<meta name="viewport" content="width=device-width"><link rel="stylesheet" href="/style.css">'
            f'<header><a href="/page-0">Home</a><a href="/page-1">Offers</a></header>'
            f'<div class="hero"><h1>{dice.sentence(5)}</h1><p>{dice.sentence(12)}</p><b>{dice.sentence(2)}</b></div>'
            f'{"".join(rows)}<footer>{dice.sentence(20)}</footer></html>'
        )
        answers[f"/page-{number}"] = (markup.encode(), "text/html")
    return answers


def serve(answers):
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # Head and body in one piece: two would wait for each other.
        wbufsize = -1

        def do_GET(self):
            body, kind = answers.get(self.path, (b"there is no such page", "text/plain"))
            self.send_response(200 if self.path in answers else 404)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
            self.wfile.flush()

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_port}"


def fetch_peers(folder):
    """The peers without browsers of their own, installed once."""
    if not (folder / "node_modules/playwright-core").exists():
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "package.json").write_text('{"private": true}')
        alone = dict(os.environ, PUPPETEER_SKIP_DOWNLOAD="1", PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD="1")
        subprocess.run(["npm", "install", "--silent", BACKSTOP, PLAYWRIGHT], cwd=folder, check=True, env=alone)
    (folder / "shoot.js").write_text(SCRIPT)


def backstop(folder, base, chromium):
    config = {
        "id": "suite",
        "viewports": [{"label": f"w{width}", "width": width, "height": height} for width, height in VIEWPORTS],
        "scenarios": [
            {"label": f"page-{n}", "url": f"{base}/page-{n}", "selectors": ["document"]} for n in range(PAGES)
        ],
        "paths": {name: f"backstop/{name}" for name in ("bitmaps_reference", "bitmaps_test", "engine_scripts")},
        "engine": "puppeteer",
        "engineOptions": {"executablePath": chromium, "args": ["--no-sandbox"]},
        "report": [],
    }
    (folder / "backstop.json").write_text(json.dumps(config))


def workspace(folder, base):
    (folder / "specs").mkdir(parents=True, exist_ok=True)
    (folder / "gate.yaml").write_text(f"environments:\n  site: {{ url: {base} }}\n")
    views = "".join(f"    - {{ name: w{width}, width: {width}, height: {height} }}\n" for width, height in VIEWPORTS)
    pages = ", ".join(f"/page-{n}" for n in range(PAGES))
    (folder / "specs/suite.yaml").write_text(
        f"gate: visual\nname: suite\nwith:\n  pages: [{pages}]\n  viewports:\n{views}"
    )


class Command:
    """A command line, the folder that it works in, and where its pictures are then."""

    def __init__(self, argv, folder, clean, pictures, codes=(0,)):
        self.argv, self.folder, self.clean = argv, folder, clean
        self.pictures, self.codes = pictures, codes

    def run(self, environment):
        for path in self.clean:
            shutil.rmtree(path, ignore_errors=True)
        if self.clean:
            self.clean[-1].mkdir(parents=True, exist_ok=True)
        started = time.perf_counter()
        ended = subprocess.run(
            self.argv, cwd=self.folder, env=environment, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=600,
        )
        seconds = time.perf_counter() - started
        found = self.pictures() if ended.returncode in self.codes else 0
        if ended.returncode not in self.codes or found != PAGES * len(VIEWPORTS):
            text = ended.stdout.decode(errors="replace")[-2000:]
            sys.exit(f"{self.argv[0]} ended with {ended.returncode} and {found} pictures\n{text}")
        return seconds


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("gate")
    parser.add_argument("--runs", type=int, default=10)
    parser.add_argument("--backstop-runs", type=int, help="fewer for the slowest")
    parser.add_argument("--folder", default="target/bench", type=pathlib.Path)
    arguments = parser.parse_args()
    chromium = shutil.which("chromium") or sys.exit("a Chromium is needed")
    folder = arguments.folder.resolve() / "capture"
    peers, ours = folder / "peers", folder / "gate"
    fetch_peers(peers)
    base = serve(site())
    backstop(peers, base, chromium)
    workspace(ours, base)
    pngs = lambda path: sum(1 for _ in path.rglob("*.png"))

    def kept():
        """Each view of the suite is another picture, and is kept under its digest."""
        return sum(path.open("rb").read(4) == b"\x89PNG" for path in (ours / ".gate/store").iterdir())

    tabs = lambda count: Command(
        ["node", "shoot.js", str(count), str(folder / f"shots-{count}"), base, json.dumps(VIEWPORTS),
         json.dumps([f"/page-{n}" for n in range(PAGES)])],
        peers, [folder / f"shots-{count}"], lambda: pngs(folder / f"shots-{count}"),
    )
    commands = {
        # No picture was approved: that each is new is what it has to say.
        "gate": Command([os.path.abspath(arguments.gate), "run", "--env", "site", "--quiet"], ours, [ours / ".gate"], kept, (1, 3)),
        **{f"playwright, {count} tabs": tabs(count) for count in (1, 2, 4)},
        "backstop": Command(
            ["node", "node_modules/backstopjs/cli/index.js", "reference", "--config=backstop.json"],
            peers, [peers / "backstop"], lambda: pngs(peers / "backstop"),
        ),
    }
    environment = dict(os.environ, CHROMIUM=chromium)
    environment.pop("CI", None)
    times = {name: [] for name in commands}
    limit = {"backstop": arguments.backstop_runs or arguments.runs}
    for number in range(-1, arguments.runs):
        for name, command in commands.items():
            if number >= limit.get(name, arguments.runs):
                continue
            seconds = command.run(environment)
            if number >= 0:
                times[name].append(seconds)
    median = {name: statistics.median(found) for name, found in times.items()}
    print(f"== {PAGES} pages at {len(VIEWPORTS)} viewports, {os.cpu_count()} processors, median of {arguments.runs}")
    for name, found in times.items():
        print(f"    {name}: {median[name]:.2f} s ({min(found):.2f} to {max(found):.2f})")
    best = min(value for name, value in median.items() if name.startswith("playwright"))
    for peer, of, target in (("BackstopJS", median["backstop"], 4), ("the best of Playwright", best, 1.2)):
        ratio = of / median["gate"]
        verdict = "met" if ratio >= target else "MISSED"
        print(f"    {ratio:.2f} times as fast as {peer}, target {target}: {verdict}", flush=True)


if __name__ == "__main__":
    main()
