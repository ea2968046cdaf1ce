"""nginx on loopback that answers from its configuration, for benches of load."""

import os
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request

CONFIGURATION = """
daemon off;
master_process {master};
worker_processes {workers};
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 8192; }}
http {{
    access_log off;
    keepalive_requests 1000000000;
    keepalive_timeout 3600s;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{
        listen 127.0.0.1:{port} backlog=8192;
        listen 127.0.0.1:{http2} http2 backlog=8192;
        location = /status {{ stub_status; }}
        location / {{ default_type text/plain; return 200 "{body}"; }}
    }}
}}
"""
MISSING = "nginx is not installed; on Debian: apt-get install nginx-light"


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as free:
        return free.getsockname()[1]


class Nginx:
    """A server at `url`, and at `http2` in that version, that ends with the block; bound to a
    processor where one is given."""

    def __init__(self, folder, processor=None, workers=1):
        program = shutil.which("nginx", path=os.environ["PATH"] + ":/usr/sbin")
        if not program:
            sys.exit(MISSING)
        folder = pathlib.Path(folder).resolve()
        folder.mkdir(parents=True, exist_ok=True)
        port = free_port()
        http2 = free_port()
        text = CONFIGURATION.format(folder=folder, port=port, http2=http2, workers=workers, body="x" * 100,
                                    master="on" if workers > 1 else "off")
        (folder / "nginx.conf").write_text(text)
        bind = None if processor is None else lambda: os.sched_setaffinity(0, {processor})
        argv = [program, "-p", folder, "-c", folder / "nginx.conf"]
        self.process = subprocess.Popen(argv, stderr=subprocess.DEVNULL, preexec_fn=bind)
        self.url, self.http2 = f"http://127.0.0.1:{port}/", f"http://127.0.0.1:{http2}/"
        for _ in range(100):
            try:
                self.answered()
                return
            except OSError:
                time.sleep(0.05)
        self.__exit__()
        sys.exit(f"nginx does not listen; {folder}/error.log may say why")

    def answered(self):
        """How many requests it has answered, without those for this number."""
        with urllib.request.urlopen(self.url + "status") as answer:
            numbers = re.search(r"\n\s*(\d+) (\d+) (\d+)", answer.read().decode())
        self.asked = getattr(self, "asked", 0) + 1
        return int(numbers[3]) - self.asked

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()
