"""ClickHouse's own engine behind the part of its HTTP interface that `dataset` speaks.

Run by hand, with the engine in an environment of its own:
  python3 -m venv /tmp/warehouse && /tmp/warehouse/bin/pip install chdb==4.4.0
  GATE_ORACLE=/tmp/warehouse/bin/python cargo test -p dataset --test it -- --ignored clickhouse

Says on which port it listens, and ends when nobody holds its input any more. Statements that no
`default_format` comes with are the test's own, which fill tables.
"""

import json
import re
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

from chdb import session

# What stands in an address without being a setting.
OWN = {"default_format", "wait_end_of_query", "database"}
USER, PASSWORD = "reader", "hunter2 & co"

engine = session.Session()
one_at_a_time = threading.Lock()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        asked = dict(parse_qsl(urlsplit(self.path).query))
        sql = self.rfile.read(int(self.headers["Content-Length"])).decode()
        if "default_format" in asked:
            who = self.headers.get("X-ClickHouse-User"), self.headers.get("X-ClickHouse-Key")
            if who != (USER, PASSWORD):
                message = f"Code: 516. DB::Exception: {who[0]}: Authentication failed. (AUTHENTICATION_FAILED)"
                return self.answer(403, message.encode(), "516")
            settings = [f"{name}={value}" for name, value in asked.items() if name not in OWN]
            if settings:
                sql += "\nsettings " + ", ".join(settings)
        try:
            with one_at_a_time:
                engine.query(f"use {asked.get('database', 'default')}")
                said = engine.query(sql, asked.get("default_format", "TabSeparated")).bytes()
        except Exception as error:
            # The engine alone leaves the version out, which a server tells behind its message.
            code = re.search(r"Code: (\d+)", str(error))
            message = f"{error} (version 0.0 (official build))"
            return self.answer(500, message.encode(), code[1] if code else "1001")
        self.answer(200, bytes(said))

    def answer(self, status, body, code=None):
        self.send_response(status)
        if code:
            self.send_header("X-ClickHouse-Exception-Code", code)
        self.send_header("Content-Type", "application/json; charset=UTF-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
version = json.loads(str(engine.query("select version()", "JSONCompact")))["data"][0][0]
print(server.server_port, f"ClickHouse {version}", flush=True)
sys.stdin.read()
