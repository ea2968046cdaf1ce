"""Records cassettes with the tools that users have, against a small server, and writes what they
must hold into `manifest.json`. Run by hand; what it wrote is committed in `../recorded/`.

    python3 -m venv VENV && VENV/bin/pip install vcrpy requests httpx urllib3
    npm install --prefix NODE @pollyjs/core @pollyjs/adapter-node-http @pollyjs/adapter-fetch \
        @pollyjs/persister-fs playwright-core
    apt-get install ruby ruby-vcr ruby-webmock ruby-multi-json chromium
    NODE_PATH=NODE/node_modules VENV/bin/python prepare.py

Last run with vcrpy 9.4.2, requests 2.34.2, httpx 0.28.1, urllib3 2.8.0, VCR 5.0.0 (Debian 12),
Polly.js 6.0.6, Playwright 1.65.1 and Chromium 156.

The manifest is written from what the server saw and sent, not from the cassettes.
"""

import base64
import gzip
import hashlib
import http.server
import json
import pathlib
import shutil
import subprocess
import threading
import zlib

import httpx
import requests
import urllib3
import vcr

PORT = 8377
BASE = f"http://127.0.0.1:{PORT}"
HERE = pathlib.Path(__file__).resolve().parent
OUT = HERE.parent / "recorded"
BROTLI = "iw2AeyJjb2RpbmciOiJiciIsInRleHQiOiJ5ZXMifQM="
LONG = "".join(f"line {n}: the quick brown fox\n" for n in range(200)).encode()
COUNT = {"n": 0}


def answer(method, path, body):
    """Status, headers and the content before its coding."""
    name = path.split("?")[0]
    plain = [("Content-Type", "text/plain; charset=utf-8")]
    as_json = [("Content-Type", "application/json")]
    if name == "/json":
        return 200, as_json, b'{"id": 1, "name": "Kim", "tags": ["a", "b"]}'
    if name == "/text":
        return 200, plain, "grüße, 世界 \U0001f600\n\ttab: yes # no\n".encode()
    if name == "/latin1":
        return 200, [("Content-Type", "text/plain; charset=iso-8859-1")], b"caf\xe9 cr\xe8me"
    if name == "/binary":
        return 200, [("Content-Type", "application/octet-stream")], bytes(range(256))
    if name in ("/gzip", "/deflate", "/zlib"):
        return 200, as_json, json.dumps({"coding": name, "text": "again " * 40}).encode()
    if name == "/brotli":
        return 200, as_json, b'{"coding":"br","text":"yes"}'
    if name == "/empty":
        return 204, [], b""
    if name == "/none":
        return 200, plain, b""
    if name == "/redirect":
        return 302, [("Location", "/json")], b"over there"
    if name == "/missing":
        return 404, as_json, b'{"error": "no such thing"}'
    if name == "/error":
        return 500, [("Content-Type", "text/html")], b"<h1>broken &amp; sorry</h1>"
    if name == "/limited":
        return 429, [("Retry-After", "7")] + plain, b"slow down"
    if name == "/cookies":
        return 200, [("Set-Cookie", "a=1; Path=/"), ("Set-Cookie", "b=2; Path=/")] + plain, b"two"
    if name == "/long":
        return 200, plain, LONG
    if name == "/counter":
        COUNT["n"] += 1
        return 200, as_json, json.dumps({"n": COUNT["n"]}).encode()
    if name == "/events":
        return 200, [("Content-Type", "text/event-stream")], b"data: one\n\ndata: two\n\n"
    if name == "/numbers":
        return 200, plain, b"12345"
    if name == "/yes":
        return 200, plain, b"yes"
    if name == "/favicon.ico":
        return 404, [], b""
    if name == "/page":
        return 200, [("Content-Type", "text/html")], b"<!doctype html><title>page</title>"
    if name == "/echo":
        digest = hashlib.sha256(body).hexdigest()
        return 200, as_json, json.dumps({"method": method, "got": digest}).encode()
    return 200, as_json, json.dumps({"path": path}).encode()


def coded(path, content):
    if path == "/gzip":
        return "gzip", gzip.compress(content, mtime=0)
    if path == "/zlib":
        return "deflate", zlib.compress(content)
    if path == "/deflate":
        packer = zlib.compressobj(wbits=-15)
        return "deflate", packer.compress(content) + packer.flush()
    if path == "/brotli":
        return "br", base64.b64decode(BROTLI)
    return None, content


LOG = []


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def serve(self):
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        if self.headers.get("Transfer-Encoding") == "chunked":
            body = b""
            while size := int(self.rfile.readline(), 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
        status, headers, content = answer(self.command, self.path, body)
        coding, sent = coded(self.path, content)
        is_head = self.command == "HEAD"
        # A browser asks for its icon on its own, and Playwright leaves that out. What is sent is
        # noted first: the client may be done before this thread is.
        if self.path != "/favicon.ico":
            LOG.append({
                "method": self.command,
                "url": BASE + self.path,
                "status": status,
                "request": sha256(body),
                "response": sha256(b"" if is_head else content),
            })
        self.send_response_only(status)
        for name, value in headers:
            self.send_header(name, value)
        if coding:
            self.send_header("Content-Encoding", coding)
        if self.path == "/favicon.ico":
            self.send_header("Content-Length", "0")
        elif self.path == "/events":
            self.send_header("Transfer-Encoding", "chunked")
        elif status != 204:
            self.send_header("Content-Length", str(len(sent)))
        self.end_headers()
        if self.path == "/events":
            for event in sent.split(b"\n\n")[:-1]:
                part = event + b"\n\n"
                self.wfile.write(b"%x\r\n%s\r\n" % (len(part), part))
            self.wfile.write(b"0\r\n\r\n")
        elif not is_head:
            self.wfile.write(sent)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = do_OPTIONS = serve

    def log_message(self, *args):
        pass


def sha256(data):
    return hashlib.sha256(data).hexdigest()


FORM = "application/x-www-form-urlencoded"
# Name, and the requests: method, path, headers, body.
SCENARIOS = {
    "json": [("GET", "/json", {}, None)],
    "text": [("GET", "/text", {}, None)],
    "latin1": [("GET", "/latin1", {}, None)],
    "binary": [("GET", "/binary", {}, None)],
    "gzip": [("GET", "/gzip", {"Accept-Encoding": "gzip"}, None)],
    "deflate": [("GET", "/zlib", {"Accept-Encoding": "deflate"}, None)],
    "bare-deflate": [("GET", "/deflate", {"Accept-Encoding": "deflate"}, None)],
    "brotli": [("GET", "/brotli", {"Accept-Encoding": "br"}, None)],
    "empty": [("GET", "/empty", {}, None), ("GET", "/none", {}, None)],
    "redirect": [("GET", "/redirect", {}, None)],
    "errors": [("GET", p, {}, None) for p in ("/missing", "/error", "/limited")],
    "cookies": [("GET", "/cookies", {}, None)],
    "head": [("HEAD", "/json", {}, None)],
    "query": [("GET", "/query?b=2&a=1&a=%C3%A9&c=x%20y&d=", {}, None)],
    "sorted-query": [("GET", "/query?a=%C3%A9&b=2&c=x%20y&d=", {}, None)],
    "repeats": [("GET", "/counter", {}, None)] * 3,
    "long": [("GET", "/long", {}, None)],
    "events": [("GET", "/events", {}, None)],
    "scalars": [("GET", "/numbers", {}, None), ("GET", "/yes", {}, None)],
    "send-json": [
        (m, "/echo", {"Content-Type": "application/json"}, b'{"b": [1, 2], "a": "\xc3\xa9"}')
        for m in ("POST", "PUT", "PATCH")
    ],
    "send-form": [("POST", "/echo", {"Content-Type": FORM}, b"a=1&b=x+y&c=%C3%A9")],
    "send-binary": [
        ("POST", "/echo", {"Content-Type": "application/octet-stream"}, bytes(range(256)))
    ],
    "send-multipart": [(
        "POST",
        "/echo",
        {"Content-Type": "multipart/form-data; boundary=xyz"},
        b'--xyz\r\nContent-Disposition: form-data; name="f"; filename="a.txt"\r\n\r\nhi\r\n--xyz--\r\n',
    )],
    "delete": [("DELETE", "/thing/1", {}, None), ("GET", "/thing/1", {}, None)],
}
# What a serializer that wants texts cannot write.
NO_TEXT = {"binary", "latin1", "gzip", "deflate", "bare-deflate", "brotli", "send-binary"}
MANIFEST = {}


def note(path, tool, since):
    name = str(pathlib.Path(path).relative_to(OUT))
    interactions = LOG[since:]
    if name.startswith("playwright/"):
        # A browser does not read the body of a redirection.
        is_read = lambda one: not 300 <= one["status"] < 400
        interactions = [
            one if is_read(one) else one | {"response": sha256(b"")} for one in interactions
        ]
    MANIFEST[name] = {"format": tool, "interactions": interactions}


def with_requests(method, path, headers, body):
    requests.request(method, BASE + path, headers=headers, data=body)


def with_httpx(method, path, headers, body):
    httpx.request(method, BASE + path, headers=headers, content=body, follow_redirects=True)


def with_urllib3(method, path, headers, body):
    urllib3.PoolManager().request(method, BASE + path, headers=headers, body=body)


def record_vcrpy():
    clients = {"requests": with_requests, "httpx": with_httpx, "urllib3": with_urllib3}
    for client, send in clients.items():
        for kind in ("yaml", "json"):
            for name, scenario in SCENARIOS.items():
                if kind == "json" and name in NO_TEXT or client == "urllib3" and kind == "json":
                    continue
                one_of_vcrpy(f"vcrpy/{client}-{name}.{kind}", kind, send, scenario, {})
    for name in ("gzip", "deflate", "json"):
        settings = {"decode_compressed_response": True}
        path = f"vcrpy/decoded-{name}.yaml"
        one_of_vcrpy(path, "yaml", with_requests, SCENARIOS[name], settings)


def one_of_vcrpy(name, kind, send, scenario, settings):
    path, since = OUT / name, len(LOG)
    recorder = vcr.VCR(serializer=kind, record_mode="all", **settings)
    with recorder.use_cassette(str(path)):
        for request in scenario:
            send(*request)
    note(path, "vcrpy", since)


def record_elsewhere(command, script, jobs):
    """The other tools take jobs on their standard input, one a line, and say when each is done."""
    process = subprocess.Popen(
        [*command, str(HERE / script), BASE, str(OUT)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )
    for job in jobs:
        since = len(LOG)
        requests_of = SCENARIOS[job["scenario"]]
        job["requests"] = [
            {"method": m, "path": p, "headers": h,
             "body": None if b is None else base64.b64encode(b).decode()}
            for m, p, h, b in requests_of
        ]
        process.stdin.write(json.dumps(job) + "\n")
        process.stdin.flush()
        done = json.loads(process.stdout.readline())
        note(OUT / done["path"], job["format"], since)
    process.stdin.close()
    assert process.wait() == 0, script


def vcr_jobs():
    # WebMock sorts a query and keeps one value of each name.
    for name in [name for name in SCENARIOS if name != "query"]:
        yield {"scenario": name, "format": "vcr", "serializer": "yaml", "exact": False}
        if name not in NO_TEXT:
            yield {"scenario": name, "format": "vcr", "serializer": "json", "exact": False}
    for name in ("json", "text", "gzip", "binary", "send-form"):
        yield {"scenario": name, "format": "vcr", "serializer": "compressed", "exact": False}
    for name in ("json", "text", "gzip", "binary", "latin1", "send-binary"):
        yield {"scenario": name, "format": "vcr", "serializer": "yaml", "exact": True}
        yield {"scenario": name, "format": "vcr", "serializer": "json", "exact": True}
    for name in ("gzip", "deflate"):
        yield {"scenario": name, "format": "vcr", "serializer": "yaml", "decode": True}


def polly_jobs():
    for name in SCENARIOS:
        # Polly.js keeps what a request sends as a text.
        if name != "send-binary":
            yield {"scenario": name, "format": "har", "adapter": "node-http"}
    for name in ("json", "text", "errors", "query", "repeats", "send-json", "send-form", "cookies"):
        yield {"scenario": name, "format": "har", "adapter": "fetch"}


def playwright_jobs():
    names = ("json", "text", "latin1", "binary", "gzip", "brotli", "errors", "cookies", "query",
             "repeats", "send-json", "send-form", "long", "redirect")
    for name in names:
        yield {"scenario": name, "format": "har", "content": "embed", "mode": "full"}
    for name in ("json", "binary", "send-json"):
        yield {"scenario": name, "format": "har", "content": "attach", "mode": "full"}
        yield {"scenario": name, "format": "har", "content": "embed", "mode": "minimal"}


def main():
    shutil.rmtree(OUT, ignore_errors=True)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", PORT), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    record_vcrpy()
    record_elsewhere(["ruby"], "vcr.rb", vcr_jobs())
    record_elsewhere(["node"], "polly.js", polly_jobs())
    record_elsewhere(["node"], "playwright.js", playwright_jobs())
    server.shutdown()
    text = json.dumps(MANIFEST, indent=1, sort_keys=True)
    (OUT / "manifest.json").write_text(text + "\n")
    print(len(MANIFEST), "cassettes,", len(LOG), "interactions")


main()
