"""What the services of the tests have in common."""

import http.server


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    # Five may wait to be taken in otherwise, and the system forgets what comes beyond that.
    request_queue_size = 512


def serve(handler):
    """Serves at a free port, which it prints."""
    server = Server(("127.0.0.1", 0), handler)
    print(server.server_address[1], flush=True)
    server.serve_forever()
