"""Runs one suite of 50 views here and on a Selenium Grid, and kills nodes of the Grid under it.

    python3 tests/grid.py GATE [--folder target/grid]

Needs Java, npm, Chromium and ChromeDriver. The Grid is selenium-server 3.141.59 from npm: a hub and
two nodes of two browsers each, on loopback. What may never happen is a pass with views that were
not compared. Prints what was found, and ends with 1 when something is not as it has to be.
"""

import argparse
import contextlib
import http.server
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

SELENIUM = "selenium-server@3.141.59"
PAGES = [f"/page-{number}" for number in range(10)]
WIDTHS = [320, 390, 768, 1024, 1280]
VIEWS = len(PAGES) * len(WIDTHS)
CHANGED = "/page-6"
# What a process of a node carries in its environment, so that it can be found whoever started it.
MARK = "GATE_GRID_NODE"


def fetch_selenium(folder):
    """The server's jar, installed once."""
    jars = folder / "node_modules/selenium-server/lib/runner"
    if not jars.is_dir():
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "package.json").write_text('{"private": true}')
        subprocess.run(["npm", "install", "--silent", SELENIUM], cwd=folder, check=True)
    return next(jars.glob("selenium-server-standalone-*.jar"))


def page(number, changed):
    """A page with a heading, a picture, a button and some paragraphs."""
    colour = "#c22" if changed else "#0a7"
    words = " ".join(f"word{number * 7 + at}" for at in range(60))
    return f"""<!doctype html><html lang=en><meta charset=utf-8><title>Page {number}</title>
<meta name=viewport content="width=device-width"><style>
body {{ font: 16px/1.5 sans-serif; margin: 24px; max-width: 60em }}
a {{ background: {colour}; color: white; padding: 12px 24px; display: inline-block }}
</style><h1>Page {number}</h1>
<svg width=200 height=80><rect width=200 height=80 fill="hsl({number * 36} 60% 60%)"/></svg>
<p>{words}</p><a href=/buy>Buy {number}</a><p>{words}</p><p>{words}</p></html>""".encode()


class Site(http.server.ThreadingHTTPServer):
    """The pages, one of them with another button if so wished."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Answer)
        self.changed = None
        self.url = f"http://127.0.0.1:{self.server_port}"
        threading.Thread(target=self.serve_forever, daemon=True).start()


class Answer(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        there = self.path in PAGES
        changed = self.path == self.server.changed
        body = page(PAGES.index(self.path), changed) if there else b"not here"
        self.send_response(200 if there else 404)
        self.send_header("content-type", "text/html; charset=utf-8")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def wait_until(what, holds, seconds, step=0.02):
    """Looks again and again until something holds; ends the test when it does not in time."""
    started = time.monotonic()
    while not (found := holds()):
        if time.monotonic() - started > seconds:
            raise RuntimeError(f"{what} did not come about within {seconds} s")
        time.sleep(step)
    return found


def free_port():
    with contextlib.closing(socket.socket()) as made:
        made.bind(("127.0.0.1", 0))
        return made.getsockname()[1]


def ask(url):
    try:
        with urllib.request.urlopen(url, timeout=3) as answer:
            return answer.read()
    except OSError:
        return None


class Grid:
    """A hub and two nodes, each a process group of its own with a folder of its own."""

    def __init__(self, jar, folder):
        self.jar, self.folder = jar, folder
        self.parts = {}
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}/wd/hub"
        self.start("hub", self.port, [])

    def start(self, name, port, arguments):
        folder = self.folder / name
        (folder / "tmp").mkdir(parents=True, exist_ok=True)
        argv = ["java", f"-Djava.io.tmpdir={folder}/tmp"]
        argv += [f"-Dwebdriver.chrome.driver={shutil.which('chromedriver')}"]
        argv += ["-jar", str(self.jar), "-host", "127.0.0.1", "-port", str(port)]
        argv += ["-role", "hub"] if name == "hub" else ["-role", "node"]
        own = {"PATH": os.environ["PATH"], "HOME": str(folder), "TMPDIR": f"{folder}/tmp"}
        with open(folder / "log", "ab") as log:
            self.parts[name] = subprocess.Popen(
                argv + arguments, stdout=log, stderr=log, stdin=subprocess.DEVNULL,
                env={**own, MARK: str(folder)}, start_new_session=True,
            )

    def start_nodes(self):
        """Starts the nodes that are not there, and waits until all four browsers are offered."""
        wait_until("the hub", lambda: ask(f"http://127.0.0.1:{self.port}/grid/api/hub"), 60)
        for name in ("node 1", "node 2"):
            if name not in self.parts:
                browsers = ["-browser", "browserName=chrome,maxInstances=2", "-maxSession", "2"]
                hub = ["-hub", f"http://127.0.0.1:{self.port}/grid/register"]
                self.start(name, free_port(), hub + browsers + ["-registerCycle", "1000"])
        wait_until("a Grid with four free browsers", lambda: self.free() == (4, 4), 90, 0.2)

    def free(self):
        counts = json.loads(ask(f"http://127.0.0.1:{self.port}/grid/api/hub") or b"{}")
        counts = counts.get("slotCounts", {})
        return counts.get("total"), counts.get("free")

    def sessions(self, name):
        """How many browsers of a node are at work: the drivers that it has started."""
        group = str(self.folder / name)
        return sum(command.split(" ")[0].endswith("chromedriver") for _, command in carrying(group))

    def kill(self, name):
        """Ends a node with everything that it has started, at once."""
        part = self.parts.pop(name)
        for pid, _ in carrying(str(self.folder / name)):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        part.wait()

    def close(self):
        for name in list(self.parts):
            self.kill(name)


def carrying(mark):
    """The processes of a part of the Grid: number and command line."""
    wanted = f"{MARK}={mark}".encode()
    found = []
    for entry in pathlib.Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        with contextlib.suppress(OSError):
            if wanted in (entry / "environ").read_bytes().split(b"\0"):
                command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
                found.append((int(entry.name), command))
    return found


class Suite:
    """A workspace with the spec, and the runs in it."""

    def __init__(self, gate, folder, live, test):
        self.gate, self.folder = gate, folder
        self.seen = set()
        (folder / "specs").mkdir(parents=True)
        (folder / "gate.yaml").write_text(
            f"environments:\n  live: {{ url: \"{live.url}\" }}\n  test: {{ url: \"{test.url}\" }}\n"
        )
        sizes = "\n".join(f"    - {{ name: w{w}, width: {w}, height: 800 }}" for w in WIDTHS)
        (folder / "specs/all.yaml").write_text(
            "gate: visual\nname: all\ntimeout: 3m\nwith:\n"
            f"  pages: [{', '.join(PAGES)}]\n  viewports:\n{sizes}\n  against: live\n"
        )

    def runs(self):
        folder = self.folder / ".gate/runs"
        return sorted(folder.iterdir()) if folder.is_dir() else []

    def start(self, remote=None):
        own = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        if remote:
            own["SELENIUM_REMOTE_URL"] = remote
            if os.geteuid() == 0:
                options = {"goog:chromeOptions": {"args": ["--no-sandbox"]}}
                own["SELENIUM_REMOTE_CAPABILITIES"] = json.dumps(options)
        argv = [self.gate, "run", "--env", "test", "--json"]
        out, said = tempfile.TemporaryFile(), tempfile.TemporaryFile()
        child = subprocess.Popen(
            argv, cwd=self.folder, env=own, stdout=out, stderr=said, start_new_session=True
        )
        return Run(self, child, out, said)


class Run:
    """A run under way. There is one at a time."""

    def __init__(self, suite, child, out, said):
        self.suite, self.child, self.out, self.said = suite, child, out, said
        self.started = time.monotonic()

    def events(self):
        """What the run has told so far, as one text."""
        new = [path for path in self.suite.runs() if path.name not in self.suite.seen]
        file = new[0] / "events.jsonl" if new else None
        return file.read_text() if file and file.is_file() else ""

    def has_come_to(self, views):
        if self.child.poll() is not None:
            raise RuntimeError("the run ended before anything could be killed")
        return self.events().count(" done\"") >= views

    def end(self):
        try:
            code = self.child.wait(timeout=170)
        finally:
            if self.child.poll() is None:
                os.killpg(self.child.pid, signal.SIGKILL)
                self.child.wait()
        events = self.events()
        seconds = time.monotonic() - self.started
        self.suite.seen = {path.name for path in self.suite.runs()}
        report, said = (read_all(file) for file in (self.out, self.said))
        if not report:
            raise RuntimeError(f"the run ended with {code} and no report: {said}")
        return Found(self.suite, code, json.loads(report), events, seconds)


def read_all(file):
    with file:
        file.seek(0)
        return file.read().decode()


class Found:
    """What a run amounts to."""

    def __init__(self, suite, code, report, events, seconds):
        self.code, self.seconds = code, seconds
        gate = report["gates"][0]
        self.checks = {check["id"]: check["verdict"] for check in gate["checks"]}
        self.messages = {check["id"]: check["message"] for check in gate["checks"]}
        self.compared = 0
        self.failed = ""
        last = gate["attempts"][-1]
        if "measured" in last:
            stored = json.loads((suite.folder / ".gate/store" / last["measured"]).read_bytes())
            views = stored["seen"]["views"]
            self.compared = sum(view.get("compared") is not None for view in views)
        else:
            self.failed = last["reason"]
        self.lost = events.count("session was lost")

    def having(self, verdict):
        return sorted(name for name, found in self.checks.items() if found == verdict)

    def row(self):
        counts = " ".join(
            f"{verdict} {len(self.having(verdict))}"
            for verdict in ("pass", "warn", "inconclusive", "fail") if self.having(verdict)
        )
        return (f"exit {self.code}, {self.seconds:5.1f} s, {self.compared} of {VIEWS} compared, "
                f"{self.lost} lost and done again; {counts or self.failed}")


class Table:
    def __init__(self):
        self.missed = 0

    def row(self, what, found, holds):
        self.missed += not holds
        print(f"{'ok  ' if holds else 'MISS'}  {what:52} {found}", flush=True)


def same_sites(table, suite, grid):
    here = suite.start().end()
    table.row("here, two equal sites", here.row(), passes(here))
    there = suite.start(grid.url).end()
    table.row("on the Grid, two equal sites", there.row(),
              passes(there) and there.checks == here.checks)


def passes(found):
    return found.code == 0 and len(found.having("pass")) == found.compared == VIEWS


def one_page_differs(table, suite, grid, test):
    test.changed = CHANGED
    try:
        for where, remote in (("here", None), ("on the Grid", grid.url)):
            found = suite.start(remote).end()
            named = found.having("fail")
            right = len(named) == len(WIDTHS) and all(CHANGED.strip("/") in name for name in named)
            right &= found.code == 1 and len(found.having("pass")) == VIEWS - len(WIDTHS)
            table.row(f"{where}, {CHANGED} differs", found.row(), right)
    finally:
        test.changed = None


def never_a_false_pass(found):
    """Everything was compared, or what was not is named and blocks."""
    if found.code == 0:
        return passes(found)
    without = found.having("inconclusive")
    return found.code == 3 and len(found.having("pass")) + len(without) == VIEWS and bool(without)


def one_node_killed(table, suite, grid):
    run = suite.start(grid.url)
    wait_until("ten views", lambda: run.has_come_to(10), 60)
    at_work = grid.sessions("node 1")
    grid.kill("node 1")
    found = run.end()
    # A node without browsers at work would prove nothing.
    holds = at_work > 0 and found.lost > 0 and never_a_false_pass(found)
    table.row(f"node 1 killed after 10 views, {at_work} browsers on it", found.row(), holds)


def both_nodes_killed(table, suite, grid):
    run = suite.start(grid.url)
    wait_until("ten views", lambda: run.has_come_to(10), 60)
    for name in ("node 1", "node 2"):
        grid.kill(name)
    found = run.end()
    holds = found.code == 3 and found.compared < VIEWS and never_a_false_pass(found)
    table.row("both nodes killed after 10 views", found.row(), holds)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("gate")
    parser.add_argument("--folder", type=pathlib.Path, default=pathlib.Path("target/grid"))
    given = parser.parse_args()
    missing = [name for name in ("java", "npm", "chromium", "chromedriver") if not shutil.which(name)]
    if missing:
        sys.exit(f"missing: {', '.join(missing)}; on Debian: apt-get install "
                 "default-jre-headless npm chromium chromium-driver")
    jar = fetch_selenium(given.folder.resolve())
    live, test, table = Site(), Site(), Table()
    with tempfile.TemporaryDirectory(prefix="gate-grid-") as folder:
        folder = pathlib.Path(folder)
        suite = Suite(str(pathlib.Path(given.gate).resolve()), folder / "suite", live, test)
        grid = Grid(jar, folder)
        try:
            grid.start_nodes()
            same_sites(table, suite, grid)
            one_page_differs(table, suite, grid, test)
            one_node_killed(table, suite, grid)
            grid.start_nodes()
            both_nodes_killed(table, suite, grid)
        finally:
            grid.close()
    sys.exit(1 if table.missed else 0)


if __name__ == "__main__":
    main()
