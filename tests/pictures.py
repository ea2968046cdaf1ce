"""Takes the pictures of the README: the review of what the demo left behind, in a real Chromium.

    python3 tests/pictures.py GATE [--out docs/pictures]

Runs `gate demo` in a folder of its own, starts `gate review` on the runs in which something was
broken, and photographs what a person sees there. Needs Chromium and ChromeDriver.
"""

import argparse
import base64
import contextlib
import json
import os
import pathlib
import re
import subprocess
import tempfile
import time
import urllib.request

WIDTH, HEIGHT = 1360, 850
# File, what was broken, page, dark, and what is true as soon as the page shows all of it.
PICTURES = [
    ("overview", "missing-image", "/", False, "return document.readyState === 'complete'"),
    ("review", "recoloured-button", "/review.html#item=pages/home-desktop-chromium&view=side&region=1", False, "ready"),
    ("aligned", "inserted-banner", "/review.html#item=pages/pricing-phone-chromium", True, "ready"),
    ("gate", "signup-error", "/{gate:sign-up}", False, "return document.readyState === 'complete'"),
]
# All pictures are drawn: the page says that it has its data, and no pane waits.
READY = """
return document.documentElement.dataset.ready === 'true'
  && document.querySelector('#changes li') !== null
  && document.images.length > 0
  && [...document.images].every((image) => image.complete);
"""


class Browser:
    """A headless Chromium behind its driver, in as much of WebDriver as this needs."""

    def __init__(self, stack):
        argv = ["chromedriver", "--port=0"]
        driver = subprocess.Popen(argv, stdout=subprocess.PIPE, text=True)
        stack.callback(driver.wait)
        stack.callback(driver.terminate)
        port = next(found[1] for line in driver.stdout if (found := re.search(r"successfully on port (\d+)", line)))
        self.base = f"http://127.0.0.1:{port}"
        flags = ["--headless=new", "--no-sandbox", "--hide-scrollbars", "--force-device-scale-factor=1"]
        wanted = {"browserName": "chrome", "goog:chromeOptions": {"args": flags}}
        opened = self.ask("/session", {"capabilities": {"alwaysMatch": wanted}})
        self.base += f"/session/{opened['sessionId']}"
        stack.callback(self.ask, "", method="DELETE")
        self.devtools("Emulation.setDeviceMetricsOverride",
                      width=WIDTH, height=HEIGHT, deviceScaleFactor=1, mobile=False)

    def ask(self, path, body=None, method=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.base + path, data, method=method)
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)["value"]

    def devtools(self, command, **params):
        return self.ask("/goog/cdp/execute", {"cmd": command, "params": params})

    def run(self, script):
        return self.ask("/execute/sync", {"script": script, "args": []})

    def wait(self, script):
        until = time.monotonic() + 30
        while not self.run(script):
            if time.monotonic() > until:
                raise SystemExit(f"this did not come true within 30 s: {script}")
            time.sleep(0.05)

    def still(self):
        """The picture, when two in a row are the same."""
        before = None
        for _ in range(100):
            now = self.ask("/screenshot")
            if now == before:
                return base64.b64decode(now)
            before = now
            time.sleep(0.1)
        raise SystemExit("the page does not come to rest")


@contextlib.contextmanager
def reviewed(gate, workspace, run):
    argv = [gate, "review", run, "--json", "--no-open", "--by", "Kim"]
    server = subprocess.Popen(argv, cwd=workspace, stdout=subprocess.PIPE, text=True)
    try:
        yield json.loads(server.stdout.readline())["url"]
    finally:
        server.terminate()
        server.wait()


def runs_by_fault(gate, folder):
    """The run of each fault: the last one whose report has the check that noticed it."""
    argv = [gate, "demo", "--dir", str(folder), "--json"]
    story = json.loads(subprocess.run(argv, stdout=subprocess.PIPE, check=True).stdout)
    caught = {one["fault"]: one["expected"] for one in story}
    found = {}
    for path in sorted((folder / "demo/.gate/runs").glob("*/report.json")):
        report = json.loads(path.read_text())
        failed = {f"{gate['name']}/{check['id']}" for gate in report["gates"]
                  for check in gate["checks"] if check["verdict"] == "fail"}
        found.update({fault: report for fault, check in caught.items() if check in failed})
    return found


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("gate")
    parser.add_argument("--out", default="docs/pictures", type=pathlib.Path)
    arguments = parser.parse_args()
    gate = os.path.abspath(arguments.gate)
    arguments.out.mkdir(parents=True, exist_ok=True)
    os.environ.pop("CI", None)
    with contextlib.ExitStack() as stack:
        folder = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory()))
        runs = runs_by_fault(gate, folder)
        browser = Browser(stack)
        for name, fault, page, dark, ready in PICTURES:
            report = runs[fault]
            names = [one["name"] for one in report["gates"]]
            page = re.sub(r"\{gate:(.*?)\}", lambda found: f"gate-{names.index(found[1]) + 1}.html", page)
            scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
            browser.devtools("Emulation.setEmulatedMedia", features=[scheme])
            with reviewed(gate, folder / "demo", report["run"]) as url:
                browser.ask("/url", {"url": url})
                origin = url.partition("/?")[0]
                browser.wait("return location.search === ''")
                browser.ask("/url", {"url": origin + page})
                browser.wait(READY if ready == "ready" else ready)
                path = arguments.out / f"{name}.png"
                path.write_bytes(browser.still())
                print(f"{path}: {path.stat().st_size // 1024} KiB")


if __name__ == "__main__":
    main()
