"""Trino's SQL, put into DuckDB's by sqlglot and answered by DuckDB, behind Trino's protocol.

There is no Trino to be had from a package registry. What this shows is that its SQL is read by a
parser that knows it, that the query means what it should, and that pages are followed; Trino's own
client for Python (trino 0.340.0) reads these answers, too. Run by hand:
  python3 -m venv /tmp/warehouse && /tmp/warehouse/bin/pip install duckdb==2.0.0 sqlglot==30.30.0
  GATE_ORACLE=/tmp/warehouse/bin/python cargo test -p dataset --test it -- --ignored trino

Says on which port it listens, and ends when nobody holds its input any more. Statements that are
posted to `/` are the test's own and are not translated.
"""

import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import duckdb
import sqlglot

# Functions of Trino's that DuckDB calls otherwise.
MACROS = """
create macro is_finite(x) as isfinite(x);
create macro with_timezone(clock, zone) as timezone(zone, clock);
create macro from_unixtime_nanos(nanos) as make_timestamptz(nanos // 1000);
"""
TYPES = {
    "BIGINT": "bigint", "HUGEINT": "decimal(38,0)", "INTEGER": "integer", "DOUBLE": "double",
    "FLOAT": "real", "VARCHAR": "varchar", "BOOLEAN": "boolean", "DATE": "date",
    "TIMESTAMP WITH TIME ZONE": "timestamp(6) with time zone", "TIMESTAMP": "timestamp(6)",
}
# Rows of a page: few, so that there are many pages.
PAGE = 3

engine = duckdb.connect()
# Whole numbers by whole numbers are whole in Trino.
engine.execute("set threads = 2; set TimeZone = 'Asia/Tokyo'; set integer_division = true")
engine.execute(MACROS)
one_at_a_time = threading.Lock()
queries = {}


def signature(of):
    raw, _, inner = of.partition("(")
    long = [int(part) for part in inner.partition(")")[0].split(",") if part]
    raw += inner.partition(")")[2]
    if raw == "varchar" and not long:
        long = [2**31 - 1]
    return {"rawType": raw, "arguments": [{"kind": "LONG", "value": one} for one in long]}


def ask(sql, headers):
    [sql] = sqlglot.transpile(sql, read="trino", write="duckdb",
                              unsupported_level=sqlglot.ErrorLevel.RAISE)
    with one_at_a_time:
        if schema := headers.get("X-Trino-Schema"):
            engine.execute(f"use {schema}")
        engine.execute(sql)
        types = [TYPES.get(str(one[1]), str(one[1]).lower()) for one in engine.description]
        names = [one[0] for one in engine.description]
        rows = engine.fetchall()
    columns = [{"name": name, "type": of, "typeSignature": signature(of)}
               for name, of in zip(names, types)]
    return columns, [list(row) for row in rows]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        sql = self.rfile.read(int(self.headers["Content-Length"])).decode()
        if self.path == "/":
            with one_at_a_time:
                engine.execute(sql)
            return self.answer({})
        if not self.headers.get("X-Trino-User"):
            return self.answer({"message": "nobody"}, 401)
        name = f"20261122_000000_{len(queries):05}_gate"
        queries[name] = (sql, self.headers)
        self.answer({"id": name, "stats": {"state": "QUEUED"}, "nextUri": self.uri(name, 0)})

    def do_GET(self):
        *_, name, at = self.path.split("/")
        at = int(at)
        if at == 0:
            try:
                queries[name] = ask(*queries[name])
            except Exception as error:
                told = {"message": str(error), "errorCode": 1, "errorName": "SYNTAX_ERROR",
                        "errorType": "USER_ERROR", "failureInfo": {"type": type(error).__name__}}
                return self.answer({"id": name, "error": told, "stats": {"state": "FAILED"}})
        columns, rows = queries[name]
        page = {"id": name, "stats": {"state": "RUNNING"}, "columns": columns}
        if part := rows[at * PAGE:(at + 1) * PAGE]:
            page["data"] = part
        if (at + 1) * PAGE < len(rows):
            page["nextUri"] = self.uri(name, at + 1)
        else:
            page["stats"]["state"] = "FINISHED"
        self.answer(page)

    def uri(self, name, at):
        return f"http://127.0.0.1:{self.server.server_port}/v1/statement/executing/{name}/{at}"

    def answer(self, said, status=200):
        if "id" in said:
            said["infoUri"] = f"http://127.0.0.1:{self.server.server_port}/ui/query.html?{said['id']}"
        body = json.dumps(said, allow_nan=False, default=str).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
print(server.server_port, f"DuckDB {duckdb.__version__}, sqlglot {sqlglot.__version__}", flush=True)
sys.stdin.read()
