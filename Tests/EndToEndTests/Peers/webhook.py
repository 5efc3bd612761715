"""Takes webhooks. Prints "port N" once it listens, then the body of each POST as one line.

webhook.py [STATUS [SECONDS]]   answers with STATUS instead of 200, after SECONDS
"""

import http.server
import os
import sys
import threading
import time


class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        assert self.headers["Content-Type"] == "application/json"
        sys.stdout.buffer.write(body + b"\n")
        sys.stdout.flush()
        time.sleep(float(sys.argv[2]) if sys.argv[2:] else 0)
        self.send_response(int(sys.argv[1]) if sys.argv[1:] else 200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
print("port", server.server_port, flush=True)
threading.Thread(target=server.serve_forever, daemon=True).start()
sys.stdin.read()
os._exit(0)
